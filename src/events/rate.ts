// How fast something goes, over the last seconds, and when it will be done. Knows no clock: every call gives the time,
// in milliseconds that never go back. Memory is bounded however often it is called.

/** The least time between two progress events, and how often progress is looked at. */
export const PROGRESS_MS = 200;

/** How far back a rate looks: long enough to be calm, short enough to notice a stall. */
const WINDOW_MS = 6_000;

/** When nothing has come for so long, what comes then is measured by itself, once it has come for so long. */
const PAUSE_MS = 2_000;
const RESUMED_MS = 1_000;

/** Readings nearer than this to the one before replace it. */
const SPACING_MS = 250;

interface Reading {
  readonly atMs: number;
  readonly bytes: number;
}

export class RateMeter {
  readonly #readings: Reading[];
  /** The last reading at which there was more than before, and the one before that. */
  #moved: Reading;
  #movedBefore: Reading;
  /** The first reading at which there was more again after a pause. */
  #resumed: Reading | undefined;

  /** `bytes`: those already there when measuring begins, such as an earlier run's. */
  constructor(nowMs: number, bytes = 0) {
    this.#moved = { atMs: nowMs, bytes };
    this.#movedBefore = this.#moved;
    this.#readings = [this.#moved];
  }

  /** Records that `bytes` are done in all. */
  record(nowMs: number, bytes: number): void {
    const readings = this.#readings;
    const beforeLast = readings.at(-2);
    if (beforeLast !== undefined && nowMs - beforeLast.atMs < SPACING_MS) readings.pop();
    const reading = { atMs: nowMs, bytes };
    readings.push(reading);
    if (bytes > this.#moved.bytes) {
      if (nowMs - this.#moved.atMs >= PAUSE_MS) this.#resumed = reading;
      this.#movedBefore = this.#moved;
      this.#moved = reading;
    }
    this.#forget(nowMs);
  }

  /** Bytes per second over the last seconds; 0 until two readings differ in time. */
  bytesPerSecond(nowMs: number): number {
    this.#forget(nowMs);
    const first = this.#first();
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

  /** From where the rate is measured. */
  #first(): Reading | undefined {
    const [oldest] = this.#readings;
    if (oldest === undefined) return undefined;
    const resumed = this.#resumed;
    const isFlowing = resumed !== undefined && this.#moved.atMs - resumed.atMs >= RESUMED_MS;
    if (isFlowing && resumed.atMs > oldest.atMs) return resumed;
    // A chunk that took longer than the window to come did not come within it.
    const isOneLump = this.#movedBefore.atMs < oldest.atMs && this.#moved.atMs > oldest.atMs;
    return isOneLump ? this.#movedBefore : oldest;
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
