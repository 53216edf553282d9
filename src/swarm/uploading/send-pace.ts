// How long the uplink takes for a number of bytes, found from when the kernel took how many. Pure: no clock, time comes
// in as a parameter. Does not know what is sent to whom.

/** A rate is measured over at least this much time and this many bytes. */
const WINDOW_MS = 100;
const WINDOW_BYTES = 256 * 1024;

/** The weight of the latest window against all before it. A quicker one shows what the uplink can do; a slower one may
 * only show what receivers can. */
const QUICKER_WEIGHT = 1 / 2;
const SLOWER_WEIGHT = 1 / 16;

export class SendPace {
  /** Smoothed over all windows that have ended; undefined before the first has. */
  #msPerByte: number | undefined;
  #windowMs = 0;
  #windowBytes = 0;
  #takenAtMs = 0;

  /** Sending begins now; nothing was being sent before. */
  begun(nowMs: number): void {
    this.#takenAtMs = nowMs;
  }

  /** The kernel has taken `bytes`. */
  taken(bytes: number, nowMs: number): void {
    this.#windowMs += nowMs - this.#takenAtMs;
    this.#windowBytes += bytes;
    this.#takenAtMs = nowMs;
    if (this.#windowMs < WINDOW_MS || this.#windowBytes < WINDOW_BYTES) return;
    const latest = this.#windowMs / this.#windowBytes;
    const before = this.#msPerByte ?? latest;
    this.#msPerByte = before + (latest - before) * (latest < before ? QUICKER_WEIGHT : SLOWER_WEIGHT);
    this.#windowMs = 0;
    this.#windowBytes = 0;
  }

  /** Infinity as long as nothing is known. */
  durationMs(bytes: number): number {
    if (bytes === 0) return 0;
    if (this.#msPerByte !== undefined) return bytes * this.#msPerByte;
    return this.#windowBytes === 0 ? Number.POSITIVE_INFINITY : (bytes * this.#windowMs) / this.#windowBytes;
  }
}
