// A download's place among its peers: the port at which it is reached, and its leases with trackers. Decides
// nothing about chunks.
import type { Endpoint, ListenAddress } from "../address/endpoint.js";
import type { EventObserver } from "../events/event.js";
import type { LocalPeer } from "../peer/handshake.js";
import { PeerListener } from "../peer/listener.js";
import { defaultConnectionOptions, defaultListenerOptions } from "../peer/options.js";
import { Announcer } from "../swarm/announcer.js";
import type { DownloadSwarm } from "../swarm/download-swarm.js";
import type { ServedDownload } from "../swarm/served-download.js";
import { foreignWarnings } from "./foreign-warnings.js";
import type { TrackerWarnings } from "./tracker-warnings.js";

export interface PresenceOptions {
  readonly listen: ListenAddress;
  /** False: `listen` is the default, and a free port will do if it is taken. */
  readonly listenGiven: boolean;
  /** Connections accepted from one address. */
  readonly maxConnectionsPerHost: number;
}

export class DownloadPresence {
  readonly #listener: PeerListener;
  #announcer: Announcer | undefined;

  private constructor(listener: PeerListener) {
    this.#listener = listener;
  }

  /** Accepts peers for `swarm`. Throws ADDRESS_IN_USE. */
  static async listen(
    options: PresenceOptions,
    local: LocalPeer,
    swarm: DownloadSwarm,
    observe: EventObserver,
  ): Promise<DownloadPresence> {
    const listener = await PeerListener.listen(
      {
        ...defaultListenerOptions,
        ...options.listen,
        fallBackToFreePort: !options.listenGiven,
        maxConnectionsPerHost: options.maxConnectionsPerHost,
      },
      local,
      defaultConnectionOptions,
      (connection) => swarm.accept(connection),
      foreignWarnings(observe),
    );
    return new DownloadPresence(listener);
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Tells `trackers` of `share`, as far as it is there, from now on. */
  announce(
    trackers: readonly Endpoint[],
    local: LocalPeer,
    share: ServedDownload,
    warn: TrackerWarnings,
  ): void {
    const { contentId } = share.manifest.root;
    this.#announcer = new Announcer(
      trackers,
      {
        peerId: local.peerId,
        runEpochMs: Math.round(performance.timeOrigin),
        endpoints: [],
        listenPort: () => this.#listener.port,
        shares: () => [
          { contentId, chunksHeld: share.held.count, complete: share.held.isFull, wantPeers: 0 },
        ],
        // Whoever shares it decides whether trackers keep the manifest.
        rootOf: () => undefined,
      },
      {
        answered: () => undefined,
        unreachable: warn,
      },
    );
  }

  /** What is held has changed in a way that trackers should know at once. */
  announceNow(): void {
    this.#announcer?.announceNow();
  }

  /** Accepts nobody any more, and withdraws. */
  async close(): Promise<void> {
    this.#listener.close();
    await this.#announcer?.close();
  }
}
