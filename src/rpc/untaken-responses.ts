// Responses that their callers have not taken yet, bounded in bytes, in all and for one address. If there is no room, a
// large one is not sent and its caller may try again; small ones always are, since the number of calls bounds them. A
// caller that has left one for long while others need room is hung up on. Reads no clock by itself.
import { HostParts } from "../address/host-parts.js";

export interface UntakenLimits {
  /** Bytes of responses that wait to be taken, for all connections together. */
  readonly maxUntakenBytes: number;
  /** How long a response may wait while there is no room for others. */
  readonly untakenTimeoutMs: number;
}

/** Responses up to this size are sent in any case. */
const SMALL_BYTES = 16 * 1024;

/** No response waits longer than so many times that, even if there is room: its call takes a place. */
const PATIENCE = 3;

interface Waiting {
  readonly bytes: number;
  readonly host: string;
  readonly sinceMs: number;
  readonly hangUp: () => void;
}

export class UntakenResponses {
  readonly #limits: UntakenLimits;
  /** By call, oldest first. */
  readonly #waiting = new Map<object, Waiting>();
  readonly #parts: HostParts;
  #bytes = 0;

  constructor(limits: UntakenLimits) {
    this.#limits = limits;
    this.#parts = new HostParts(limits.maxUntakenBytes);
  }

  /** Whether a response of so many bytes may go to `host`; if so, it counts until `over`. `hangUp` ends the connection
   * it goes to, and with it all responses that wait there. */
  mayGo(call: object, bytes: number, host: string, nowMs: number, hangUp: () => void): boolean {
    if (bytes > SMALL_BYTES && !this.#hasRoom(bytes, host)) {
      this.#hangUpOlderThan(nowMs - this.#limits.untakenTimeoutMs);
      if (!this.#hasRoom(bytes, host)) return false;
    }
    this.#waiting.set(call, { bytes, host, sinceMs: nowMs, hangUp });
    this.#count(host, bytes);
    return true;
  }

  /** The call has ended, in whichever way. */
  over(call: object): void {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return;
    this.#waiting.delete(call);
    this.#count(waiting.host, -waiting.bytes);
  }

  #hasRoom(bytes: number, host: string): boolean {
    return this.#bytes + bytes <= this.#limits.maxUntakenBytes && this.#parts.hasRoom(host, bytes);
  }

  /** To be called now and then: ends the connections of callers that take nothing at all. */
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

  #count(host: string, bytes: number): void {
    this.#bytes += bytes;
    this.#parts.add(host, bytes);
  }
}
