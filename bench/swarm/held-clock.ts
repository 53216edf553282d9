// A clock that stands still until it is released, so that a rate measured by it earns nothing meanwhile and does not
// begin with a burst.
import { type Clock, monotonicClock, processTimers } from "../../src/core/clock.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";

export class HeldClock implements Clock {
  readonly #heldAtMs = monotonicClock.nowMs();
  #heldForMs: number | undefined;

  nowMs(): number {
    return this.#heldForMs === undefined ? this.#heldAtMs : monotonicClock.nowMs() - this.#heldForMs;
  }

  release(): void {
    this.#heldForMs ??= monotonicClock.nowMs() - this.#heldAtMs;
  }
}

/** The debt at first: nothing begins before the clock has run for this long, and this is how often the budget looks
 * whether it has. */
const FIRST_DEBT_MS = 10;

/** A budget from which nothing may begin until `clock` runs. */
export function heldBudget(bytesPerSecond: number, clock: HeldClock): RateBudget {
  const budget = new RateBudget(bytesPerSecond, { nowMs: () => clock.nowMs(), later: processTimers.later });
  budget.spend((bytesPerSecond * FIRST_DEBT_MS) / 1000);
  return budget;
}
