// The peers of one download, dialled and accepted. Gets the manifest from them, hands them to the chunk download, and
// serves them the chunks that it has verified. Keeps one connection to each. Ends when it is told to. Touches no disk.
import { setMaxListeners } from "node:events";
import { GoshareError } from "../core/errors.js";
import type { ContentId, PeerId } from "../core/ids.js";
import type { EventObserver, SlowReason } from "../events/event.js";
import type { ManifestRoot } from "../manifest/manifest.js";
import type { PeerConnection } from "../peer/connection.js";
import type { ConnectionHandler } from "../peer/connection-handler.js";
import { dialFirst } from "../peer/dial.js";
import type { LocalPeer } from "../peer/handshake.js";
import type { Coverage, RefusalReason } from "../peer/messages.js";
import type { ConnectionOptions } from "../peer/options.js";
import { placeOf } from "../peer/place-of.js";
import { coverageFrom } from "./availability/coverage.js";
import type { ChunkDownload } from "./downloading/chunk-download.js";
import { ManifestFetch } from "./downloading/manifest-fetch.js";
import { slowReason } from "./downloading/slow-reason.js";
import { DownloadPeer, type DownloadPeerEvents } from "./neighbours/download-peer.js";
import { Neighbour } from "./neighbours/neighbour.js";
import { Neighbourhood } from "./neighbours/neighbourhood.js";
import { PeerExchange } from "./neighbours/peer-exchange.js";
import { type Machine, PeerFinder } from "./neighbours/peer-finder.js";
import { tellEnded, tellJoined, toldDial } from "./neighbours/told-dials.js";
import { Turnover } from "./neighbours/turnover.js";
import { type DownloadSwarmOptions, defaultServerOptions } from "./options.js";
import type { RateBudget } from "./rate-budget.js";
import { refusalText, sourceChangedAt } from "./refusal-text.js";
import { ChunkServer } from "./uploading/chunk-server.js";
import type { ServedDownload } from "./uploading/served-download.js";

export interface DownloadSwarmSetUp {
  readonly contentId: ContentId;
  readonly local: LocalPeer;
  readonly connectionOptions: ConnectionOptions;
  readonly options: DownloadSwarmOptions;
  /** The rate at which chunks may be sent; undefined: no limit. */
  readonly uploadBudget?: RateBudget | undefined;
  readonly observe: EventObserver;
}

/** What is exchanged once the manifest is there: chunks that are wanted, and chunks that are given. */
interface Exchange {
  readonly download: ChunkDownload;
  readonly share: ServedDownload;
}

export class DownloadSwarm {
  readonly #setUp: DownloadSwarmSetUp;
  readonly #finder: PeerFinder;
  readonly #peers: Neighbourhood;
  readonly #closing = new AbortController();
  readonly #manifest: ManifestFetch;
  readonly #server: ChunkServer;
  #exchange: Exchange | undefined;
  #peerExchange: PeerExchange | undefined;
  /** Peers that the user named: they always get and keep a place. */
  readonly #named = new Set<PeerId>();
  #turnover: Turnover | undefined;
  #isSeed = false;
  #bytesReceivedBefore = 0;
  #lastPeerError: GoshareError | undefined;

  constructor(setUp: DownloadSwarmSetUp) {
    this.#setUp = setUp;
    // Every machine that is dialled or waited for adds a listener: many of them are no leak.
    setMaxListeners(0, this.#closing.signal);
    this.#peers = new Neighbourhood(setUp.local.peerId, setUp.options);
    this.#manifest = new ManifestFetch(setUp.contentId, this.#peers, setUp.options, (error) =>
      this.#noteFailure(error),
    );
    this.#server = new ChunkServer(defaultServerOptions, setUp.uploadBudget);
    this.#finder = new PeerFinder(
      setUp.options,
      toldDial(setUp.observe, (machine, connected) => this.#connect(machine, connected)),
      () => this.#wanted,
    );
  }

