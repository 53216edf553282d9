// Answers what other peers ask of the shares held here: manifests, availability, peers, chunks. Chunks are
// read into pooled buffers and sent in turns, one connection after another, so that memory is bounded and no
// one waits behind a greedy peer. Never hashes, never dials.
import { Bitfield } from "../core/bitfield.js";
import { type Clock, monotonicClock } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import { BODY_PAGE_BYTES } from "../manifest/limits.js";
import type { Manifest } from "../manifest/manifest.js";
import type { ConnectionHandler, PeerConnection } from "../peer/connection.js";
import { MAX_PEER_LIST } from "../peer/limits.js";
import type { GoodbyeReason, Notice, PeerAddress, RefusalReason, Request } from "../peer/messages.js";
import type { AvailabilityNews } from "./availability-news.js";
import { BufferPool } from "./buffer-pool.js";
import type { ServerOptions } from "./options.js";
import type { RateBudget } from "./rate-budget.js";

/** A share, or the part of it that is held here. */
export interface ServedShare {
  readonly manifest: Manifest;
  readonly held: Bitfield;
  /** Who is told when more is held; undefined where nothing is gained any more. */
  readonly news?: AvailabilityNews | undefined;
  /** Fills `into` with a held chunk: done when it returns undefined, else when the promise resolves. Throws
   * GoshareError. */
  readChunk(chunkIndex: number, into: Uint8Array): Promise<void> | undefined;
  /** A chunk could not be read: the owner decides what that means. */
  readFailed(error: GoshareError): void;
}

interface QueuedChunk {
  readonly id: number;
  readonly share: ServedShare;
  readonly chunkIndex: number;
  readonly askedAtMs: number;
}

type GetChunk = Extract<Request, { type: "getChunk" }>;
type Join = Extract<Request, { type: "join" }>;

/** When a peer that was told BUSY may ask again. */
const BUSY_RETRY_MS = 1000;

const REFUSALS: Partial<Record<GoshareError["code"], RefusalReason>> = { SOURCE_CHANGED: "sourceChanged" };

export class ChunkServer {
  readonly #options: ServerOptions;
  /** What all servers of this process may send; undefined: as much as they can. */
  readonly #budget: RateBudget | undefined;
  readonly #patienceMs: number;
  readonly #clock: Clock;
  readonly #buffers: BufferPool;
  readonly #shares = new Map<ContentId, ServedShare>();
  readonly #connections = new Set<ServedConnection>();
  /** Connections with something queued and room to send, in the order of their turns. */
  readonly #turns = new Set<ServedConnection>();
  #bytesSentBefore = 0;
  /** Runs while requests wait for a buffer, or for the rate. */
  #patience: NodeJS.Timeout | undefined;

  constructor(options: ServerOptions, budget?: RateBudget, clock: Clock = monotonicClock) {
    this.#options = options;
    this.#budget = budget;
    this.#patienceMs = budget === undefined ? options.requestPatienceMs : options.limitedPatienceMs;
    this.#clock = clock;
    this.#buffers = new BufferPool(options.uploadBufferBytes);
  }

  add(share: ServedShare): void {
    this.#shares.set(share.manifest.root.contentId, share);
  }

