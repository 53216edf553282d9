// The peers of one download, dialled and accepted: gets the manifest from them, gives them to the chunk download,
// and serves them what that has verified. Keeps one connection to each. Ends when it is told to. Touches no disk.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId, PeerId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import type { ManifestRoot } from "../manifest/manifest.js";
import type { ConnectionHandler, PeerConnection } from "../peer/connection.js";
import { dialFirst } from "../peer/dial.js";
import type { LocalPeer } from "../peer/handshake.js";
import type { RefusalReason } from "../peer/messages.js";
import type { ConnectionOptions } from "../peer/options.js";
import type { ChunkDownload } from "./chunk-download.js";
import { ChunkServer } from "./chunk-server.js";
import { DownloadPeer, type DownloadPeerEvents } from "./download-peer.js";
import { fetchBody, fetchRoot } from "./manifest-fetch.js";
import { Neighbour } from "./neighbour.js";
import { type DownloadSwarmOptions, defaultServerOptions } from "./options.js";
import { PeerFinder } from "./peer-finder.js";
import type { ServedDownload } from "./served-download.js";

export interface DownloadSwarmSetUp {
  readonly contentId: ContentId;
  readonly local: LocalPeer;
  readonly connectionOptions: ConnectionOptions;
  readonly options: DownloadSwarmOptions;
  readonly observe: EventObserver;
}

/** What is exchanged once the manifest is there: what is wanted, and what is given. */
interface Exchange {
  readonly download: ChunkDownload;
  readonly share: ServedDownload;
}

export class DownloadSwarm {
  readonly #setUp: DownloadSwarmSetUp;
  readonly #finder: PeerFinder;
  readonly #peers = new Map<PeerId, DownloadPeer>();
  /** Connections that end because another to the same peer stays. */
  readonly #successors = new WeakMap<DownloadPeer, DownloadPeer>();
  readonly #banned = new Set<PeerId>();
  readonly #closing = new AbortController();
  readonly #server = new ChunkServer(defaultServerOptions);
  #exchange: Exchange | undefined;
  /** Called when a peer has come or gone. */
  readonly #onPeersChanged = new Set<() => void>();
  #bytesReceivedBefore = 0;
  #lastPeerError: GoshareError | undefined;

