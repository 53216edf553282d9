// The port at which the downloads of one command are reached. To others they are one peer. Hands every connection to
// the download that it is for. Knows no chunks.
import type { ListenAddress } from "../../address/endpoint.js";
import { GoshareError } from "../../core/errors.js";
import type { ContentId } from "../../core/ids.js";
import type { EventObserver } from "../../events/event.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { ConnectionHandler } from "../../peer/connection-handler.js";
import type { LocalPeer } from "../../peer/handshake.js";
import { PeerListener } from "../../peer/listener.js";
import { defaultConnectionOptions, defaultListenerOptions } from "../../peer/options.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";
import { DispatchedConnection } from "../../swarm/neighbours/dispatched-connection.js";
import { foreignWarnings } from "../peers/foreign-warnings.js";
import { newLocalPeer } from "../peers/local-peer.js";

export interface PortOptions {
  readonly listen: ListenAddress;
  /** False: `listen` is the default, and a free port will do if it is taken. */
  readonly listenGiven: boolean;
  /** Connections accepted from one address. */
  readonly maxConnectionsPerHost: number;
}

export class DownloadPort {
  readonly local: LocalPeer;
  readonly #isShared: boolean;
  readonly #swarms = new Map<ContentId, DownloadSwarm>();
  #listener: PeerListener | undefined;

  private constructor(takesOffers: boolean, isShared: boolean) {
    this.#isShared = isShared;
    // The port is in every Hello.
    this.local = newLocalPeer(() => this.port, takesOffers);
  }

  /** Listens; for several downloads if it `isShared`. Throws ADDRESS_IN_USE. */
  static async listen(
    options: PortOptions,
    takesOffers: boolean,
    isShared: boolean,
    observe: EventObserver,
  ): Promise<DownloadPort> {
    const port = new DownloadPort(takesOffers, isShared);
    port.#listener = await PeerListener.listen(
      {
        ...defaultListenerOptions,
        ...options.listen,
        fallBackToFreePort: !options.listenGiven,
        maxConnectionsPerHost: options.maxConnectionsPerHost,
      },
      port.local,
      defaultConnectionOptions,
      (connection) => port.#accept(connection),
      foreignWarnings(observe),
    );
    return port;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** From now on peers of this content are accepted for `swarm`. Throws USAGE if there is a download of it already. */
  join(contentId: ContentId, swarm: DownloadSwarm): void {
    if (this.#swarms.has(contentId)) {
      throw new GoshareError("USAGE", `${contentId.slice(0, 16)}… is given more than once`, {
        hint: "leave out the duplicates",
      });
    }
    this.#swarms.set(contentId, swarm);
  }

  leave(contentId: ContentId): void {
    this.#swarms.delete(contentId);
    if (!this.#isShared) this.close();
  }

  /** Accepts no more peers. */
  close(): void {
    this.#listener?.close();
  }

  #accept(connection: PeerConnection): ConnectionHandler {
    if (this.#isShared)
      return new DispatchedConnection(connection, (contentId) => this.#swarms.get(contentId));
    const [only] = this.#swarms.values();
    if (only === undefined) throw new GoshareError("PEER_CLOSED", "the download is over");
    return only.accept(connection);
  }
}
