// Which of the addresses that peers announce may be handed out: those at which the tracker has dialled them itself and
// been answered with their peer id. Names are no proof, since whoever owns one can let it stand for another address
// a moment later. Nobody can use the tracker to knock at others' doors: an address is dialled at most once a minute,
// whoever names it and however often; so many a second in all, so many at a time; and nobody from outside gets
// it to dial into private networks. Dials by what it is given.
import { mayDialBack } from "../../address/dialable.js";
import { type Endpoint, formatEndpoint } from "../../address/endpoint.js";
import { hostNetwork, parseAddress } from "../../address/host.js";
import type { Clock } from "../../core/clock.js";
import type { PeerId } from "../../core/ids.js";

/** Dials `endpoint`; who says to be there, or undefined if nobody does. Ends when `signal` aborts, and in any case
 * after some seconds. */
export type FindPeer = (endpoint: Endpoint, signal: AbortSignal) => Promise<PeerId | undefined>;

export interface Listing {
  /** Those that are proven. */
  readonly endpoints: readonly Endpoint[];
  /** The proof of another has just begun: asking again soon is worth while. */
  readonly isLooking: boolean;
}

const DIAL_PAUSE_MS = 60_000;
const MAX_DIALS_AT_A_TIME = 16;
/** In the long run; so the addresses that were dialled within the last minute are few. */
const MAX_DIALS_PER_SECOND = 20;
/** A proof that nobody has asked about for so long is forgotten, and so are those asked about longest ago where there
 * are too many. */
const PROOF_MS = 60 * 60_000;
const MAX_PROOFS = 65_536;

export class ProvenEndpoints {
  readonly #find: FindPeer;
  readonly #clock: Clock;
  readonly #unexpected: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** When a proof ends, by peer and place; the one asked about last stands last. */
  readonly #proofs = new Map<string, number>();
  /** When an address was dialled, oldest first. */
  readonly #dialledAtMs = new Map<string, number>();
  #running = 0;

  /** `unexpected` is told of what `find` throws. */
  constructor(find: FindPeer, clock: Clock, unexpected: (error: unknown) => void) {
    this.#find = find;
    this.#clock = clock;
    this.#unexpected = unexpected;
  }

  /** What of `announced` by `peerId`, seen at `askerHost`, may be handed out now; looks for the rest of it as far as
   * that may be. */
  listing(peerId: PeerId, announced: readonly Endpoint[], askerHost: string): Listing {
    const endpoints: Endpoint[] = [];
    let isLooking = false;
    for (const endpoint of announced) {
      if (this.#isProven(peerId, endpoint)) endpoints.push(endpoint);
      else if (this.#mayDialNow(endpoint, askerHost)) {
        isLooking = true;
        this.#prove(peerId, endpoint).catch(this.#unexpected);
      }
    }
    return { endpoints, isLooking };
  }

  /** Ends the dials that run, and begins no others. */
  close(): void {
    this.#closing.abort();
  }

  #isProven(peerId: PeerId, endpoint: Endpoint): boolean {
    const key = proofKey(peerId, endpoint);
    const untilMs = this.#proofs.get(key);
    if (untilMs === undefined) return false;
    this.#proofs.delete(key);
    if (untilMs <= this.#clock.nowMs()) return false;
    this.#proofs.set(key, this.#clock.nowMs() + PROOF_MS);
    return true;
  }

  #mayDialNow(endpoint: Endpoint, askerHost: string): boolean {
    if (endpoint.transport !== "tcp" || parseAddress(endpoint.host) === undefined) return false;
    if (this.#closing.signal.aborted || !mayDialBack(endpoint, askerHost)) return false;
    this.#forgetOldDials();
    return (
      this.#running < MAX_DIALS_AT_A_TIME &&
      this.#dialledAtMs.size < (MAX_DIALS_PER_SECOND * DIAL_PAUSE_MS) / 1000 &&
      !this.#dialledAtMs.has(hostNetwork(endpoint.host))
    );
  }

  #forgetOldDials(): void {
    const latest = this.#clock.nowMs() - DIAL_PAUSE_MS;
    for (const [network, atMs] of this.#dialledAtMs) {
      if (atMs > latest) return;
      this.#dialledAtMs.delete(network);
    }
  }

  async #prove(peerId: PeerId, endpoint: Endpoint): Promise<void> {
    this.#dialledAtMs.set(hostNetwork(endpoint.host), this.#clock.nowMs());
    this.#running += 1;
    try {
      if ((await this.#find(endpoint, this.#closing.signal)) !== peerId) return;
    } finally {
      this.#running -= 1;
    }
    const [oldest] = this.#proofs.keys();
    if (oldest !== undefined && this.#proofs.size >= MAX_PROOFS) this.#proofs.delete(oldest);
    this.#proofs.set(proofKey(peerId, endpoint), this.#clock.nowMs() + PROOF_MS);
  }
}

function proofKey(peerId: PeerId, endpoint: Endpoint): string {
  return `${peerId} ${formatEndpoint(endpoint)}`;
}
