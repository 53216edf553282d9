// How long a flow waits for others: a signal that aborts with a typed error when nothing has helped for too long, or
// when the flow itself is stopped. Time in which the process stood still does not count. Does not decide what helps.
import { stoodStill } from "../../core/clock.js";
import type { GoshareError } from "../../core/errors.js";

const CHECK_MS = 1_000;

export class Patience {
  readonly #timeoutMs: number;
  readonly #error: (what: "manifest" | "peers") => GoshareError;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #onOuterAbort = () => this.#controller.abort(this.#outer.reason);
  #what: "manifest" | "peers" = "manifest";
  #sinceMs = 0;
  #checkAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `outer` aborts it too, with its own reason. `error` makes the error with which it aborts after `timeoutMs`. */
  constructor(timeoutMs: number, outer: AbortSignal, error: (what: "manifest" | "peers") => GoshareError) {
    this.#timeoutMs = timeoutMs;
    this.#error = error;
    this.#outer = outer;
    if (outer.aborted) this.#onOuterAbort();
    else outer.addEventListener("abort", this.#onOuterAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for `what` from now on, with full patience. Cheap: called for every chunk. */
  begin(what: "manifest" | "peers"): void {
    this.#what = what;
    this.#sinceMs = performance.now();
    if (this.#timer === undefined) this.#checkWithin(this.#timeoutMs);
  }

  /** Nothing is waited for. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.rest();
    this.#outer.removeEventListener("abort", this.#onOuterAbort);
  }

  #checkWithin(leftMs: number): void {
    const waitMs = Math.min(leftMs, CHECK_MS);
    this.#checkAtMs = performance.now() + waitMs;
    this.#timer = setTimeout(() => this.#check(), waitMs);
  }

  #check(): void {
    const nowMs = performance.now();
    // Nobody could help then, and whoever did before has hung up meanwhile.
    if (stoodStill(this.#checkAtMs, nowMs, this.#timeoutMs)) this.#sinceMs = nowMs;
    const leftMs = this.#sinceMs + this.#timeoutMs - nowMs;
    this.#timer = undefined;
    if (leftMs <= 0) this.#controller.abort(this.#error(this.#what));
    else this.#checkWithin(leftMs);
  }
}
