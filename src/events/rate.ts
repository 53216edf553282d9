// How fast something goes, over the last seconds, and when it will be done. Knows no clock: every call gives the time,
// in milliseconds that never go back. Memory is bounded however often it is called.

/** The least time between two progress events, and how often progress is looked at. */
export const PROGRESS_MS = 200;

/** How far back a rate looks: long enough to be calm, short enough to notice a stall. */
const WINDOW_MS = 6_000;

/** Readings nearer than this to the one before replace it. */
const SPACING_MS = 250;

interface Reading {
  readonly atMs: number;
  readonly bytes: number;
}

export class RateMeter {
  readonly #readings: Reading[];

  /** `bytes`: those already there when measuring begins, such as an earlier run's. */
  constructor(nowMs: number, bytes = 0) {
    this.#readings = [{ atMs: nowMs, bytes }];
  }

  /** Records that `bytes` are done in all. */
  record(nowMs: number, bytes: number): void {
    const readings = this.#readings;
    const beforeLast = readings.at(-2);
    if (beforeLast !== undefined && nowMs - beforeLast.atMs < SPACING_MS) readings.pop();
    readings.push({ atMs: nowMs, bytes });
    this.#forget(nowMs);
  }

  /** Bytes per second over the last seconds; 0 until two readings differ in time. */
  bytesPerSecond(nowMs: number): number {
    this.#forget(nowMs);
    const first = this.#readings[0];
    const last = this.#readings.at(-1);
    if (first === undefined || last === undefined || nowMs <= first.atMs) return 0;
    return (Math.max(0, last.bytes - first.bytes) * 1000) / (nowMs - first.atMs);
  }

  /** Milliseconds until `bytesTotal` are done at that rate; 0: not known, or done. */
  etaMs(nowMs: number, bytesTotal: number): number {
    const left = bytesTotal - (this.#readings.at(-1)?.bytes ?? 0);
    const rate = this.bytesPerSecond(nowMs);
    return left <= 0 || rate < 1 ? 0 : (left * 1000) / rate;
  }

  /** Keeps the newest reading that is a window old: the rate is measured from there. */
  #forget(nowMs: number): void {
    const horizonMs = nowMs - WINDOW_MS;
    let next = this.#readings[1];
    while (next !== undefined && next.atMs <= horizonMs) {
      this.#readings.shift();
      next = this.#readings[1];
    }
  }
}
