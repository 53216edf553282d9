// Answers what other peers ask of the shares held here: manifests, availability, peers, chunks. Says which chunks
// are sent; upload-turns.ts says when, chunk-sender.ts how. Never hashes, never dials.
import { Bitfield } from "../core/bitfield.js";
import { processTimers, type Timers } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import { BODY_PAGE_BYTES } from "../manifest/limits.js";
import type { PeerConnection } from "../peer/connection.js";
import type { ConnectionHandler } from "../peer/connection-handler.js";
import { MAX_PEER_LIST } from "../peer/limits.js";
import type { GoodbyeReason, Notice, PeerAddress, RefusalReason, Request } from "../peer/messages.js";
import type { ChunkSender } from "./chunk-sender.js";
import { coverageOf, isComplete } from "./coverage.js";
import { LeastUseful } from "./least-useful.js";
import { Offering, pullRequests } from "./offering.js";
import { defaultOfferingOptions, type ServerOptions } from "./options.js";
import type { RateBudget } from "./rate-budget.js";
import type { ServedNeighbour, ServedShare } from "./served-share.js";
import { UploadTurns } from "./upload-turns.js";

type GetChunk = Extract<Request, { type: "getChunk" }>;
type Join = Extract<Request, { type: "join" }>;

export class ChunkServer {
  readonly #options: ServerOptions;
  /** What all servers of this process may send; undefined: as much as they can. */
  readonly #budget: RateBudget | undefined;
  readonly #turns: UploadTurns;
  readonly #timers: Timers;
  readonly #shares = new Map<ContentId, ServedShare>();
  /** Why what was shared here is not any more, where that is not because it was taken back. */
  readonly #removed = new Map<ContentId, RefusalReason>();
  readonly #offerings = new Map<ContentId, Offering>();
  readonly #connections = new Set<ServedConnection>();
  /** Contents of which somebody was turned away lately, each with who took how much. */
  readonly #crowded = new Map<ContentId, LeastUseful<ServedConnection>>();
  #turnTimer: NodeJS.Timeout | undefined;
  readonly #bytesSentOf = new Map<ContentId, number>();

  constructor(options: ServerOptions, budget?: RateBudget, timers: Timers = processTimers) {
    this.#options = options;
    this.#budget = budget;
    this.#timers = timers;
    this.#turns = new UploadTurns(options, budget, timers);
  }

