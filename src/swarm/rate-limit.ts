// How many bytes may go at a rate: a token bucket that may run into debt, so that a chunk larger than the rate passes
// whole and is paid for afterwards. Pure: no clock, no timers, time comes in as a parameter. Does not know what the
// bytes are, nor what waits for them.
import assert from "node:assert/strict";

export class RateLimit {
  readonly #bytesPerMs: number;
  readonly #maxCreditBytes: number;
  /** Below zero it is debt, and nothing may begin. */
  #balanceBytes = 0;
  #countedAtMs: number;
  /** Whether a waiter was told to wait and has not been served since. */
  #isAwaited = false;

  /** `maxCreditBytes`: how much may be made up for when a waiter is served late. */
  constructor(bytesPerSecond: number, maxCreditBytes: number, nowMs: number) {
    assert(bytesPerSecond > 0 && maxCreditBytes >= 0);
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#maxCreditBytes = maxCreditBytes;
    this.#countedAtMs = nowMs;
  }

  /** Whether something of any length may begin. If not, time from now on counts as waited for. */
  isReady(nowMs: number): boolean {
    this.#count(nowMs);
    // Less than a byte of debt is only rounding.
    if (this.#balanceBytes > -1) return true;
    this.#isAwaited = true;
    return false;
  }

  /** How long until something may begin, if nothing else does before that. */
  waitMs(nowMs: number): number {
    this.#count(nowMs);
    return Math.max(0, -this.#balanceBytes / this.#bytesPerMs);
  }

  /** Something of this length begins. */
  spend(bytes: number, nowMs: number): void {
    this.#count(nowMs);
    this.#balanceBytes -= bytes;
    this.#isAwaited = false;
  }

  /** `bytes` of what was spent were not sent after all. */
  giveBack(bytes: number, nowMs: number): void {
    this.#count(nowMs);
    // Credit beyond the usual would come out as a burst.
    const most = Math.max(this.#balanceBytes, this.#maxCreditBytes);
    this.#balanceBytes = Math.min(this.#balanceBytes + bytes, most);
  }

  /** No waiter is left. */
  rest(nowMs: number): void {
    this.#count(nowMs);
    this.#isAwaited = false;
    this.#balanceBytes = Math.min(0, this.#balanceBytes);
  }

  /** Time pays debts. Beyond that it earns credit only while something waits: a timer that fires late must not reduce
   * the rate, and a pause must not end in a burst. */
  #count(nowMs: number): void {
    const earnedBytes = Math.max(0, nowMs - this.#countedAtMs) * this.#bytesPerMs;
    this.#countedAtMs = Math.max(this.#countedAtMs, nowMs);
    const limitBytes = this.#isAwaited ? this.#maxCreditBytes : 0;
    const most = Math.max(this.#balanceBytes, limitBytes);
    this.#balanceBytes = Math.min(this.#balanceBytes + earnedBytes, most);
  }
}
