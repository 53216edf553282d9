// Responses that their callers have not taken yet, bounded in bytes, in all and for one address. If there is no room, a
// large one is not sent and its caller may try again; small ones always are, since the number of calls bounds them. A
// caller that has left one for long while others need room is hung up on. Reads no clock by itself.
import { HostParts } from "../address/host-parts.js";
import { type Arrival, Arrivals } from "../core/arrivals.js";

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

/** A call whose response waits to be taken. */
interface RespondedCall {
  /** Ends the connection that the response goes to, and with it all responses that wait there. */
  hangUp(): void;
}

interface Response {
  readonly call: RespondedCall;
  readonly bytes: number;
  readonly host: string;
}

/** A response that was let go and has not been taken yet. */
export type UntakenResponse = Arrival<Response>;

export class UntakenResponses {
  readonly #limits: UntakenLimits;
  readonly #waiting = new Arrivals<Response>();
  readonly #parts: HostParts;
  #bytes = 0;

  constructor(limits: UntakenLimits) {
    this.#limits = limits;
    this.#parts = new HostParts(limits.maxUntakenBytes);
  }

  /** Lets the response of `call` go to `host`: it counts until `over`. Undefined: it may not go. */
  letGo(call: RespondedCall, bytes: number, host: string, nowMs: number): UntakenResponse | undefined {
    if (bytes > SMALL_BYTES && !this.#hasRoom(bytes, host)) {
      this.#hangUpOlderThan(nowMs - this.#limits.untakenTimeoutMs);
      if (!this.#hasRoom(bytes, host)) return undefined;
    }
    this.#count(host, bytes);
    return this.#waiting.add({ call, bytes, host }, nowMs);
  }

  /** The call of a response has ended, in whichever way. May be called more than once. */
  over(response: UntakenResponse): void {
    if (!this.#waiting.leave(response)) return;
    const { host, bytes } = response.value;
    this.#count(host, -bytes);
  }

  #hasRoom(bytes: number, host: string): boolean {
    return this.#bytes + bytes <= this.#limits.maxUntakenBytes && this.#parts.hasRoom(host, bytes);
  }

  /** To be called now and then: ends the connections of callers that take nothing at all. */
  hangUpStuck(nowMs: number): void {
    this.#hangUpOlderThan(nowMs - PATIENCE * this.#limits.untakenTimeoutMs);
  }

  #hangUpOlderThan(latest: number): void {
    for (let oldest = this.#waiting.oldest; oldest !== undefined; oldest = this.#waiting.oldest) {
      if (oldest.atMs > latest) return;
      this.over(oldest);
      oldest.value.call.hangUp();
    }
  }

  #count(host: string, bytes: number): void {
    this.#bytes += bytes;
    this.#parts.add(host, bytes);
  }
}
