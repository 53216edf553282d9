// Ends calls whose request does not arrive in time. Sets no timer.
import { RPC_STATUS } from "./rpc-error.js";

interface EndableCall {
  sendStatus(status: { code: number; details: string; metadata: null }): void;
}

/** Calls whose request is not there in full yet, oldest first. */
export class StallWatch {
  readonly #timeoutMs: number;
  readonly #startedAtMs = new Map<EndableCall, number>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  begin(call: EndableCall): void {
    this.#startedAtMs.set(call, performance.now());
  }

  end(call: EndableCall): void {
    this.#startedAtMs.delete(call);
  }

  endStalled(): void {
    const latest = performance.now() - this.#timeoutMs;
    for (const [call, startedAtMs] of this.#startedAtMs) {
      if (startedAtMs > latest) return;
      this.#startedAtMs.delete(call);
      call.sendStatus({
        code: RPC_STATUS.DEADLINE_EXCEEDED,
        details: "the request did not arrive in time",
        metadata: null,
      });
    }
  }
}
