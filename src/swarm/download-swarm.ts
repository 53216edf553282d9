// The peers of one download: finds and dials them, gets the manifest from them, and gives them to the chunk
// download. Ends when it is told to, or when nobody has helped for too long. Touches no disk.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import type { Bitfield } from "../core/bitfield.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId, PeerId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import type { ManifestRoot } from "../manifest/manifest.js";
import type { PeerConnection } from "../peer/connection.js";
import { dialFirst } from "../peer/dial.js";
import type { LocalPeer } from "../peer/handshake.js";
import type { RefusalReason } from "../peer/messages.js";
import type { ConnectionOptions } from "../peer/options.js";
import type { ChunkDownload } from "./chunk-download.js";
import { DownloadPeer, type DownloadPeerEvents } from "./download-peer.js";
import { fetchBody, fetchRoot } from "./manifest-fetch.js";
import type { DownloadSwarmOptions } from "./options.js";
import { PeerFinder } from "./peer-finder.js";

export interface DownloadSwarmSetUp {
  readonly contentId: ContentId;
  readonly local: LocalPeer;
  readonly connectionOptions: ConnectionOptions;
  readonly options: DownloadSwarmOptions;
  readonly observe: EventObserver;
}

export class DownloadSwarm {
  readonly #setUp: DownloadSwarmSetUp;
  readonly #finder: PeerFinder;
  readonly #peers = new Map<PeerId, DownloadPeer>();
  readonly #banned = new Set<PeerId>();
  readonly #closing = new AbortController();
  #download: ChunkDownload | undefined;
  #root: ManifestRoot | undefined;
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

  /** The root, from whichever peer gives it first. */
  fetchRoot(signal: AbortSignal): Promise<ManifestRoot> {
    return this.#fromAnyPeer((connection) => fetchRoot(connection, this.#setUp.contentId), signal);
  }

  /** The body of `root`, likewise. */
  fetchBody(root: ManifestRoot, signal: AbortSignal): Promise<Uint8Array> {
    const pagesInFlight = this.#setUp.options.manifestPagesInFlight;
    return this.#fromAnyPeer((connection) => fetchBody(connection, root, pagesInFlight), signal);
  }

  /** From now on peers are asked for chunks. */
  start(root: ManifestRoot, download: ChunkDownload): void {
    this.#root = root;
    this.#download = download;
    for (const peer of this.#peers.values()) void this.#join(peer, root, download);
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

  close(): void {
    this.#closing.abort();
    this.#finder.close();
    for (const peer of this.#peers.values()) peer.connection.close("finished");
  }

  /** Resolves when a connection made through one of the endpoints has ended. */
  async #connect(endpoints: readonly Endpoint[], connected: () => void): Promise<void> {
    const { local, connectionOptions, options } = this.#setUp;
    if (this.#peers.size >= options.maxPeers) throw new GoshareError("PEER_CLOSED", "there are enough peers");
    let ended: () => void = () => undefined;
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const handlerFor = (connection: PeerConnection) => this.#opened(connection, ended);
    const connection = await dialFirst(endpoints, local, connectionOptions, handlerFor, this.#closing.signal);
    connected();
    await end;
    // One that gave nothing is left alone for longer each time.
    if (connection.bytesReceived === 0) throw new GoshareError("PEER_CLOSED", "the peer had nothing to give");
  }

  #opened(connection: PeerConnection, ended: () => void): DownloadPeer {
    const { peerId, agent } = connection.remote;
    if (this.#banned.has(peerId))
      throw new GoshareError("PEER_REFUSED", "this peer has sent wrong bytes before");
    if (this.#peers.size >= this.#setUp.options.maxPeers)
      throw new GoshareError("PEER_CLOSED", "there are enough peers");
    if (this.#peers.has(peerId)) throw new GoshareError("PEER_CLOSED", "this peer is connected already");
    const endpoint = formatEndpoint({ host: connection.remoteHost, port: connection.remotePort });
    const events: DownloadPeerEvents = {
      changed: (peer) => this.#download?.ask(peer),
      gained: (peer, chunkIndexes) => this.#download?.peerGained(peer, chunkIndexes),
      lost: (peer, chunkIndexes) => this.#download?.peerLost(peer, chunkIndexes),
      ended: (peer, error) => {
        this.#ended(peer, endpoint, error);
        ended();
      },
    };
    const peer = new DownloadPeer(connection, this.#setUp.contentId, events);
    this.#peers.set(peerId, peer);
    this.#setUp.observe({ type: "peerConnected", peerId, endpoint, agent, inbound: false });
    // The connection counts as open only after this returns.
    queueMicrotask(() => {
      if (this.#download !== undefined && this.#root !== undefined)
        void this.#join(peer, this.#root, this.#download);
      for (const changed of this.#onPeersChanged) changed();
    });
    return peer;
  }

  #ended(peer: DownloadPeer, endpoint: string, error: GoshareError | undefined): void {
    this.#peers.delete(peer.id);
    this.#bytesReceivedBefore += peer.connection.bytesReceived;
    this.#download?.peerLeft(peer);
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

  async #join(peer: DownloadPeer, root: ManifestRoot, download: ChunkDownload): Promise<void> {
    try {
      const held: Bitfield = download.held;
      download.peerJoined(peer, await peer.join(root, held));
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
        peer.connection.fail(error, error.code === "MANIFEST_INVALID" ? "banned" : "finished");
        if (error.code === "NEWER_FORMAT") throw error;
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
