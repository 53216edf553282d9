// Responses that their callers have not taken yet, bounded in bytes, in all and for one address. Where there is no room
// a large one is not sent: its caller may try again; small ones always are, for they are bounded by the number of calls.
// Who has left one for long while others wait for room is hung up. Reads no clock by itself.
import { hostNetwork, hostScope } from "../address/host.js";

export interface UntakenLimits {
  /** Of responses that wait to be taken, all connections together. */
  readonly maxUntakenBytes: number;
  /** How long one may wait while there is no room for others. */
  readonly untakenTimeoutMs: number;
}

/** Responses up to this size are sent in any case. */
const SMALL_BYTES = 16 * 1024;

/** One address has no more than this part of the room, loopback all of it: proxies run there. */
const PART_PER_ADDRESS = 1 / 4;

/** So many times as long, nobody keeps one waiting, even where there is room: its call takes a place. */
const PATIENCE = 3;

interface Waiting {
  readonly bytes: number;
  readonly network: string;
  readonly sinceMs: number;
  readonly hangUp: () => void;
}

export class UntakenResponses {
  readonly #limits: UntakenLimits;
  /** By call, oldest first. */
  readonly #waiting = new Map<object, Waiting>();
  readonly #byNetwork = new Map<string, number>();
  #bytes = 0;

  constructor(limits: UntakenLimits) {
    this.#limits = limits;
  }

  /** Whether a response of so many bytes may go to `host`; if so it counts until `over`. `hangUp` ends the connection
   * it goes to, and with it all that wait there. */
  mayGo(call: object, bytes: number, host: string, nowMs: number, hangUp: () => void): boolean {
    const network = hostNetwork(host);
    if (bytes > SMALL_BYTES && !this.#hasRoom(bytes, network, host)) {
      this.#hangUpOlderThan(nowMs - this.#limits.untakenTimeoutMs);
      if (!this.#hasRoom(bytes, network, host)) return false;
    }
    this.#waiting.set(call, { bytes, network, sinceMs: nowMs, hangUp });
    this.#count(network, bytes);
    return true;
  }

  /** The call has ended, one way or another. */
  over(call: object): void {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return;
    this.#waiting.delete(call);
    this.#count(waiting.network, -waiting.bytes);
  }

  #hasRoom(bytes: number, network: string, host: string): boolean {
    const { maxUntakenBytes } = this.#limits;
    if (this.#bytes + bytes > maxUntakenBytes) return false;
    const ofNetwork = (this.#byNetwork.get(network) ?? 0) + bytes;
    return ofNetwork <= maxUntakenBytes * PART_PER_ADDRESS || hostScope(host) === "loopback";
  }

  /** To be called now and then: ends the connections of those who take nothing at all. */
  hangUpStuck(nowMs: number): void {
    this.#hangUpOlderThan(nowMs - PATIENCE * this.#limits.untakenTimeoutMs);
  }

  #hangUpOlderThan(latest: number): void {
    for (const [call, waiting] of this.#waiting) {
      if (waiting.sinceMs > latest) return;
      this.over(call);
      waiting.hangUp();
    }
  }

  #count(network: string, bytes: number): void {
    this.#bytes += bytes;
    const ofNetwork = (this.#byNetwork.get(network) ?? 0) + bytes;
    if (ofNetwork === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, ofNetwork);
  }
}
