// The port of a sharer, one for all shares of a command: opened before anything is hashed, so that a taken port is
// known at once. A peer that comes earlier is told that the share is not known here. Hashes nothing.
import type { ListenAddress } from "../../address/endpoint.js";
import { dialableFromHere } from "../../address/listening.js";
import type { ContentId } from "../../core/ids.js";
import type { EventObserver } from "../../events/event.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { LocalPeer } from "../../peer/handshake.js";
import { PeerListener } from "../../peer/listener.js";
import { defaultConnectionOptions } from "../../peer/options.js";
import { placeOf } from "../../peer/place-of.js";
import { defaultServerOptions } from "../../swarm/options.js";
import type { RateBudget } from "../../swarm/rate-budget.js";
import { ChunkServer } from "../../swarm/uploading/chunk-server.js";
import { foreignWarnings } from "../peers/foreign-warnings.js";
import { newLocalPeer } from "../peers/local-peer.js";
import { AnnouncedShares, type AnnouncementOptions } from "./announced-shares.js";

export interface SharePortOptions {
  readonly listen: ListenAddress;
  /** False: `listen` is the default, and a free port will do if it is taken. */
  readonly listenGiven: boolean;
  /** The rate at which this process may send, for all its shares together; undefined: no limit. */
  readonly uploadBudget: RateBudget | undefined;
  /** How many peers exchange a share at a time. */
  readonly maxPeers: number;
  /** Connections accepted from one address. */
  readonly maxConnectionsPerHost: number;
}

/** Further connections, for peers that only want the manifest or to learn of others. */
const GUEST_PLACES = 256;

export class SharePort {
  /** Serves the shares that are added to it. */
  readonly server: ChunkServer;
  readonly local: LocalPeer;
  readonly #listener: PeerListener;
  #users = 0;
  #announced: AnnouncedShares | undefined;
  #closed: Promise<unknown> | undefined;

  private constructor(server: ChunkServer, local: LocalPeer, listener: PeerListener) {
    this.server = server;
    this.local = local;
    this.#listener = listener;
  }

  /** Throws ADDRESS_IN_USE or PERMISSION_DENIED. */
  static async open(options: SharePortOptions, observe: EventObserver): Promise<SharePort> {
    const { maxPeers, maxConnectionsPerHost } = options;
    const server = new ChunkServer(
      { ...defaultServerOptions, maxNeighbours: maxPeers },
      options.uploadBudget,
    );
    let listenPort = 0;
    const local = newLocalPeer(() => listenPort);
    const listener = await PeerListener.listen(
      {
        ...options.listen,
        ...{ fallBackToFreePort: !options.listenGiven, maxConnectionsPerHost },
        maxConnections: maxPeers + GUEST_PLACES,
      },
      local,
      defaultConnectionOptions,
      (connection) => serveConnection(server, connection, observe),
      foreignWarnings(observe),
    );
    listenPort = listener.port;
    if (options.listen.port !== 0 && listener.port !== options.listen.port) {
      const message = `port ${options.listen.port} is taken, listening on ${listener.port} instead`;
      observe({ type: "warning", code: "ADDRESS_IN_USE", message, path: "" });
    }
    return new SharePort(server, local, listener);
  }

  get host(): string {
    return this.#listener.host;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** HOST:PORT at which this machine reaches it. */
  get endpoint(): string {
    return dialableFromHere(this.#listener);
  }

  /** To be called by each user; the port stays open until all of them have left. */
  join(): this {
    this.#users++;
    return this;
  }

  /** What trackers are told of the shares here, as the first of them wants it. */
  announced(options: AnnouncementOptions, observe: EventObserver): AnnouncedShares {
    this.#announced ??= new AnnouncedShares(options, this, observe);
    return this.#announced;
  }

  /** Closes the port if nobody else uses it; else only stops serving `contentId`, and has it withdrawn soon. */
  async leave(contentId?: ContentId): Promise<void> {
    this.#users--;
    if (this.#users === 0 || this.#closed !== undefined) return this.close();
    if (contentId === undefined) return;
    this.server.remove(contentId);
    this.#announced?.remove(contentId);
  }

  /** Accepts no more peers, and withdraws all shares; resolves when running replies are out or have taken too long. */
  async close(): Promise<void> {
    this.#listener.close();
    this.#closed ??= Promise.all([this.server.close(), this.#announced?.close()]);
    await this.#closed;
  }
}

function serveConnection(server: ChunkServer, connection: PeerConnection, observe: EventObserver) {
  const { peerId, agent } = connection.remote;
  const endpoint = placeOf(connection);
  observe({ type: "peerConnected", peerId, endpoint, agent, inbound: true });
  return server.serve(connection, (error) => {
    const { bytesReceived, bytesSent } = connection;
    const message = error?.message ?? "";
    observe({
      ...{ type: "peerDisconnected", peerId, endpoint, code: error?.code ?? "", message },
      bytesReceived,
      bytesSent,
    });
  });
}
