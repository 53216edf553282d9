// Which of the addresses that peers announce may be handed out: those at which the tracker has dialled them itself and
// been answered with their peer id. Names are never listed, since their owner can let one stand for another address a
// moment later. Nobody can use the tracker to knock at others' doors: it dials an address at most once a minute,
// whichever peer names it and however often; a bounded number a second in all and at a time, and a part of both for one
// caller; and into private networks never for callers from outside. Dials by a function that it is given.
import { mayDialBack } from "../../address/dialable.js";
import { type Endpoint, formatEndpoint } from "../../address/endpoint.js";
import { hostNetwork, parseAddress } from "../../address/host.js";
import { HostParts } from "../../address/host-parts.js";
import type { Clock } from "../../core/clock.js";
import type { PeerId } from "../../core/ids.js";

/** Dials `endpoint`; the id of the peer that answers, or undefined if none does. Ends when `signal` aborts, and in any
 * case after some seconds. */
export type FindPeer = (endpoint: Endpoint, signal: AbortSignal) => Promise<PeerId | undefined>;

export interface Listing {
  /** The proven ones. */
  readonly endpoints: readonly Endpoint[];
  /** Whether the proof of another has just begun: asking again soon is worth while. */
  readonly isLooking: boolean;
}

const DIAL_PAUSE_MS = 60_000;
const MAX_DIALS_AT_A_TIME = 16;
/** 20 a second in the long run, so that few addresses were dialled within the last minute. */
const MAX_DIALS_PER_PAUSE = (20 * DIAL_PAUSE_MS) / 1000;
/** How long a proof is good: an address may be given to another machine. In the last RENEWAL_MS the peer is looked for
 * again whenever it announces the address, so that one that stays is listed without a break. */
const PROOF_MS = 60 * 60_000;
const RENEWAL_MS = 15 * 60_000;
/** Beyond this, proofs asked about longest ago are forgotten. With the figures above there are enough dials to renew
 * all of them. */
const MAX_PROOFS = 65_536;

interface Dial {
  readonly atMs: number;
  readonly askerHost: string;
}

export class ProvenEndpoints {
  readonly #find: FindPeer;
  readonly #clock: Clock;
  readonly #unexpected: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** When a proof ends, by peer and place; the one asked about last comes last. */
  readonly #proofs = new Map<string, number>();
  /** By the address that was dialled, oldest first. */
  readonly #dials = new Map<string, Dial>();
  readonly #dialParts = new HostParts(MAX_DIALS_PER_PAUSE);
  #running = 0;
  readonly #runningParts = new HostParts(MAX_DIALS_AT_A_TIME);

  /** `unexpected` is told of what `find` throws. */
  constructor(find: FindPeer, clock: Clock, unexpected: (error: unknown) => void) {
    this.#find = find;
    this.#clock = clock;
    this.#unexpected = unexpected;
  }

  /** Which addresses of `announced` by `peerId`, seen at `askerHost`, may be handed out now. Dials the others as far as
   * that is allowed. */
  listing(peerId: PeerId, announced: readonly Endpoint[], askerHost: string): Listing {
    const endpoints: Endpoint[] = [];
    let isLooking = false;
    for (const endpoint of announced) {
      const leftMs = this.#proofLeftMs(peerId, endpoint);
      if (leftMs > 0) endpoints.push(endpoint);
      if (leftMs > RENEWAL_MS || !this.#mayDialNow(endpoint, askerHost)) continue;
      if (leftMs <= 0) isLooking = true;
      this.#prove(peerId, endpoint, askerHost).catch(this.#unexpected);
    }
    return { endpoints, isLooking };
  }

  /** Ends running dials, and begins no others. */
  close(): void {
    this.#closing.abort();
  }

  /** How long the proof is good for; 0 if there is none. */
  #proofLeftMs(peerId: PeerId, endpoint: Endpoint): number {
    const key = proofKey(peerId, endpoint);
    const untilMs = this.#proofs.get(key);
    if (untilMs === undefined) return 0;
    this.#proofs.delete(key);
    const leftMs = untilMs - this.#clock.nowMs();
    if (leftMs > 0) this.#proofs.set(key, untilMs);
    return Math.max(0, leftMs);
  }

  #mayDialNow(endpoint: Endpoint, askerHost: string): boolean {
    if (endpoint.transport !== "tcp" || parseAddress(endpoint.host) === undefined) return false;
    if (this.#closing.signal.aborted || !mayDialBack(endpoint, askerHost)) return false;
    this.#forgetOldDials();
    return (
      this.#running < MAX_DIALS_AT_A_TIME &&
      this.#runningParts.hasRoom(askerHost, 1) &&
      this.#dials.size < MAX_DIALS_PER_PAUSE &&
      this.#dialParts.hasRoom(askerHost, 1) &&
      !this.#dials.has(hostNetwork(endpoint.host))
    );
  }

  #forgetOldDials(): void {
    const latest = this.#clock.nowMs() - DIAL_PAUSE_MS;
    for (const [network, { atMs, askerHost }] of this.#dials) {
      if (atMs > latest) return;
      this.#dials.delete(network);
      this.#dialParts.add(askerHost, -1);
    }
  }

  async #prove(peerId: PeerId, endpoint: Endpoint, askerHost: string): Promise<void> {
    this.#dials.set(hostNetwork(endpoint.host), { atMs: this.#clock.nowMs(), askerHost });
    this.#dialParts.add(askerHost, 1);
    this.#running += 1;
    this.#runningParts.add(askerHost, 1);
    try {
      if ((await this.#find(endpoint, this.#closing.signal)) !== peerId) return;
    } finally {
      this.#running -= 1;
      this.#runningParts.add(askerHost, -1);
    }
    const key = proofKey(peerId, endpoint);
    this.#proofs.delete(key);
    const [oldest] = this.#proofs.keys();
    if (oldest !== undefined && this.#proofs.size >= MAX_PROOFS) this.#proofs.delete(oldest);
    this.#proofs.set(key, this.#clock.nowMs() + PROOF_MS);
  }
}

function proofKey(peerId: PeerId, endpoint: Endpoint): string {
  return `${peerId} ${formatEndpoint(endpoint)}`;
}
