// One connection's place in a chunk server. Answers what the other side asks of any share there, and remembers what it
// has joined, whether its copy counts, and the last offer id. Never hashes, never dials.
import { Bitfield } from "../../core/bitfield.js";
import { GoshareError } from "../../core/errors.js";
import type { ContentId } from "../../core/ids.js";
import { BODY_PAGE_BYTES } from "../../manifest/limits.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { ConnectionHandler } from "../../peer/connection-handler.js";
import { MAX_PEER_LIST } from "../../peer/limits.js";
import type {
  GoodbyeReason,
  Notice,
  PeerAddress,
  RefusalReason,
  Reply,
  Request,
} from "../../peer/messages.js";
import { coverageFrom, coverageOf, isComplete, type PeerCoverage } from "../availability/coverage.js";
import type { ChunkSender } from "./chunk-sender.js";
import type { OfferedConnection, Offering } from "./offering.js";
import type { ServedNeighbour, ServedShare } from "./served-share.js";

type GetChunk = Extract<Request, { type: "getChunk" }>;
type Join = Extract<Request, { type: "join" }>;

/** What a connection needs to know of its server. */
export interface ServedShares {
  get(contentId: ContentId): ServedShare | undefined;
  /** Why a content that is not shared here is refused. */
  absence(contentId: ContentId): RefusalReason;
  offering(contentId: ContentId): Offering | undefined;
  /** Whether one more may exchange `contentId`. */
  hasRoom(contentId: ContentId): boolean;
  /** At most `max` peers of `contentId`, other than `asker`. */
  peersOf(contentId: ContentId, asker: PeerConnection, max: number): readonly PeerAddress[];
}

/** How long a peer that found no room should wait before it asks again. */
const CROWDED_RETRY_MS = 10_000;

/** How many contents that are not known here are remembered for one connection. */
const MAX_WAITED_FOR = 16;

export class ServedConnection implements ConnectionHandler, OfferedConnection {
  readonly connection: PeerConnection;
  readonly joined = new Set<ContentId>();
  /** Contents whose manifest it got from here. */
  readonly #described = new Set<ContentId>();
  /** Joined contents of which its copy counts. */
  readonly #counted = new Set<ContentId>();
  /** Contents it wanted to exchange before they were known here. */
  readonly #waitedFor = new Set<ContentId>();
  readonly #server: ServedShares;
  readonly #removed: () => void;
  readonly #onEnd: (error: GoshareError | undefined) => void;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  #resolveEnded: () => void = () => undefined;
  readonly #sender: ChunkSender;
  #lastOfferId = 0;

  constructor(
    server: ServedShares,
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

  get remote(): PeerConnection["remote"] {
    return this.connection.remote;
  }

  together(step: () => void): void {
    this.connection.together(step);
  }

  notify(notice: Parameters<OfferedConnection["notify"]>[0]): void {
    this.connection.notify(notice);
  }

  nextOfferId(): number {
    return ++this.#lastOfferId;
  }

  /** The other side as a neighbour that holds so many chunks of a share. */
  asNeighbour(chunksHeld: number): ServedNeighbour {
    const { remoteHost: host, remotePort: port, remote } = this.connection;
    return { peerId: remote.peerId, endpoint: { host, port, transport: "tcp" }, chunksHeld };
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
        const absence = this.#server.absence(request.contentId);
        if (absence !== "contentUnknown") return this.connection.refuse(id, absence);
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
      const { offerId, reason, retryAfterMs } = notice;
      // One of these shares has made the offer.
      for (const contentId of this.joined)
        this.#server.offering(contentId)?.declined(this, offerId, reason, retryAfterMs);
      return;
    }
    if (notice.type === "availabilityUpdate") {
      const offering = this.#server.offering(notice.contentId);
      if (offering?.updated(this, notice.gained, notice.lost) === false)
        this.connection.fail(new GoshareError("PEER_PROTOCOL", "an update of chunks that do not exist"));
      return;
    }
    if (notice.type !== "leave") return;
    this.joined.delete(notice.contentId);
    this.#tellIfCopied(notice.contentId);
    this.#server.offering(notice.contentId)?.left(this);
    this.#server.get(notice.contentId)?.news?.unfollow(this.connection);
    this.#sender.refuseQueued("cancelled", notice.contentId);
  }

  /** A peer that takes its leave and has everything is done; one that goes without a word may have failed. */
  #tellIfCopied(contentId: ContentId): void {
    const share = this.#server.get(contentId);
    const chunksHeld = this.#server.offering(contentId)?.chunksHeld(this);
    if (share === undefined || chunksHeld !== share.manifest.root.chunkCount) return;
    if (!this.#counted.delete(contentId)) return;
    share.copied?.(this.asNeighbour(chunksHeld));
  }

