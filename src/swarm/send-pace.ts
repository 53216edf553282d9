// How long the uplink takes for what is sent, from when the kernel took what. Pure: no clock, time comes in as a
// parameter. Does not know who sends what to whom.

/** How much the latest slice counts beside all before it. */
const NEWEST_WEIGHT = 1 / 16;

export class SendPace {
  /** What a byte takes while something is being sent, smoothed. */
  #msPerByte = 0;
  #takenAtMs = 0;

  /** Something is being sent from now on, and nothing was before. */
  begun(nowMs: number): void {
    this.#takenAtMs = nowMs;
  }

  /** The kernel has taken `bytes`. */
  taken(bytes: number, nowMs: number): void {
    const msPerByte = (nowMs - this.#takenAtMs) / bytes;
    this.#takenAtMs = nowMs;
    this.#msPerByte += (msPerByte - this.#msPerByte) * NEWEST_WEIGHT;
  }

  durationMs(bytes: number): number {
    return bytes * this.#msPerByte;
  }
}
