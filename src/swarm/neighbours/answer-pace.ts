// How quickly a peer answers requests for chunks, and so how long those still open will take. Pure: no clock, time
// comes in as a parameter. Does not know which chunks, or what follows from it.
import assert from "node:assert/strict";
import { smoothed } from "../../core/smoothing.js";

/** What is a little late may still come at the peer's own pace. */
const LATE_MS = 1_000;

export class AnswerPace {
  /** Between two chunks while something was open; undefined before the first. */
  #intervalMs: number | undefined;
  /** When the last chunk came, or when the first request after a time without any was made. */
  #sinceMs = 0;
  #open = 0;

  /** Requests without an answer. */
  get open(): number {
    return this.#open;
  }

  asked(nowMs: number): void {
    if (this.#open++ === 0) this.#sinceMs = nowMs;
  }

  /** A chunk has come. */
  answered(nowMs: number): void {
    this.#intervalMs = smoothed(this.#intervalMs, nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
    this.refused();
  }

  /** The peer left a chunk, as it was asked to. This counts as slower than the time that was waited: of two peers that
   * are both slower than that, neither is given the same chunk again and again. */
  left(nowMs: number): void {
    this.#intervalMs = Math.max(this.#intervalMs ?? 0, nowMs - this.#sinceMs);
    this.refused();
  }

  /** This process stood still: what is open is waited for anew. */
  stoodStill(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  /** A request has ended without a chunk, which says nothing about how long one takes. */
  refused(): void {
    assert(this.#open > 0);
    this.#open--;
  }

  /** How long it takes from now on until so many chunks have come, those that are open first. A peer that is overdue is
   * judged by how long it has kept this side waiting; one that was never asked is given a chance. */
  expectedMs(chunks: number, nowMs: number): number {
    const waitedMs = this.#open > 0 ? nowMs - this.#sinceMs : 0;
    const intervalMs = this.#intervalMs ?? 0;
    return waitedMs > intervalMs ? chunks * waitedMs : chunks * intervalMs - waitedMs;
  }

  /** Whether a chunk has kept this side waiting for far longer than those before: the peer's pace is not why. */
  isOverdue(nowMs: number): boolean {
    if (this.#open === 0 || this.#intervalMs === undefined) return false;
    return nowMs - this.#sinceMs > 2 * this.#intervalMs + LATE_MS;
  }
}