  /** A machine that may have the share, at endpoints that may be dialled. */
  addPeer(machine: Machine): void {
    const { peerId } = machine;
    if (peerId === this.#setUp.local.peerId || (peerId !== undefined && this.#peers.isBanned(peerId))) return;
    this.#finder.add(machine);
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  /** Payload bytes received so far. */
  get bytesReceived(): number {
    let bytes = this.#bytesReceivedBefore;
    for (const { connection } of this.#peers) bytes += connection.bytesReceived;
    return bytes;
  }

  /** Why no peer helps: the last failure of a peer or a dial. */
  get lastError(): GoshareError | undefined {
    return this.#lastPeerError ?? this.#finder.lastError;
  }

  /** What keeps the download from going faster now. */
  slowReason(isTrackerSilent: boolean): SlowReason {
    return slowReason({
      load: this.#exchange?.download.load,
      connected: this.#peers.size,
      isJoining: [...this.#peers].some(({ isJoining }) => isJoining),
      isDialling: this.#finder.isDialling,
      lastFailure: this.#finder.lastError?.code,
      isSourceChanged: this.#lastPeerError?.code === "SOURCE_CHANGED",
      isTrackerSilent,
    });
  }

  /** Payload bytes sent so far. */
  get bytesSent(): number {
    return this.#server.bytesSent;
  }

  fetchRoot(signal: AbortSignal, arriving = (): void => undefined): Promise<ManifestRoot> {
    return this.#manifest.root(signal, arriving);
  }

  fetchBody(root: ManifestRoot, signal: AbortSignal, arriving = (): void => undefined): Promise<Uint8Array> {
    return this.#manifest.body(root, signal, arriving);
  }

  /** From now on asks peers for the chunks of `download`, and gives them those of `share`, which are the same ones. */
  start(download: ChunkDownload, share: ServedDownload): void {
    this.#exchange = { download, share };
    this.#server.add(share);
    for (const peer of this.#peers) void this.#join(peer, this.#exchange);
    this.#peerExchange = new PeerExchange({
      ...{ contentId: this.#setUp.contentId, options: this.#setUp.options },
      neighbours: () => this.#joined().map(({ connection }) => connection),
      found: (peer) => this.addPeer(peer),
    });
    this.#turnover = new Turnover(this.#setUp.options, {
      exchangeable: () => this.#joined().filter(({ id }) => !this.#named.has(id)),
      mayReplace: () => this.#peers.isFull && this.#finder.hasIdle,
      hasNothing: () => this.slowReason(false) === "noPeerHasChunk",
      lookFurther: () => this.#finder.fill(),
      letGo: ({ connection }) => connection.close("finished"),
    });
  }

  /** Connections wanted in addition to the open ones. */
  get #wanted(): number {
    const isOneMore = this.#turnover?.isStarved === true && this.#peers.hasRoom("dialler");
    return Math.max(this.#peers.wanted, isOneMore ? 1 : 0);
  }

  /** The peers with which the share is exchanged. */
  #joined(): DownloadPeer[] {
    return [...this.#peers].filter(({ hasJoined, connection }) => hasJoined && connection.isOpen);
  }

  /** Takes a peer that has dialled this process. Throws if it is not wanted. */
  accept(connection: PeerConnection): ConnectionHandler {
    return this.#opened(connection, () => undefined);
  }

  /** Everything is here: gives it to any peer until `close`, and lets go of peers that have everything too. */
  seed(): void {
    this.#isSeed = true;
    this.#stopLooking();
    this.#exchange?.share.news.tellNow();
    for (const peer of this.#peers) this.#endIfBothComplete(peer);
  }

  /** Whether neighbours lack something that could be had here. */
  get hasDependants(): boolean {
    return this.#joined().some((peer) => !this.#isComplete(peer));
  }

  /** Everything is here: resolves when this process may leave. It stays while neighbours take something, unless another
   * peer is known that has everything and stays; even then it stays a little, since that peer may be about to go. */
  async released(signal: AbortSignal): Promise<void> {
    this.#stopLooking();
    const { idleStayMs, maxCourtesyMs } = this.#setUp.options;
    const begunMs = performance.now();
    let sentAtMs = begunMs;
    let sentBytes = this.bytesSent;
    while (!signal.aborted && this.hasDependants) {
      const nowMs = performance.now();
      if (this.bytesSent > sentBytes) sentAtMs = nowMs;
      sentBytes = this.bytesSent;
      const idleMs = nowMs - sentAtMs;
      if (idleMs >= idleStayMs) return;
      if (this.#isReplaced && (idleMs >= maxCourtesyMs / 5 || nowMs - begunMs >= maxCourtesyMs)) return;
      await this.#peers.changedWithin(maxCourtesyMs / 20, signal);
    }
  }

  /** Another peer that has everything stays. Of downloads that end at the same time the one with the smallest id stays:
   * all of them come to the same result. */
  get #isReplaced(): boolean {
    const { peerId } = this.#setUp.local;
    return this.#joined().some((peer) => this.#isComplete(peer) && (peer.wasComplete || peer.id < peerId));
  }

  #isComplete(peer: DownloadPeer): boolean {
    return this.#exchange?.download.isComplete(peer) === true;
  }

  /** Nothing is given any more: it cannot be read. */
  stopServing(): void {
    if (this.#exchange !== undefined) this.#server.remove(this.#exchange.share.manifest.root.contentId);
  }

  /** A peer sent wrong bytes: it is not asked for this content again. False if that was known. */
  ban(peer: DownloadPeer, error: GoshareError): boolean {
    const isNews = this.#peers.ban(peer.id);
    this.#lastPeerError = error;
    peer.connection.fail(error, "banned");
    // It may have been disconnected before and be back by now.
    this.#peers.get(peer.id)?.connection.fail(error, "banned");
    return isNews;
  }

  /** A peer stopped in the middle of a chunk: hangs up on it, and does not let it in again for a while. */
  stalled({ id, connection }: DownloadPeer): void {
    this.#peers.shun(id, performance.now());
    const message = `the peer at ${connection.remoteHost} stopped in the middle of a chunk`;
    connection.fail(new GoshareError("PEER_UNREACHABLE", message), "timeout");
  }

  /** A peer would not give a chunk; the user is told only if no other peer gives it. */
  refused(peer: DownloadPeer, reason: RefusalReason): void {
    const where = placeOf(peer.connection);
    this.#noteFailure(
      reason === "sourceChanged"
        ? sourceChangedAt(where)
        : new GoshareError("PEER_REFUSED", `${where} refused a chunk: ${refusalText(reason)}`),
    );
  }

  /** Keeps the last failure, but puts a changed source before a refused chunk, and that before any other. */
  #noteFailure(error: GoshareError): void {
    const weight = (code: string | undefined) => ["PEER_REFUSED", "SOURCE_CHANGED"].indexOf(code ?? "");
    if (weight(error.code) >= weight(this.#lastPeerError?.code)) this.#lastPeerError = error;
  }

  /** Says goodbye to all peers, for `reason`: finished if everything is here. Resolves when running replies are out or
   * have taken too long. */
  async close(reason: "finished" | "shuttingDown"): Promise<void> {
    this.#closing.abort();
    this.#stopLooking();
    for (const { connection } of this.#peers) connection.abandonRequests();
    await this.#server.close(reason);
  }

  #stopLooking(): void {
    this.#turnover?.close();
    this.#finder.close();
    this.#peerExchange?.close();
  }

  /** Resolves when a connection made through one of the endpoints has ended. */
  async #connect(machine: Machine, connected: () => void): Promise<void> {
    const { local, connectionOptions } = this.#setUp;
    let { peerId } = machine;
    // The peer dialled this process first.
    const { signal } = this.#closing;
    if (peerId !== undefined && this.#peers.get(peerId) !== undefined) {
      connected();
      return this.#peers.gone(peerId, signal);
    }
    if (machine.isNamed !== true && !this.#peers.hasRoom("dialler"))
      throw new GoshareError("PEER_CLOSED", "there are already enough peers");
    let ended: (error: GoshareError | undefined) => void = () => undefined;
    const end = new Promise<GoshareError | undefined>((resolve) => {
      ended = resolve;
    });
    const handlerFor = (connection: PeerConnection) => {
      peerId = connection.remote.peerId;
      if (machine.isNamed === true) this.#named.add(peerId);
      return this.#opened(connection, ended);
    };
    try {
      const { endpoints } = machine;
      const connection = await dialFirst(endpoints, local, connectionOptions, handlerFor, signal);
      connected();
      const error = await end;
      if (error !== undefined) throw error;
      // A peer that neither gave nor took anything is left alone for longer each time.
      if (connection.bytesReceived + connection.bytesSent === 0)
        throw new GoshareError("PEER_CLOSED", "the peer had nothing to give");
    } finally {
      // A machine that is connected the other way round is not dialled again before that has ended.
      connected();
      if (peerId !== undefined) await this.#peers.gone(peerId, signal);
    }
  }

  #opened(connection: PeerConnection, ended: (error: GoshareError | undefined) => void): Neighbour {
    const { contentId, options } = this.#setUp;
    const { peerId, agent } = connection.remote;
    const inbound = connection.role === "listener";
    const before = this.#peers.judge(connection, this.#named.has(peerId), performance.now());
    const endpoint = placeOf(connection);
    const events: DownloadPeerEvents = {
      changed: (peer) => this.#exchange?.download.ask(peer),
      gained: (peer, chunkIndexes) => {
        this.#exchange?.download.peerGained(peer, chunkIndexes);
        this.#endIfBothComplete(peer);
      },
      lost: (peer, chunkIndexes) => this.#exchange?.download.peerLost(peer, chunkIndexes),
      offered: (peer, offerId, chunkIndexes) => {
        if (this.#exchange === undefined) peer.decline(offerId, "noRoom");
        else this.#exchange.download.offered(peer, offerId, chunkIndexes);
      },
      ended: (peer, error) => {
        this.#ended(peer, endpoint, error);
        // One that broke after it had brought chunks was of use.
        ended((peer.trust.hasGiven ? undefined : error) ?? peer.refusal);
      },
    };
    const peer = new DownloadPeer(connection, contentId, options.unprovenRequests, events);
    const serving = this.#server.serve(connection, () => undefined);
    this.#peers.add(peer);
    this.#setUp.observe({ type: "peerConnected", peerId, endpoint, agent, inbound });
    // The connection counts as open only after this returns.
    queueMicrotask(() => {
      if (before !== undefined) before.connection.close("duplicate");
      // A peer that dialled may not have the manifest yet: it joins when it has.
      else if (this.#exchange !== undefined && !inbound) void this.#join(peer, this.#exchange);
      this.#peers.tellChanged();
    });
    return new Neighbour(peer, serving, (...said) => this.#joinedBy(peer, ...said));
  }

  /** The other side has joined, so it has the manifest, and may have chunks as well. */
  #joinedBy(peer: DownloadPeer, coverage: Coverage, bitfield: Uint8Array): void {
    if (this.#exchange === undefined || this.#peers.get(peer.id) !== peer) return;
    peer.said = coverageFrom(coverage, bitfield, this.#exchange.share.held.length);
    if (!peer.hasJoined) return void this.#join(peer, this.#exchange);
    if (peer.isJoining || peer.said === undefined) peer.hasJoinedMeanwhile = true;
    else this.#exchange.download.peerJoined(peer, peer.said);
  }

  /** Two peers that have everything have nothing to say to each other. */
  #endIfBothComplete(peer: DownloadPeer): void {
    // A download that stays only until others are done has to see whether this peer stays.
    if (this.#isSeed && this.#isComplete(peer)) peer.connection.close("finished");
  }

  #ended(peer: DownloadPeer, endpoint: string, error: GoshareError | undefined): void {
    const successor = this.#peers.remove(peer);
    this.#bytesReceivedBefore += peer.connection.bytesReceived;
    this.#exchange?.download.peerLeft(peer);
    this.#exchange?.share.news.unfollow(peer.connection);
    if (successor !== undefined && this.#exchange !== undefined) void this.#join(successor, this.#exchange);
    if (error !== undefined) this.#noteFailure(error);
    tellEnded(this.#setUp.observe, peer, endpoint, error);
    this.#peerExchange?.hurry();
    this.#finder.fill();
    this.#peers.tellChanged();
  }

  async #join(peer: DownloadPeer, { download, share }: Exchange): Promise<void> {
    if (!peer.connection.isOpen) return;
    try {
      share.news.follow(peer.connection);
      download.peerJoined(peer, await peer.join(share.manifest.root, download.servable));
      peer.joined();
      tellJoined(this.#setUp.observe, peer);
      this.#endIfBothComplete(peer);
    } catch (thrown) {
      const error = GoshareError.from(thrown);
      this.#noteFailure(error);
      if (error.code === "PEER_PROTOCOL") peer.connection.fail(error);
      else if (error.code === "CONTENT_NOT_FOUND" && (peer.hasJoinedMeanwhile || peer.said === undefined))
        this.#waitForJoin(peer, { download, share });
      else if (peer.said !== undefined && peer.connection.isOpen) {
        // It only asks, and its own Join has said what it has.
        download.peerJoined(peer, peer.said);
        peer.joined();
      } else {
        // It may have no room, but knows other peers.
        await this.#peerExchange?.ask(peer.connection);
        peer.connection.close("finished");
      }
    }
  }

  /** The peer does not know the content yet: waits a while for it to join when it does. */
  #waitForJoin(peer: DownloadPeer, exchange: Exchange): void {
    peer.hasJoined = false;
    exchange.share.news.unfollow(peer.connection);
    // Its Join may have come together with the refusal.
    if (peer.hasJoinedMeanwhile) return void this.#join(peer, exchange);
    setTimeout(() => {
      if (!peer.hasJoined) peer.connection.close("finished");
    }, this.#setUp.options.unjoinedMs).unref();
  }
}