  constructor(setUp: DownloadSwarmSetUp) {
    this.#setUp = setUp;
    this.#finder = new PeerFinder(setUp.options, (endpoints, connected) =>
      this.#connect(endpoints, connected),
    );
  }

  /** A machine that may have the share. */
  addPeer(endpoints: readonly Endpoint[]): void {
    this.#finder.add(endpoints);
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  /** Payload bytes received so far. */
  get bytesReceived(): number {
    let bytes = this.#bytesReceivedBefore;
    for (const { connection } of this.#peers.values()) bytes += connection.bytesReceived;
    return bytes;
  }

  /** Why there is no help: the last failure of a peer or a dial. */
  get lastError(): GoshareError | undefined {
    return this.#lastPeerError ?? this.#finder.lastError;
  }

  /** Payload bytes sent so far. */
  get bytesSent(): number {
    return this.#server.bytesSent;
  }

  /** The root, from whichever peer gives it first. */
  fetchRoot(signal: AbortSignal): Promise<ManifestRoot> {
    return this.#fromAnyPeer((connection) => fetchRoot(connection, this.#setUp.contentId), signal);
  }

  /** The body of `root`, likewise. */
  fetchBody(root: ManifestRoot, signal: AbortSignal): Promise<Uint8Array> {
    const pagesInFlight = this.#setUp.options.manifestPagesInFlight;
    return this.#fromAnyPeer((connection) => fetchBody(connection, root, pagesInFlight), signal);
  }

  /** From now on peers are asked for chunks, and given those of `share`, which is what `download` has. */
  start(download: ChunkDownload, share: ServedDownload): void {
    const exchange = { download, share };
    this.#exchange = exchange;
    this.#server.add(share);
    for (const peer of this.#peers.values()) void this.#join(peer, exchange);
  }

  /** A peer that has dialled this process. Throws if it is not wanted. */
  accept(connection: PeerConnection): ConnectionHandler {
    return this.#opened(connection, () => undefined);
  }

  /** Everything is here: nobody is looked for any more, and who has everything too is let go. Others are served
   * on. */
  completed(): void {
    this.#finder.close();
    for (const peer of this.#peers.values()) this.#endIfBothComplete(peer);
  }

  /** Nothing is given any more: it cannot be read. */
  stopServing(): void {
    if (this.#exchange !== undefined) this.#server.remove(this.#exchange.share.manifest.root.contentId);
  }

  /** A peer sent wrong bytes: it is never asked for this content again. */
  ban(peer: DownloadPeer, error: GoshareError): void {
    this.#banned.add(peer.id);
    this.#lastPeerError = error;
    peer.connection.fail(error, "banned");
    // It may have been hung up before and be back by now.
    this.#peers.get(peer.id)?.connection.fail(error, "banned");
  }

  /** A peer would not give a chunk; said to the user only if nobody else gives it. */
  refused(peer: DownloadPeer, reason: RefusalReason): void {
    const where = formatEndpoint({ host: peer.connection.remoteHost, port: peer.connection.remotePort });
    this.#noteFailure(
      reason === "sourceChanged"
        ? new GoshareError("SOURCE_CHANGED", `the file at ${where} is not what it was when it was shared`)
        : new GoshareError("PEER_REFUSED", `${where} refused a chunk: ${reason}`),
    );
  }

  /** Keeps the last failure, but for those that say more than what follows from them: a source that has
   * changed, and then that a chunk was refused. */
  #noteFailure(error: GoshareError): void {
    const weight = (code: string | undefined) => ["PEER_REFUSED", "SOURCE_CHANGED"].indexOf(code ?? "");
    if (weight(error.code) >= weight(this.#lastPeerError?.code)) this.#lastPeerError = error;
  }

  /** Says goodbye to everybody; resolves when what was being sent is out, or has taken too long. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#finder.close();
    await this.#server.close("finished");
  }

  /** Resolves when a connection made through one of the endpoints has ended. */
  async #connect(endpoints: readonly Endpoint[], connected: () => void): Promise<void> {
    const { local, connectionOptions, options } = this.#setUp;
    if (this.#countOf("dialler") >= options.maxPeers)
      throw new GoshareError("PEER_CLOSED", "there are enough peers");
    let ended: () => void = () => undefined;
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    let peerId: PeerId | undefined;
    const handlerFor = (connection: PeerConnection) => {
      peerId = connection.remote.peerId;
      return this.#opened(connection, ended);
    };
    try {
      const { signal } = this.#closing;
      const connection = await dialFirst(endpoints, local, connectionOptions, handlerFor, signal);
      connected();
      await end;
      // One that neither gave nor took anything is left alone for longer each time.
      if (connection.bytesReceived + connection.bytesSent === 0)
        throw new GoshareError("PEER_CLOSED", "the peer had nothing to give");
    } finally {
      // A machine that is connected the other way round is not dialled again before that has ended.
      connected();
      if (peerId !== undefined) await this.#gone(peerId);
    }
  }

  #opened(connection: PeerConnection, ended: () => void): Neighbour {
    const { peerId, agent } = connection.remote;
    if (this.#banned.has(peerId))
      throw new GoshareError("PEER_REFUSED", "this peer has sent wrong bytes before");
    const inbound = connection.role === "listener";
    const before = this.#peers.get(peerId);
    if (before === undefined && this.#countOf(connection.role) >= this.#setUp.options.maxPeers) {
      const error = new GoshareError("PEER_CLOSED", "there are enough peers");
      connection.fail(error, "tooManyConnections");
      throw error;
    }
    if (before !== undefined && !this.#stays(connection, before.connection)) {
      const error = new GoshareError("PEER_CLOSED", "this peer is connected already");
      connection.fail(error, "duplicate");
      throw error;
    }
    const endpoint = formatEndpoint({ host: connection.remoteHost, port: connection.remotePort });
    const events: DownloadPeerEvents = {
      changed: (peer) => this.#exchange?.download.ask(peer),
      gained: (peer, chunkIndexes) => this.#gained(peer, chunkIndexes),
      lost: (peer, chunkIndexes) => this.#exchange?.download.peerLost(peer, chunkIndexes),
      ended: (peer, error) => {
        this.#ended(peer, endpoint, error);
        ended();
      },
    };
    const peer = new DownloadPeer(connection, this.#setUp.contentId, events);
    const serving = this.#server.serve(connection, () => undefined);
    this.#peers.set(peerId, peer);
    this.#setUp.observe({ type: "peerConnected", peerId, endpoint, agent, inbound });
    // The connection counts as open only after this returns.
    queueMicrotask(() => {
      if (before !== undefined) this.#supersede(before, peer);
      // Who has dialled may not have the manifest yet: it joins when it has.
      else if (this.#exchange !== undefined && !inbound) void this.#join(peer, this.#exchange);
      for (const changed of this.#onPeersChanged) changed();
    });
    return new Neighbour(peer, serving, () => this.#joinedBy(peer));
  }

  #countOf(role: PeerConnection["role"]): number {
    let count = 0;
    for (const { connection } of this.#peers.values()) if (connection.role === role) count++;
    return count;
  }

  /** Of two connections to one peer the one dialled by the smaller peer id stays; dialled by the same side, the
   * newer. Both sides come to the same result. */
  #stays(newer: PeerConnection, older: PeerConnection): boolean {
    if (newer.role === older.role) return true;
    const isDialledHere = newer.role === "dialler";
    return this.#setUp.local.peerId < newer.remote.peerId === isDialledHere;
  }

  /** `peer` takes the place of the connection before it, and is asked when the replies that run there are out. */
  #supersede(before: DownloadPeer, peer: DownloadPeer): void {
    this.#successors.set(before, peer);
    before.connection.close("duplicate");
  }

  /** Resolves when there is no connection to `peerId`, or no interest any more. */
  async #gone(peerId: PeerId): Promise<void> {
    const { signal } = this.#closing;
    while (this.#peers.has(peerId) && !signal.aborted)
      await this.#peersChanged(signal).catch(() => undefined);
  }

  /** The other side has joined, so it has the manifest: it may have chunks as well. */
  #joinedBy(peer: DownloadPeer): void {
    if (this.#exchange !== undefined && !peer.hasJoined && this.#peers.get(peer.id) === peer)
      void this.#join(peer, this.#exchange);
  }

  #gained(peer: DownloadPeer, chunkIndexes: readonly number[]): void {
    this.#exchange?.download.peerGained(peer, chunkIndexes);
    this.#endIfBothComplete(peer);
  }

  /** Two who have everything have nothing to say to each other, and who has everything wants no news. */
  #endIfBothComplete(peer: DownloadPeer): void {
    if (!this.#exchange?.download.isComplete(peer)) return;
    const { share } = this.#exchange;
    share.news.unfollow(peer.connection);
    if (share.held.isFull) peer.connection.close("finished");
  }

  #ended(peer: DownloadPeer, endpoint: string, error: GoshareError | undefined): void {
    const successor = this.#successors.get(peer);
    if (this.#peers.get(peer.id) === peer) this.#peers.delete(peer.id);
    this.#bytesReceivedBefore += peer.connection.bytesReceived;
    this.#exchange?.download.peerLeft(peer);
    this.#exchange?.share.news.unfollow(peer.connection);
    if (successor !== undefined && this.#exchange !== undefined) void this.#join(successor, this.#exchange);
    if (error !== undefined) this.#noteFailure(error);
    this.#setUp.observe({
      type: "peerDisconnected",
      peerId: peer.id,
      endpoint,
      code: error?.code ?? "",
      message: error?.message ?? "",
      bytesReceived: peer.connection.bytesReceived,
      bytesSent: peer.connection.bytesSent,
    });
    for (const changed of this.#onPeersChanged) changed();
  }

  async #join(peer: DownloadPeer, { download, share }: Exchange): Promise<void> {
    if (!peer.connection.isOpen) return;
    try {
      share.news.follow(peer.connection);
      download.peerJoined(peer, await peer.join(share.manifest.root, download.held));
      this.#endIfBothComplete(peer);
    } catch (thrown) {
      const error = GoshareError.from(thrown);
      this.#noteFailure(error);
      if (error.code === "PEER_PROTOCOL") peer.connection.fail(error);
      else peer.connection.close("finished");
    }
  }

  /** What `attempt` brings from the first peer it succeeds with; peers that fail are hung up. Waits for peers
   * until `signal` says otherwise. */
  async #fromAnyPeer<T>(
    attempt: (connection: PeerConnection) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const tried = new WeakSet<DownloadPeer>();
    for (;;) {
      signal.throwIfAborted();
      const peer = [...this.#peers.values()].find((candidate) => !tried.has(candidate));
      if (peer === undefined) {
        await this.#peersChanged(signal);
        continue;
      }
      tried.add(peer);
      try {
        return await attempt(peer.connection);
      } catch (thrown) {
        const error = GoshareError.from(thrown);
        this.#noteFailure(error);
        peer.connection.fail(error, error.code === "DIGEST_MISMATCH" ? "banned" : "finished");
        // The bytes are the wanted ones: nobody has better.
        if (error.code === "NEWER_FORMAT" || error.code === "MANIFEST_INVALID") throw error;
      }
    }
  }

  #peersChanged(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#onPeersChanged.delete(done);
        signal.removeEventListener("abort", done);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      this.#onPeersChanged.add(done);
      signal.addEventListener("abort", done);
    });
  }
}
