// A clock that a test moves, with timers that go off as it moves, as late as the test wants.
import type { Cancel, Timers } from "../../src/core/clock.js";

export class ManualTime implements Timers {
  #nowMs = 1000;
  #alarms: { readonly atMs: number; readonly run: () => void }[] = [];

  readonly nowMs = (): number => this.#nowMs;

  readonly soon = (run: () => void): void => void this.later(0, run);

  readonly later = (delayMs: number, run: () => void): Cancel => {
    const added = { atMs: this.#nowMs + delayMs, run };
    this.#alarms.push(added);
    return () => {
      this.#alarms = this.#alarms.filter((alarm) => alarm !== added);
    };
  };

  /** Lets `ms` go by; every timer goes off `lateMs()` after it is due, or at the end. */
  advance(ms: number, lateMs: () => number = () => 0): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#alarms.reduce((first, alarm) => (alarm.atMs < first.atMs ? alarm : first), {
        atMs: Number.POSITIVE_INFINITY,
        run: () => {},
      });
      if (due.atMs > endMs) break;
      this.#alarms = this.#alarms.filter((alarm) => alarm !== due);
      this.#nowMs = Math.min(endMs, Math.max(this.#nowMs, due.atMs + lateMs()));
      due.run();
    }
    this.#nowMs = endMs;
  }
}
