// Time that passes only from one event to the next. What is due at the same moment runs in the order in which it was
// asked for, so a simulation is the same each time. Never waits, and never reads a real clock.
import type { Cancel, Timers } from "../../src/core/clock.js";

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was cancelled. */
  run: (() => void) | undefined;
}

export class VirtualTime implements Timers {
  #nowMs = 0;
  #order = 0;
  /** A binary heap, the first to be due at the top. */
  readonly #alarms: Alarm[] = [];
  #soon: (() => void)[] = [];
  /** How many alarms went off. */
  events = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  readonly later = (delayMs: number, run: () => void): Cancel => {
    const alarm: Alarm = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(alarm);
    return () => {
      alarm.run = undefined;
    };
  };

  /** Lets time pass until `isOver`, or until nothing is left to happen. */
  run(isOver: () => boolean): void {
    for (;;) {
      const next = this.#alarms[0];
      if (next !== undefined && next.atMs <= this.#nowMs) this.#goOff();
      else if (this.#soon.length > 0) this.#runSoon();
      else if (next === undefined || isOver()) return;
      else this.#nowMs = next.atMs;
    }
  }

  #goOff(): void {
    const alarm = this.#pop();
    if (alarm?.run === undefined) return;
    this.events++;
    alarm.run();
  }

  #runSoon(): void {
    const all = this.#soon;
    this.#soon = [];
    for (const run of all) run();
  }

  #push(alarm: Alarm): void {
    const heap = this.#alarms;
    let at = heap.length;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = heap[up];
      if (above === undefined || isBefore(above, alarm)) break;
      heap[at] = above;
      at = up;
    }
    heap[at] = alarm;
  }

  #pop(): Alarm | undefined {
    const heap = this.#alarms;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      if (one === undefined) break;
      const isRight = other !== undefined && isBefore(other, one);
      const below = isRight ? other : one;
      if (isBefore(last, below)) break;
      heap[at] = below;
      at = isRight ? left + 1 : left;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Alarm, other: Alarm): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
