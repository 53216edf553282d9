// Tells neighbours which chunks have become available here: chunks gained within a few milliseconds go out together,
// and the first after a while goes at once. A follower has a snapshot already. Costs nothing while there are no
// followers, and does not decide who follows.
import { processTimers, type Timers } from "../../core/clock.js";
import type { ContentId } from "../../core/ids.js";
import type { PeerConnection } from "../../peer/connection.js";
import { encodeNotice } from "../../peer/frame.js";
import { MAX_UPDATE_NUMBERS } from "../../peer/limits.js";

/** Least time from one update to the next. Far less than a chunk takes on a link where it would matter. */
const UPDATE_INTERVAL_MS = 25;

export class AvailabilityNews {
  readonly #contentId: ContentId;
  readonly #timers: Timers;
  readonly #followers = new Set<PeerConnection>();
  readonly #listeners = new Set<(chunkIndex: number) => void>();
  #gained: number[] = [];
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(contentId: ContentId, timers: Timers = processTimers) {
    this.#contentId = contentId;
    this.#timers = timers;
  }

  /** `connection` gets every chunk gained from now on. To be called before its snapshot is taken, or at once after:
   * telling it a chunk twice does no harm, a missed one would be lost. */
  follow(connection: PeerConnection): void {
    this.#followers.add(connection);
  }

  /** `connection` is told of no more chunks: it has left, gone, or not joined after all. */
  unfollow(connection: PeerConnection): void {
    this.#followers.delete(connection);
  }

  /** `listener` is told of every chunk at once. */
  listen(listener: (chunkIndex: number) => void): void {
    this.#listeners.add(listener);
  }

  gained(chunkIndex: number): void {
    for (const listener of this.#listeners) listener(chunkIndex);
    if (this.#followers.size === 0) return;
    if (this.#gained.length === 0) this.#tellSoon();
    this.#gained.push(chunkIndex);
  }

  #tellSoon(): void {
    const delayMs = this.#toldAtMs + UPDATE_INTERVAL_MS - this.#timers.nowMs();
    if (delayMs > 0) this.#timers.later(delayMs, this.tellNow);
    else this.#timers.soon(this.tellNow);
  }

  /** Tells what has not been told yet. To be called before a Goodbye: who counts copies relies on having heard of every
   * chunk by then. */
  readonly tellNow = (): void => {
    if (this.#gained.length === 0) return;
    const all = this.#gained;
    this.#gained = [];
    this.#toldAtMs = this.#timers.nowMs();
    for (let from = 0; from < all.length; from += MAX_UPDATE_NUMBERS) {
      const gained = all.slice(from, from + MAX_UPDATE_NUMBERS);
      const contentId = this.#contentId;
      const notice = encodeNotice({ type: "availabilityUpdate", contentId, gained, lost: [] });
      for (const connection of this.#followers) connection.notify(notice);
    }
  };
}
