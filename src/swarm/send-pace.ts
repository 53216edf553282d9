// How long the uplink takes for what is sent and for what is yet to be sent, from when the kernel took what. Pure: no
// clock, time comes in as a parameter. Does not know who sends what to whom.

/** How much the latest slice counts beside all before it. */
const NEWEST_WEIGHT = 1 / 16;

export class SendPace {
  /** Of chunks that have begun: what the kernel has not taken. */
  #unsentBytes = 0;
  #takenAtMs = 0;
  /** Of the latest slices, weighted: what was taken, and the time that took while something was being sent. */
  #bytes = 0;
  #ms = 0;

  /** A chunk begins. */
  begun(bytes: number, nowMs: number): void {
    if (this.#unsentBytes === 0) this.#takenAtMs = nowMs;
    this.#unsentBytes += bytes;
  }

  /** The kernel has taken so much of a chunk that has begun. */
  taken(bytes: number, nowMs: number): void {
    this.#unsentBytes -= bytes;
    this.#bytes += (bytes - this.#bytes) * NEWEST_WEIGHT;
    this.#ms += (nowMs - this.#takenAtMs - this.#ms) * NEWEST_WEIGHT;
    this.#takenAtMs = nowMs;
  }

  /** So much of a chunk that has begun is not sent after all. */
  dropped(bytes: number): void {
    this.#unsentBytes -= bytes;
  }

  /** How long the uplink takes for so much; infinity as long as nothing is known. */
  durationMs(bytes: number): number {
    if (bytes === 0) return 0;
    return this.#bytes === 0 ? Number.POSITIVE_INFINITY : (bytes * this.#ms) / this.#bytes;
  }

  /** How long it takes for the rest of what has begun. */
  get waitMs(): number {
    return this.durationMs(this.#unsentBytes);
  }
}
