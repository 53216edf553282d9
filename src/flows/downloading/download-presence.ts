// A download's place among its peers: the port at which it is reached, and its leases with trackers. Decides
// nothing about chunks.
import type { Endpoint } from "../../address/endpoint.js";
import type { ContentId } from "../../core/ids.js";
import { Announcer, type AnnouncerEvents } from "../../swarm/announcer.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";
import type { ServedDownload } from "../../swarm/uploading/served-download.js";
import type { TrackerWarnings } from "../finding/tracker-warnings.js";
import type { DownloadPort } from "./download-port.js";

export class DownloadPresence {
  readonly #port: DownloadPort;
  readonly #contentId: ContentId;
  #announcer: Announcer | undefined;

  /** Accepts peers of `contentId` for `swarm`. Throws USAGE if another download already does so at this port. */
  constructor(port: DownloadPort, contentId: ContentId, swarm: DownloadSwarm) {
    this.#port = port;
    this.#contentId = contentId;
    port.join(contentId, swarm);
  }

  /** From now on announces to `trackers` what is there of `share`. */
  announce(
    trackers: readonly Endpoint[],
    share: ServedDownload,
    answered: AnnouncerEvents["answered"],
    warn: TrackerWarnings,
  ): void {
    const contentId = this.#contentId;
    this.#announcer = new Announcer(
      trackers,
      {
        peerId: this.#port.local.peerId,
        runEpochMs: Math.round(performance.timeOrigin),
        endpoints: [],
        listenPort: () => this.#port.port,
        shares: () => [
          { contentId, chunksHeld: share.held.count, complete: share.held.isFull, wantPeers: 0 },
        ],
        // The sharer decides whether trackers keep the manifest.
        rootOf: () => undefined,
      },
      {
        answered,
        failed: warn,
      },
    );
  }

  /** Announces at once: what is held has changed in a way that trackers should know. */
  announceNow(): void {
    this.#announcer?.announceNow();
  }

  /** Accepts no more peers, and withdraws. */
  async close(): Promise<void> {
    this.#port.leave(this.#contentId);
    await this.#announcer?.close();
  }
}
