// What trackers are told of the shares at one port: all of them together, as one peer. Also which trackers and
// addresses tickets name. Serves nothing.
import * as os from "node:os";
import type { Endpoint } from "../../address/endpoint.js";
import { ownEndpoints } from "../../address/own-endpoints.js";
import type { ContentId } from "../../core/ids.js";
import type { EventObserver } from "../../events/event.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import type { LocalPeer } from "../../peer/handshake.js";
import { Announcer } from "../../swarm/announcer.js";
import { tellAnnounced } from "../finding/tracker-details.js";
import { chooseTrackers, type TrackerWish, trackersForOthers } from "../finding/trackers.js";

export interface AnnouncementOptions extends TrackerWish {
  /** Where others reach this machine; replaces its own addresses. */
  readonly advertise: readonly Endpoint[];
  /** Whether trackers may keep the manifests. */
  readonly publish: boolean;
}

/** Where the shares are reached. */
export interface SharePlace {
  readonly local: LocalPeer;
  readonly host: string;
  readonly port: number;
}

/** What others need besides a content id. */
export interface Whereabouts {
  readonly trackers: readonly Endpoint[];
  readonly peers: readonly Endpoint[];
}

/** A share can be passed on without a tracker: one that does not answer holds up the tickets of a command no longer
 * than this. */
const ANNOUNCED_WITHIN_MS = 3_000;
/** Shares that a warning names. */
const MAX_NAMED = 3;

export class AnnouncedShares {
  readonly #options: AnnouncementOptions;
  readonly #place: SharePlace;
  readonly #observe: EventObserver;
  readonly #trackers: Promise<readonly Endpoint[]>;
  /** Each with the trackers that have taken it. */
  readonly #shares = new Map<ContentId, { readonly root: ManifestRoot; readonly takenBy: Set<string> }>();
  #whereabouts: Promise<Whereabouts> | undefined;
  #announcer: Announcer | undefined;
  #areTrackersSilent = false;
  #isClosed = false;

  /** Looks for trackers at once, and announces nothing before a share is waited for. */
  constructor(options: AnnouncementOptions, place: SharePlace, observe: EventObserver) {
    this.#options = options;
    this.#place = place;
    this.#observe = observe;
    this.#trackers = chooseTrackers(options.trackers, options.probeLocalTracker);
  }

  whereabouts(): Promise<Whereabouts> {
    this.#whereabouts ??= this.#find();
    return this.#whereabouts;
  }

  async #find(): Promise<Whereabouts> {
    const { advertise } = this.#options;
    const own = ownEndpoints(os.networkInterfaces(), this.#place.host, this.#place.port);
    const trackers = await trackersForOthers(await this.#trackers, own);
    return { trackers, peers: advertise.length > 0 ? advertise : own };
  }

  /** Adds a share that is served. */
  add(root: ManifestRoot): void {
    this.#shares.set(root.contentId, { root, takenBy: new Set() });
    this.#announcer?.sharesChanged();
  }

  remove(contentId: ContentId): void {
    if (this.#shares.delete(contentId)) this.#announcer?.sharesChanged();
  }

  /** Resolves when the trackers have answered the announcement of a share, or take too long: with those that have taken
   * it. One share does not wait for what another has waited for in vain. */
  async announced(contentId: ContentId): Promise<readonly string[]> {
    const trackers = await this.#trackers;
    if (this.#isClosed) return [];
    this.#announcer ??= this.#announce(trackers);
    const hasSettled = await this.#announcer.settled(
      contentId,
      this.#areTrackersSilent ? 0 : ANNOUNCED_WITHIN_MS,
    );
    if (!hasSettled) this.#areTrackersSilent = true;
    return [...(this.#shares.get(contentId)?.takenBy ?? [])];
  }

  /** Withdraws all of them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#announcer?.close();
  }

  #announce(trackers: readonly Endpoint[]): Announcer {
    const { advertise, publish } = this.#options;
    const { local, port } = this.#place;
    const tell = tellAnnounced(this.#observe);
    return new Announcer(
      trackers,
      {
        peerId: local.peerId,
        runEpochMs: Math.round(performance.timeOrigin),
        endpoints: advertise,
        listenPort: () => port,
        shares: () =>
          Array.from(this.#shares.values(), ({ root: { contentId, chunkCount } }) => {
            return { contentId, chunksHeld: chunkCount, complete: true, wantPeers: 0 };
          }),
        rootOf: (contentId) => (publish ? this.#shares.get(contentId)?.root.bytes : undefined),
      },
      {
        answered: (tracker, answer, contentIds) => {
          for (const contentId of contentIds) this.#shares.get(contentId)?.takenBy.add(tracker);
          tell(tracker, answer, contentIds);
        },
        failed: (tracker, { code, message }, contentIds) =>
          this.#observe({
            ...{ type: "warning", code, path: tracker },
            message: `${this.#namesOf(contentIds)}${message}`,
          }),
      },
    );
  }

  /** The names of shares, unless that is clear: none, or all there are. */
  #namesOf(contentIds: readonly ContentId[]): string {
    const shares = contentIds
      .map((contentId) => this.#shares.get(contentId))
      .filter((one) => one !== undefined);
    if (shares.length === 0 || shares.length === this.#shares.size) return "";
    const names = shares.slice(0, MAX_NAMED).map(({ root }) => root.name);
    const more = shares.length - names.length;
    return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}: `;
  }
}
