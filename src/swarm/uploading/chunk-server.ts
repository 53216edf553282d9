// The shares that are served here, and the connections they are served on: which connection exchanges which share,
// whether there is room for one more, what was sent. served-connection.ts answers what one connection asks;
// upload-turns.ts says when chunks are sent, chunk-sender.ts how. Never hashes, never dials.
import { processTimers, type Timers } from "../../core/clock.js";
import type { GoshareError } from "../../core/errors.js";
import type { ContentId, PeerId } from "../../core/ids.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { GoodbyeReason, PeerAddress, RefusalReason } from "../../peer/messages.js";
import { defaultOfferingOptions, type ServerOptions } from "../options.js";
import type { RateBudget } from "../rate-budget.js";
import { LeastUseful } from "./least-useful.js";
import { Offering, pullRequests } from "./offering.js";
import { ServedConnection, type ServedShares } from "./served-connection.js";
import type { ServedNeighbour, ServedShare } from "./served-share.js";
import { UploadTurns } from "./upload-turns.js";

export class ChunkServer implements ServedShares {
  readonly #options: ServerOptions;
  /** The rate at which all servers of this process together may send; undefined: no limit. */
  readonly #budget: RateBudget | undefined;
  readonly #turns: UploadTurns;
  readonly #timers: Timers;
  readonly #shares = new Map<ContentId, ServedShare>();
  /** Why a content is no longer shared here, unless it was simply taken back. */
  readonly #removed = new Map<ContentId, RefusalReason>();
  readonly #offerings = new Map<ContentId, Offering>();
  readonly #connections = new Set<ServedConnection>();
  /** Contents for which a neighbour was turned away lately, each with what its neighbours took. */
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

  /** Joins the peers that asked to exchange a share before it was known here, so that they need not ask again. For
   * owners that do not join by themselves. */
  joinWaiting(contentId: ContentId): void {
    const share = this.#shares.get(contentId);
    if (share === undefined) return;
    for (const connection of this.#connections) connection.joinIfWaiting(share);
  }

  /** The share is gone: tells neighbours, refuses what they still ask for, and gives later askers `reason`. */
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

  /** Why a content that is not shared here is refused. */
  absence(contentId: ContentId): RefusalReason {
    return this.#removed.get(contentId) ?? "contentUnknown";
  }

  offering(contentId: ContentId): Offering | undefined {
    return this.#offerings.get(contentId);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The neighbours with which `contentId` is exchanged. */
  neighbours(contentId: ContentId): readonly ServedNeighbour[] {
    const offering = this.#offerings.get(contentId);
    const neighbours: ServedNeighbour[] = [];
    for (const served of this.#connections) {
      const chunksHeld = served.joined.has(contentId) ? offering?.chunksHeld(served) : undefined;
      if (chunksHeld !== undefined) neighbours.push(served.asNeighbour(chunksHeld));
    }
    return neighbours;
  }

  /** Connections on which `contentId` is exchanged. */
  joinedCount(contentId: ContentId): number {
    return [...this.#connections].filter(({ joined }) => joined.has(contentId)).length;
  }

  /** Whether one more may exchange `contentId`. If not, the one that uses its place least must make room soon. */
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

  /** Payload bytes of one share sent so far. */
  bytesSentOf(contentId: ContentId): number {
    return this.#bytesSentOf.get(contentId) ?? 0;
  }

  /** The serving side of a new connection; `ended` is called when that is over. */
  serve(connection: PeerConnection, ended: (error: GoshareError | undefined) => void): ServedConnection {
    const served: ServedConnection = new ServedConnection(
      this,
      connection,
      this.#turns.sender(connection, {
        begun: (contentId) => this.#offerings.get(contentId)?.begun(served),
        sent: (contentId, bytes) => this.#bytesSentOf.set(contentId, this.bytesSentOf(contentId) + bytes),
        ended: (contentId, ...how) => this.#offerings.get(contentId)?.ended(served, ...how),
      }),
      () => {
        this.#connections.delete(served);
        for (const offering of this.#offerings.values()) offering.left(served);
      },
      ended,
    );
    this.#connections.add(served);
    return served;
  }

  /** Ends every connection when its running replies are out or have taken too long; resolves when all have ended. */
  async close(reason: GoodbyeReason = "shuttingDown"): Promise<void> {
    for (const { news } of this.#shares.values()) news?.tellNow();
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

  /** A random sample of at most `max` peers of `contentId` that others can reach, as seen from here. */
  peersOf(contentId: ContentId, asker: PeerConnection, max: number): readonly PeerAddress[] {
    const peers: PeerAddress[] = [];
    /** No peer is named twice, however many connections it has. */
    const seen = new Set<PeerId>([asker.remote.peerId]);
    for (const { connection, joined } of this.#connections) {
      const { peerId, listenPort } = connection.remote;
      if (seen.has(peerId) || !joined.has(contentId) || listenPort === 0) continue;
      const peer: PeerAddress = {
        peerId,
        endpoints: [{ host: connection.remoteHost, port: listenPort, transport: "tcp" }],
      };
      seen.add(peerId);
      if (peers.length < max) {
        peers.push(peer);
        continue;
      }
      // Reservoir sampling: the n-th peer takes a place with a chance of max in n.
      const place = Math.floor(Math.random() * (seen.size - 1));
      if (place < max) peers[place] = peer;
    }
    return peers;
  }
}