  add(share: ServedShare): void {
    const { root } = share.manifest;
    const { contentId } = root;
    this.#shares.set(contentId, share);
    this.#removed.delete(contentId);
    const offering = new Offering(
      { contentId, chunkBytes: root.chunkSize, held: share.held },
      pullRequests(this.#options.pullWindowRequests, root.chunkSize, this.#budget?.bytesPerSecond),
      defaultOfferingOptions,
      this.#turns,
      this.#timers,
    );
    share.news?.listen((chunkIndex) => offering.gained(chunkIndex));
    this.#offerings.set(contentId, offering);
  }

  /** Joins those who asked to exchange a share when it was not known here yet: they need not ask again. For owners
   * that do not join by themselves. */
  joinWaiting(contentId: ContentId): void {
    const share = this.#shares.get(contentId);
    if (share === undefined) return;
    for (const connection of this.#connections) connection.joinIfWaiting(share);
  }

  /** The share is gone: neighbours are told, what they still ask for is refused. Whoever comes later is told `reason`. */
  remove(contentId: ContentId, reason: RefusalReason = "contentUnknown"): void {
    if (!this.#shares.delete(contentId)) return;
    if (reason !== "contentUnknown") this.#removed.set(contentId, reason);
    this.#offerings.get(contentId)?.close();
    this.#offerings.delete(contentId);
    for (const connection of this.#connections) connection.leave(contentId);
  }

  get(contentId: ContentId): ServedShare | undefined {
    return this.#shares.get(contentId);
  }

  /** Why what is not shared here is not given. */
  absence(contentId: ContentId): RefusalReason {
    return this.#removed.get(contentId) ?? "contentUnknown";
  }

  offering(contentId: ContentId): Offering | undefined {
    return this.#offerings.get(contentId);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Those with whom `contentId` is exchanged. */
  neighbours(contentId: ContentId): readonly ServedNeighbour[] {
    const offering = this.#offerings.get(contentId);
    const neighbours: ServedNeighbour[] = [];
    for (const { connection, joined } of this.#connections) {
      const chunksHeld = joined.has(contentId) ? offering?.chunksHeld(connection) : undefined;
      if (chunksHeld !== undefined) neighbours.push(servedNeighbour(connection, chunksHeld));
    }
    return neighbours;
  }

  /** Connections on which `contentId` is exchanged. */
  joinedCount(contentId: ContentId): number {
    return [...this.#connections].filter(({ joined }) => joined.has(contentId)).length;
  }

  /** Whether one more may exchange `contentId`. If not, whoever makes least use of that has to make room soon. */
  hasRoom(contentId: ContentId): boolean {
    if (this.joinedCount(contentId) < this.#options.maxNeighbours) return true;
    if (!this.#crowded.has(contentId)) this.#crowded.set(contentId, new LeastUseful());
    this.#turnTimer ??= setTimeout(() => this.#makeRoom(), this.#options.turnMs).unref();
    return false;
  }

  #makeRoom(): void {
    this.#turnTimer = undefined;
    for (const [contentId, leastUseful] of this.#crowded) {
      const joined = [...this.#connections].filter((served) => served.joined.has(contentId));
      const least = leastUseful.next(joined.map((served) => [served, served.connection.bytesSent]));
      if (joined.length < this.#options.maxNeighbours) this.#crowded.delete(contentId);
      else least?.connection.close("tooManyConnections");
    }
    if (this.#crowded.size > 0)
      this.#turnTimer = setTimeout(() => this.#makeRoom(), this.#options.turnMs).unref();
  }

  /** Payload bytes sent on all connections so far. */
  get bytesSent(): number {
    let sum = 0;
    for (const bytes of this.#bytesSentOf.values()) sum += bytes;
    return sum;
  }

  /** Those of them that were of one share. */
  bytesSentOf(contentId: ContentId): number {
    return this.#bytesSentOf.get(contentId) ?? 0;
  }

  /** The serving side of a new connection; `ended` when it is over. */
  serve(connection: PeerConnection, ended: (error: GoshareError | undefined) => void): ServedConnection {
    const served = new ServedConnection(
      this,
      connection,
      this.#turns.sender(connection, {
        begun: (contentId) => this.#offerings.get(contentId)?.begun(connection),
        sent: (contentId, bytes) => this.#bytesSentOf.set(contentId, this.bytesSentOf(contentId) + bytes),
        ended: (contentId, ...how) => this.#offerings.get(contentId)?.ended(connection, ...how),
      }),
      () => {
        this.#connections.delete(served);
        for (const offering of this.#offerings.values()) offering.left(connection);
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
    for (const offering of this.#offerings.values()) offering.close();
    clearTimeout(this.#turnTimer);
    this.#turns.close();
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
}

function servedNeighbour(connection: PeerConnection, chunksHeld: number): ServedNeighbour {
  const { remoteHost: host, remotePort: port, remote } = connection;
  return { peerId: remote.peerId, endpoint: { host, port, transport: "tcp" }, chunksHeld };
}

/** Who found no room may ask again after so long. */
const CROWDED_RETRY_MS = 10_000;

/** So many contents that are not known here are remembered for one connection. */
const MAX_WAITED_FOR = 16;

/** One connection's place in the server. */
export class ServedConnection implements ConnectionHandler {
  readonly connection: PeerConnection;
  readonly joined = new Set<ContentId>();
  /** Contents it had the manifest of from here. */
  readonly #described = new Set<ContentId>();
  /** Those it has joined of which its copy counts. */
  readonly #counted = new Set<ContentId>();
  /** Contents it wanted to exchange that were not known here. */
  readonly #waitedFor = new Set<ContentId>();
  readonly #server: ChunkServer;
  readonly #removed: () => void;
  readonly #onEnd: (error: GoshareError | undefined) => void;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;
  readonly #sender: ChunkSender;

  constructor(
    server: ChunkServer,
    connection: PeerConnection,
    sender: ChunkSender,
    removed: () => void,
    ended: (error: GoshareError | undefined) => void,
  ) {
    this.#server = server;
    this.connection = connection;
    this.#sender = sender;
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
    this.#sender.cancel(id);
  }

  noticed(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): void {
    if (notice.type === "decline") {
      // Offers of all shares count from 1: the ids are those of the share it has joined.
      for (const contentId of this.joined)
        this.#server
          .offering(contentId)
          ?.declined(this.connection, notice.offerId, notice.reason, notice.retryAfterMs);
      return;
    }
    if (notice.type === "availabilityUpdate") {
      const offering = this.#server.offering(notice.contentId);
      if (offering?.updated(this.connection, notice.gained, notice.lost) === false)
        this.connection.fail(new GoshareError("PEER_PROTOCOL", "an update of chunks that do not exist"));
      return;
    }
    if (notice.type !== "leave") return;
    this.joined.delete(notice.contentId);
    this.#tellIfCopied(notice.contentId);
    this.#server.offering(notice.contentId)?.left(this.connection);
    this.#server.get(notice.contentId)?.news?.unfollow(this.connection);
    this.#sender.refuseQueued("cancelled", notice.contentId);
  }

  /** Whoever takes its leave and has everything is done; whoever goes without a word may have failed in the end. */
  #tellIfCopied(contentId: ContentId): void {
    const share = this.#server.get(contentId);
    const chunksHeld = this.#server.offering(contentId)?.chunksHeld(this.connection);
    if (share === undefined || chunksHeld !== share.manifest.root.chunkCount) return;
    if (!this.#counted.delete(contentId)) return;
    share.copied?.(servedNeighbour(this.connection, chunksHeld));
  }

  goodbye(reason: GoodbyeReason): void {
    if (reason === "finished") for (const contentId of this.joined) this.#tellIfCopied(contentId);
    this.refuseQueued();
  }

  /** What has not begun is not begun any more. */
  refuseQueued(): void {
    this.#sender.refuseQueued("shuttingDown");
  }

  closed(error: GoshareError | undefined): void {
    this.#sender.closed();
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
    this.#sender.refuseQueued(this.#server.absence(contentId), contentId);
  }

  joinIfWaiting({ manifest, held }: ServedShare): void {
    const { contentId } = manifest.root;
    if (!this.#waitedFor.delete(contentId) || !this.connection.isOpen) return;
    const [coverage, payload] = coverageOf(held);
    const bitfieldRange = [0, Bitfield.byteLength(held.length)] as const;
    this.connection.request({ type: "join", contentId, coverage }, bitfieldRange, payload).then(
      () => this.joined.add(contentId),
      // The connection has ended.
      () => undefined,
    );
  }

  #getManifest(id: number, contentId: ContentId, page: number): void {
    const manifest = this.#server.get(contentId)?.manifest;
    if (manifest === undefined) return this.connection.refuse(id, this.#server.absence(contentId));
    const at = (page - 1) * BODY_PAGE_BYTES;
    const isInline = manifest.root.inlineBody !== undefined;
    const bytes = page === 0 ? manifest.root.bytes : manifest.bodyBytes.subarray(at, at + BODY_PAGE_BYTES);
    if (bytes.byteLength === 0 || (page > 0 && isInline)) {
      return this.connection.refuse(id, "limitExceeded", `there is no page ${page}`);
    }
    this.#described.add(contentId);
    this.connection.reply(id, { type: "manifestData", page }, bytes);
  }

  #join(id: number, { contentId, coverage: theirs }: Join, bitfield: Uint8Array): void {
    const share = this.#server.get(contentId);
    if (share === undefined) {
      if (this.#waitedFor.size < MAX_WAITED_FOR) this.#waitedFor.add(contentId);
      return this.connection.refuse(id, this.#server.absence(contentId));
    }
    const field = bitfield.byteLength > 0 ? Bitfield.fromBytes(bitfield, share.held.length) : undefined;
    if (bitfield.byteLength > 0 && field === undefined) {
      return this.connection.fail(new GoshareError("PEER_PROTOCOL", "a bitfield with a spare bit set"));
    }
    if (!this.joined.has(contentId) && !this.#server.hasRoom(contentId))
      return this.connection.refuse(id, "busy", "there are enough neighbours", CROWDED_RETRY_MS);
    this.joined.add(contentId);
    // Who had it all along is no copy that was made here, unless it came here to be told what it is to have: somebody has
    // run a download there, and found that nothing was missing.
    const lacks = !isComplete(field ?? (theirs === "complete" ? theirs : "none"));
    if (lacks || this.#described.has(contentId)) this.#counted.add(contentId);
    share.news?.follow(this.connection);
    const [coverage, payload] = coverageOf(share.held);
    this.connection.reply(id, { type: "availability", contentId, coverage }, payload);
    this.#server
      .offering(contentId)
      ?.joined(this.connection, field ?? (theirs === "complete" ? theirs : "none"));
  }

  #getChunk(id: number, { contentId, chunkIndex, offerId }: GetChunk): void {
    const share = this.#server.get(contentId);
    if (share === undefined) return this.connection.refuse(id, this.#server.absence(contentId));
    if (chunkIndex >= share.manifest.root.chunkCount) {
      return this.connection.refuse(id, "limitExceeded", `there is no chunk ${chunkIndex}`);
    }
    if (!share.held.has(chunkIndex)) return this.connection.refuse(id, "chunkUnavailable");
    this.#server.offering(contentId)?.asked(this.connection, chunkIndex, offerId);
    this.#sender.ask(id, share, chunkIndex);
  }
}