  /** The share is gone: neighbours are told, what they still ask for is refused. */
  remove(contentId: ContentId): void {
    if (!this.#shares.delete(contentId)) return;
    for (const connection of this.#connections) connection.leave(contentId);
  }

  get(contentId: ContentId): ServedShare | undefined {
    return this.#shares.get(contentId);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Payload bytes sent on all connections so far. */
  get bytesSent(): number {
    let bytes = this.#bytesSentBefore;
    for (const { connection } of this.#connections) bytes += connection.bytesSent;
    return bytes;
  }

  /** The serving side of a new connection; `ended` when it is over. */
  serve(connection: PeerConnection, ended: (error: GoshareError | undefined) => void): ServedConnection {
    const served = new ServedConnection(
      this,
      connection,
      () => {
        this.#bytesSentBefore += connection.bytesSent;
        this.#connections.delete(served);
        this.#turns.delete(served);
      },
      ended,
    );
    this.#connections.add(served);
    return served;
  }

  /** Every connection ends when its running replies are out, or has taken too long; resolves then. */
  async close(reason: GoodbyeReason = "shuttingDown"): Promise<void> {
    const ended = [...this.#connections].map((served) => served.ended);
    for (const served of this.#connections) {
      served.connection.close(reason);
      served.refuseQueued();
    }
    this.#budget?.leave(this.#takeTurns);
    await Promise.all(ended);
  }

  /** At most `max` peers of `contentId` that others can reach, as seen from here: a random sample. */
  peersOf(contentId: ContentId, asker: PeerConnection, max: number): readonly PeerAddress[] {
    const peers: PeerAddress[] = [];
    let seen = 0;
    for (const { connection, joined } of this.#connections) {
      const { peerId, listenPort } = connection.remote;
      if (connection === asker || !joined.has(contentId) || listenPort === 0) continue;
      const peer: PeerAddress = {
        peerId,
        endpoints: [{ host: connection.remoteHost, port: listenPort, transport: "tcp" }],
      };
      seen++;
      if (peers.length < max) {
        peers.push(peer);
        continue;
      }
      // Reservoir sampling: the n-th takes a place with the chance of max in n.
      const place = Math.floor(Math.random() * seen);
      if (place < max) peers[place] = peer;
    }
    return peers;
  }

  /** Requests a peer may have open: under a limit what goes within a second, so that none of them waits long and
   * none is missing when its turn comes. */
  pullWindowRequests({ root }: Manifest): number {
    const most = this.#options.pullWindowRequests;
    if (this.#budget === undefined) return most;
    return Math.max(1, Math.min(most, Math.floor(this.#budget.bytesPerSecond / root.chunkSize)));
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** `served` has something to send: it gets its turn as soon as there is a buffer. */
  wantsTurn(served: ServedConnection): void {
    this.#turns.add(served);
    this.#takeTurns();
  }

  readonly #takeTurns = (): void => {
    for (const served of this.#turns) {
      const next = served.nextChunk(this.#options.sendsPerConnection, this.#patienceMs);
      if (next === undefined) {
        this.#turns.delete(served);
        continue;
      }
      const mayBegin = this.#budget?.mayBegin(this.#takeTurns) ?? true;
      const buffer = mayBegin ? this.#buffers.acquire(next.share.manifest.root.chunkSize) : undefined;
      if (buffer === undefined) {
        // Its turn has not come: it keeps its place.
        served.putBack(next);
        this.#limitWaiting();
        return;
      }
      const length = next.share.manifest.layout.chunkLength(next.chunkIndex);
      this.#budget?.spend(length);
      this.#turns.delete(served);
      this.#send(served, next, buffer, buffer.subarray(0, length));
      this.#turns.add(served);
    }
  };

  /** What is missing may not come for long: who waits for it is told in time. */
  #limitWaiting(): void {
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      for (const served of this.#turns) served.refuseLate(this.#patienceMs);
      this.#takeTurns();
    }, this.#patienceMs / 8).unref();
  }

  #send(served: ServedConnection, next: QueuedChunk, buffer: Uint8Array, chunk: Uint8Array): void {
    const { connection } = served;
    const finished = () => {
      this.#buffers.release(buffer);
      served.sendEnded();
      // The kernel may take bytes at once; a turn from inside a turn would starve the event loop.
      setImmediate(() => this.wantsTurn(served));
    };
    const failed = (thrown: unknown) => {
      const error = GoshareError.from(thrown);
      connection.refuse(next.id, REFUSALS[error.code] ?? "internal");
      this.#budget?.giveBack(chunk.byteLength);
      finished();
      next.share.readFailed(error);
    };
    served.running++;
    try {
      const reading = next.share.readChunk(next.chunkIndex, chunk);
      if (reading === undefined) connection.sendChunk(next.id, next.chunkIndex, chunk, finished);
      else reading.then(() => connection.sendChunk(next.id, next.chunkIndex, chunk, finished), failed);
    } catch (thrown) {
      failed(thrown);
    }
  }
}

/** One connection's place in the server. */
export class ServedConnection implements ConnectionHandler {
  readonly connection: PeerConnection;
  readonly joined = new Set<ContentId>();
  readonly #server: ChunkServer;
  readonly #removed: () => void;
  readonly #onEnd: (error: GoshareError | undefined) => void;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;
  readonly #queue: QueuedChunk[] = [];
  /** Chunks being read or sent. */
  running = 0;
  /** When the last of them was out. */
  #sentAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    server: ChunkServer,
    connection: PeerConnection,
    removed: () => void,
    ended: (error: GoshareError | undefined) => void,
  ) {
    this.#server = server;
    this.connection = connection;
    this.#removed = removed;
    this.#onEnd = ended;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  requested(id: number, request: Request, payload: Uint8Array): void {
    switch (request.type) {
      case "getManifest":
        return this.#getManifest(id, request.contentId, request.page);
      case "join":
        return this.#join(id, request, payload);
      case "getChunk":
        return this.#getChunk(id, request);
      case "getPeers": {
        if (request.max < 1 || request.max > MAX_PEER_LIST)
          return this.connection.refuse(id, "limitExceeded", `1 to ${MAX_PEER_LIST} peers may be asked for`);
        const peers = this.#server.peersOf(request.contentId, this.connection, request.max);
        return this.connection.reply(id, { type: "peerList", peers });
      }
      case "ping":
        return this.connection.reply(id, { type: "pong" });
    }
  }

  cancelled(id: number): void {
    const at = this.#queue.findIndex((queued) => queued.id === id);
    if (at === -1) return;
    this.#queue.splice(at, 1);
    this.connection.refuse(id, "cancelled");
  }

  noticed(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): void {
    if (notice.type !== "leave") return;
    this.joined.delete(notice.contentId);
    this.#server.get(notice.contentId)?.news?.unfollow(this.connection);
    this.#refuseQueued(notice.contentId, "cancelled");
  }

  goodbye(): void {
    this.refuseQueued();
  }

  /** What has not begun is not begun any more. */
  refuseQueued(): void {
    for (const { id } of this.#queue.splice(0)) this.connection.refuse(id, "shuttingDown");
  }

  closed(error: GoshareError | undefined): void {
    this.#queue.length = 0;
    this.#removed();
    this.#onEnd(error);
    this.#resolveEnded();
  }

  bitfieldBytes(contentId: ContentId): number | undefined {
    const share = this.#server.get(contentId);
    return share && Bitfield.byteLength(share.manifest.root.chunkCount);
  }

  /** This side no longer has the share. */
  leave(contentId: ContentId): void {
    if (this.joined.delete(contentId)) this.connection.notify({ type: "leave", contentId });
    this.#refuseQueued(contentId, "contentUnknown");
  }

  #refuseQueued(contentId: ContentId, reason: RefusalReason): void {
    for (let at = this.#queue.length - 1; at >= 0; at--) {
      const queued = this.#queue[at];
      if (queued?.share.manifest.root.contentId !== contentId) continue;
      this.#queue.splice(at, 1);
      this.connection.refuse(queued.id, reason);
    }
  }

  /** The oldest request, if another send may begin; requests that waited too long are refused on the way. */
  nextChunk(sendsPerConnection: number, patienceMs: number): QueuedChunk | undefined {
    if (this.running >= sendsPerConnection) return undefined;
    this.refuseLate(patienceMs);
    return this.#queue.shift();
  }

  sendEnded(): void {
    this.running--;
    this.#sentAtMs = this.#server.nowMs();
  }

  /** Refuses what has waited longer than `patienceMs`, unless something of this connection is on its way. As for
   * the requester, a request does not wait while the ones before it are answered. */
  refuseLate(patienceMs: number): void {
    if (this.running > 0) return;
    const nowMs = this.#server.nowMs();
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (nowMs - Math.max(next.askedAtMs, this.#sentAtMs) <= patienceMs) return;
      this.#queue.shift();
      this.connection.refuse(next.id, "busy", "", BUSY_RETRY_MS);
    }
  }

  putBack(next: QueuedChunk): void {
    this.#queue.unshift(next);
  }

  #getManifest(id: number, contentId: ContentId, page: number): void {
    const manifest = this.#server.get(contentId)?.manifest;
    if (manifest === undefined) return this.connection.refuse(id, "contentUnknown");
    const at = (page - 1) * BODY_PAGE_BYTES;
    const isInline = manifest.root.inlineBody !== undefined;
    const bytes = page === 0 ? manifest.root.bytes : manifest.bodyBytes.subarray(at, at + BODY_PAGE_BYTES);
    if (bytes.byteLength === 0 || (page > 0 && isInline)) {
      return this.connection.refuse(id, "limitExceeded", `there is no page ${page}`);
    }
    this.connection.reply(id, { type: "manifestData", page }, bytes);
  }

  #join(id: number, { contentId, coverage: theirs }: Join, bitfield: Uint8Array): void {
    const share = this.#server.get(contentId);
    if (share === undefined) return this.connection.refuse(id, "contentUnknown");
    if (bitfield.byteLength > 0 && !Bitfield.fromBytes(bitfield, share.held.length)) {
      return this.connection.fail(new GoshareError("PEER_PROTOCOL", "a bitfield with a spare bit set"));
    }
    this.joined.add(contentId);
    if (theirs !== "complete") share.news?.follow(this.connection);
    const { held } = share;
    const coverage = held.isFull ? "complete" : held.count === 0 ? "none" : "bitfield";
    const payload = coverage === "bitfield" ? held.toBytes() : undefined;
    this.connection.reply(id, { type: "availability", contentId, coverage }, payload);
    const requests = this.#server.pullWindowRequests(share.manifest);
    this.connection.notify({ type: "pullWindow", contentId, requests });
  }

  #getChunk(id: number, { contentId, chunkIndex }: GetChunk): void {
    const share = this.#server.get(contentId);
    if (share === undefined) return this.connection.refuse(id, "contentUnknown");
    if (chunkIndex >= share.manifest.root.chunkCount) {
      return this.connection.refuse(id, "limitExceeded", `there is no chunk ${chunkIndex}`);
    }
    if (!share.held.has(chunkIndex)) return this.connection.refuse(id, "chunkUnavailable");
    this.#queue.push({ id, share, chunkIndex, askedAtMs: this.#server.nowMs() });
    this.#server.wantsTurn(this);
  }
}
