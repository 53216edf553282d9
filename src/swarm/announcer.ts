// Keeps a peer's leases with its trackers alive: each tracker is told of all its shares, apart from the others and at
// its own pace. Talks to no tracker itself.
import type { Endpoint } from "../address/endpoint.js";
import { withTimeout } from "../core/clock.js";
import type { GoshareError } from "../core/errors.js";
import type { ContentId, PeerId } from "../core/ids.js";
import type { AnnounceAnswer, ShareAnnouncement } from "../tracker/announcement.js";
import { TrackerLeases } from "./tracker-leases.js";

export interface AnnouncedPeer {
  readonly peerId: PeerId;
  readonly runEpochMs: number;
  readonly endpoints: readonly Endpoint[];
  listenPort(): number;
  /** What is held now. */
  shares(): readonly ShareAnnouncement[];
  /** The encoded root of a share, or undefined if it is not to be handed in. */
  rootOf(contentId: ContentId): Uint8Array | undefined;
}

export interface AnnouncerEvents {
  /** A tracker has taken an announcement of these shares. */
  answered(tracker: string, answer: AnnounceAnswer, contentIds: readonly ContentId[]): void;
  /** A tracker did not answer, or took no manifest, and is asked again later. Called once until it does, and again only
   * if it refuses other shares. `contentIds`: those that it refuses; empty if it is not about shares. */
  failed(tracker: string, error: GoshareError, contentIds: readonly ContentId[]): void;
}

export class Announcer {
  readonly #trackers: readonly TrackerLeases[];

  constructor(trackers: readonly Endpoint[], peer: AnnouncedPeer, events: AnnouncerEvents) {
    this.#trackers = trackers.map((tracker) => new TrackerLeases(tracker, peer, events));
  }

  /** Resolves when every tracker has answered for a share or failed once, or after `maxMs`; false if that was too
   * soon. */
  settled(contentId: ContentId, maxMs: number): Promise<boolean> {
    const settled = Promise.all(this.#trackers.map((tracker) => tracker.settled(contentId))).then(() => true);
    return withTimeout(settled, maxMs).catch(() => false);
  }

  /** There are more shares, or fewer: tells trackers of those soon, so that several that change within a moment are one
   * call. */
  sharesChanged(): void {
    for (const tracker of this.#trackers) tracker.sharesChanged();
  }

  /** Announces everything without waiting for the next renewal, except to trackers that are given time to recover. */
  announceNow(): void {
    for (const tracker of this.#trackers) tracker.announceNow();
  }

  /** Withdraws everywhere and stops. */
  async close(): Promise<void> {
    await Promise.all(this.#trackers.map((tracker) => tracker.close()));
  }
}
