// One rate for all who send, or all who ask, in this process: they stand in a line, and the first is called when
// bytes may go again. Owns the timer around a RateLimit; moves no bytes itself.
import { processTimers, type Timers } from "../core/clock.js";
import { MIB } from "../core/units.js";
import { RateLimit } from "./rate-limit.js";

/** Called when its turn has come; calls `mayBegin` and `spend` then, or has nothing to send. */
export type Waiter = () => void;

/** Of what a late timer cost, so much is made up for: a chunk of the usual size, and at high rates, where a chunk
 * takes less time than an event loop may be late, what goes in this time. */
const MAX_CREDIT_BYTES = MIB;
const MAX_CREDIT_MS = 20;

export class RateBudget {
  readonly bytesPerSecond: number;
  readonly #timers: Pick<Timers, "nowMs" | "later">;
  readonly #limit: RateLimit;
  /** Who waits, first come first. */
  readonly #line = new Set<Waiter>();
  /** Was called and has not begun anything yet. */
  #called: Waiter | undefined;
  #isTimed = false;

  constructor(bytesPerSecond: number, timers: Pick<Timers, "nowMs" | "later"> = processTimers) {
    this.bytesPerSecond = bytesPerSecond;
    this.#timers = timers;
    const maxCreditBytes = Math.max(MAX_CREDIT_BYTES, this.bytesPerSecond * (MAX_CREDIT_MS / 1000));
    this.#limit = new RateLimit(bytesPerSecond, maxCreditBytes, timers.nowMs());
  }

  /** How long until something may begin, were nobody before it in the line. */
  get waitMs(): number {
    return this.#limit.waitMs(this.#timers.nowMs());
  }

  /** How long the rate takes for so many bytes. */
  durationMs(bytes: number): number {
    return (bytes / this.bytesPerSecond) * 1000;
  }

  /** Whether `waiter` may begin one chunk now, of any length; it tells by `spend`. If not, it has a place in the
   * line and is called when its turn has come. */
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

  /** What was spent was not sent, or not asked for, after all. */
  giveBack(bytes: number): void {
    this.#limit.giveBack(bytes, this.#timers.nowMs());
    // A timer that is set by now waits for longer than is needed.
    if (this.#line.size > 0) this.#serveLater();
  }

  /** Whether `waiter` was told to wait, and its turn has not come. */
  isInLine(waiter: Waiter): boolean {
    return this.#line.has(waiter);
  }

  /** `waiter` does not wait any more. */
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
    // Who is called and has still more to send goes to the end of the line.
    for (const waiter of this.#line) {
      if (!this.#limit.isReady(this.#timers.nowMs())) return this.#setTimer();
      this.#line.delete(waiter);
      this.#called = waiter;
      waiter();
      // It had nothing to send any more: time did not pass for its sake.
      if (this.#called !== undefined) this.#limit.rest(this.#timers.nowMs());
      this.#called = undefined;
    }
  }
}
