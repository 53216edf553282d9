// Tells neighbours which chunks have become available here: what is gained in one turn of the event loop goes out
// together. Whoever follows has a snapshot already; costs nothing while nobody does. Decides not who follows.
import type { ContentId } from "../core/ids.js";
import type { PeerConnection } from "../peer/connection.js";
import { encodeNotice } from "../peer/frame.js";
import { MAX_UPDATE_NUMBERS } from "../peer/limits.js";

export class AvailabilityNews {
  readonly #contentId: ContentId;
  readonly #followers = new Set<PeerConnection>();
  readonly #listeners = new Set<(chunkIndex: number) => void>();
  #gained: number[] = [];

  constructor(contentId: ContentId) {
    this.#contentId = contentId;
  }

  /** `connection` gets every chunk gained from now on. To be called before its snapshot is taken, or at once
   * after: a number it knows already does no harm, one that is missing would be lost. */
  follow(connection: PeerConnection): void {
    this.#followers.add(connection);
  }

  /** It has every chunk by itself, or has gone. */
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
    if (this.#gained.length === 0) setImmediate(this.#tell);
    this.#gained.push(chunkIndex);
  }

  readonly #tell = () => {
    const all = this.#gained;
    this.#gained = [];
    for (let from = 0; from < all.length; from += MAX_UPDATE_NUMBERS) {
      const gained = all.slice(from, from + MAX_UPDATE_NUMBERS);
      const contentId = this.#contentId;
      const notice = encodeNotice({ type: "availabilityUpdate", contentId, gained, lost: [] });
      for (const connection of this.#followers) connection.notify(notice);
    }
  };
}
