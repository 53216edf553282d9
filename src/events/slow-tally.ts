// How long a download was slow for which reason. Knows no clock: every call gives the time, in milliseconds that never
// go back. Each millisecond is counted once, so that the sum is the time that has passed.
import type { SlowReason, SlowTime } from "./event.js";

export class SlowTally {
  readonly #beforeMs = new Map<SlowReason, number>();
  #reason: SlowReason;
  #sinceMs: number;

  constructor(reason: SlowReason, nowMs: number) {
    this.#reason = reason;
    this.#sinceMs = nowMs;
  }

  /** The reason now. */
  get reason(): SlowReason {
    return this.#reason;
  }

  /** From now on the reason is `reason`. */
  turn(reason: SlowReason, nowMs: number): void {
    this.#beforeMs.set(this.#reason, this.#msOf(this.#reason, nowMs));
    this.#reason = reason;
    this.#sinceMs = nowMs;
  }

  /** All reasons there were so far, the longest first. */
  times(nowMs: number): readonly SlowTime[] {
    return [...new Set([...this.#beforeMs.keys(), this.#reason])]
      .map((reason) => ({ reason, ms: this.#msOf(reason, nowMs) }))
      .filter(({ ms }) => ms > 0)
      .sort((a, b) => b.ms - a.ms);
  }

  #msOf(reason: SlowReason, nowMs: number): number {
    const beforeMs = this.#beforeMs.get(reason) ?? 0;
    return reason === this.#reason ? beforeMs + nowMs - this.#sinceMs : beforeMs;
  }
}
