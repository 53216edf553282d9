// One rate for everything that sends, or everything that asks, in this process. Waiters stand in a line, and the first
// is called when bytes may go again. Owns the timer around a RateLimit; moves no bytes itself.
import { processTimers, type Timers } from "../core/clock.js";
import { MIB } from "../core/units.js";
import { RateLimit } from "./rate-limit.js";

/** Called when its turn has come. It then calls `mayBegin` and `spend`, unless it has nothing to send. */
export type Waiter = () => void;

/** How much of what a late timer cost is made up for: a chunk of the usual size; or what goes in this time at high
 * rates, where a chunk takes less time than an event loop may be late. */
const MAX_CREDIT_BYTES = MIB;
const MAX_CREDIT_MS = 20;

export class RateBudget {
  readonly bytesPerSecond: number;
  readonly #timers: Pick<Timers, "nowMs" | "later">;
  readonly #limit: RateLimit;
  /** The waiters, in the order in which they came. */
  readonly #line = new Set<Waiter>();
  /** The waiter that was called and has not begun anything yet. */
  #called: Waiter | undefined;
  #isTimed = false;

  constructor(bytesPerSecond: number, timers: Pick<Timers, "nowMs" | "later"> = processTimers) {
    this.bytesPerSecond = bytesPerSecond;
    this.#timers = timers;
    const maxCreditBytes = Math.max(MAX_CREDIT_BYTES, this.bytesPerSecond * (MAX_CREDIT_MS / 1000));
    this.#limit = new RateLimit(bytesPerSecond, maxCreditBytes, timers.nowMs());
  }

  /** How long until something may begin, not counting the line. */
  get waitMs(): number {
    return this.#limit.waitMs(this.#timers.nowMs());
  }

  /** How long so many bytes take at this rate. */
  durationMs(bytes: number): number {
    return (bytes / this.bytesPerSecond) * 1000;
  }

  /** Whether `waiter` may begin one chunk of any length now; it then reports the length by `spend`. If not, it has a
   * place in the line and is called when its turn has come. */
  mayBegin(waiter: Waiter): boolean {
    const isFirst = this.#called === waiter || (this.#called === undefined && this.#line.size === 0);
    if (isFirst && this.#limit.isReady(this.#timers.nowMs())) {
      this.#called = undefined;
      return true;
    }
    this.#line.add(waiter);
    this.#setTimer();
    return false;
  }

  spend(bytes: number): void {
    this.#limit.spend(bytes, this.#timers.nowMs());
  }

  /** `bytes` of what was spent were not sent, or not asked for, after all. */
  giveBack(bytes: number): void {
    this.#limit.giveBack(bytes, this.#timers.nowMs());
    // A timer that is already set waits longer than needed.
    if (this.#line.size > 0) this.#serveLater();
  }

  /** Whether `waiter` was told to wait, and its turn has not come. */
  isInLine(waiter: Waiter): boolean {
    return this.#line.has(waiter);
  }

  /** `waiter` no longer waits. */
  leave(waiter: Waiter): void {
    this.#line.delete(waiter);
    if (this.#line.size === 0) this.#limit.rest(this.#timers.nowMs());
  }

  #setTimer(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#serveLater(() => {
      this.#isTimed = false;
    });
  }

  #serveLater(first?: () => void): void {
    this.#timers.later(Math.ceil(this.#limit.waitMs(this.#timers.nowMs())), () => {
      first?.();
      this.#serveLine();
    });
  }

  #serveLine(): void {
    // A waiter that has still more to send goes to the end of the line.
    for (const waiter of this.#line) {
      if (!this.#limit.isReady(this.#timers.nowMs())) return this.#setTimer();
      this.#line.delete(waiter);
      this.#called = waiter;
      waiter();
      // It had nothing left to send, so no time was waited for it.
      if (this.#called !== undefined) this.#limit.rest(this.#timers.nowMs());
      this.#called = undefined;
    }
  }
}
