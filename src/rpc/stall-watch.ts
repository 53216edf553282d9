// Ends calls whose request does not arrive in time. Sets no timer.
import { type Arrival, Arrivals } from "../core/arrivals.js";
import { RPC_STATUS } from "./rpc-error.js";

interface EndableCall {
  sendStatus(status: { code: number; details: string; metadata: null }): void;
}

/** A call whose request is not there in full yet. */
export type UnreadCall = Arrival<EndableCall>;

export class StallWatch {
  readonly #timeoutMs: number;
  readonly #unread = new Arrivals<EndableCall>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  begin(call: EndableCall, nowMs: number): UnreadCall {
    return this.#unread.add(call, nowMs);
  }

  /** Its request is there, or it has ended. May be called more than once. */
  end(call: UnreadCall): void {
    this.#unread.leave(call);
  }

  /** To be called now and then. */
  endStalled(nowMs: number): void {
    for (let oldest = this.#unread.oldest; oldest !== undefined; oldest = this.#unread.oldest) {
      if (oldest.atMs > nowMs - this.#timeoutMs) return;
      this.#unread.leave(oldest);
      oldest.value.sendStatus({
        code: RPC_STATUS.DEADLINE_EXCEEDED,
        details: "the request did not arrive in time",
        metadata: null,
      });
    }
  }
}