  goodbye(reason: GoodbyeReason): void {
    if (reason === "finished") for (const contentId of this.joined) this.#tellIfCopied(contentId);
    this.refuseQueued();
  }

  /** Refuses the chunks that have not begun. */
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

  /** The share is here now: joins the other side if it wanted to exchange it before. */
  joinIfWaiting(share: ServedShare): void {
    const { contentId } = share.manifest.root;
    if (!this.#waitedFor.delete(contentId) || !this.connection.isOpen) return;
    const [coverage, payload] = coverageOf(share.held);
    const bitfieldRange = [0, Bitfield.byteLength(share.held.length)] as const;
    share.news?.follow(this.connection);
    this.connection.request({ type: "join", contentId, coverage }, bitfieldRange, payload).then(
      ({ reply, payload }) => this.#joinAnswered(share, reply, payload),
      // The connection has ended.
      () => undefined,
    );
  }

  #joinAnswered(share: ServedShare, reply: Reply, bitfield: Uint8Array): void {
    const { contentId } = share.manifest.root;
    // It may have joined by itself meanwhile, and what it said then is as good.
    if (this.joined.has(contentId)) return;
    if (reply.type !== "availability") {
      share.news?.unfollow(this.connection);
      return;
    }
    const theirs = coverageFrom(reply.coverage, bitfield, share.held.length);
    if (theirs === undefined) return this.connection.fail(spareBit());
    if (this.#server.get(contentId) !== share || !this.#server.hasRoom(contentId)) {
      share.news?.unfollow(this.connection);
      return this.connection.notify({ type: "leave", contentId });
    }
    this.#exchange(share, theirs);
    this.#server.offering(contentId)?.joined(this, theirs);
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

  #join(id: number, { contentId, coverage }: Join, bitfield: Uint8Array): void {
    const share = this.#server.get(contentId);
    if (share === undefined) {
      if (this.#waitedFor.size < MAX_WAITED_FOR) this.#waitedFor.add(contentId);
      return this.connection.refuse(id, this.#server.absence(contentId));
    }
    // A bitfield was not kept if its share was unknown when it began to arrive.
    const isKept = coverage !== "bitfield" || bitfield.byteLength > 0;
    const theirs = coverageFrom(isKept ? coverage : "none", bitfield, share.held.length);
    if (theirs === undefined) return this.connection.fail(spareBit());
    if (!this.#hasPlace(contentId)) return this.#refuseForNow(id);
    this.#exchange(share, theirs);
    share.news?.follow(this.connection);
    const [held, payload] = coverageOf(share.held);
    this.connection.reply(id, { type: "availability", contentId, coverage: held }, payload);
    this.#server.offering(contentId)?.joined(this, theirs);
  }

  /** From now on the other side, which holds `theirs`, counts as exchanging the share. */
  #exchange({ manifest }: ServedShare, theirs: PeerCoverage): void {
    const { contentId } = manifest.root;
    this.joined.add(contentId);
    // A peer that had everything all along is no copy made from here, unless it asked for the manifest here: then
    // somebody has run a download there, and found that nothing was missing.
    if (!isComplete(theirs) || this.#described.has(contentId)) this.#counted.add(contentId);
  }

  /** Whether it exchanges the share, or there is room for one more that does. */
  #hasPlace(contentId: ContentId): boolean {
    return this.joined.has(contentId) || this.#server.hasRoom(contentId);
  }

  #refuseForNow(id: number): void {
    this.connection.refuse(id, "busy", "there are already enough neighbours", CROWDED_RETRY_MS);
  }

  #getChunk(id: number, { contentId, chunkIndex, offerId }: GetChunk): void {
    const share = this.#server.get(contentId);
    if (share === undefined) return this.connection.refuse(id, this.#server.absence(contentId));
    if (chunkIndex >= share.manifest.root.chunkCount) {
      return this.connection.refuse(id, "limitExceeded", `there is no chunk ${chunkIndex}`);
    }
    if (!share.held.has(chunkIndex)) return this.connection.refuse(id, "chunkUnavailable");
    if (!this.#hasPlace(contentId)) return this.#refuseForNow(id);
    this.#server.offering(contentId)?.asked(this, chunkIndex, offerId);
    this.#sender.ask(id, share, chunkIndex);
  }
}

function spareBit(): GoshareError {
  return new GoshareError("PEER_PROTOCOL", "a bitfield with a spare bit set");
}
