// The asking side of a download's connection: what the other side holds and welcomes, and what was asked of it. Passes
// on to the download what happens; decides nothing itself, serves nothing.
import { Bitfield } from "../../core/bitfield.js";
import { GoshareError } from "../../core/errors.js";
import type { ContentId, PeerId } from "../../core/ids.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { DeclineReason, GoodbyeReason, Notice, RefusalReason } from "../../peer/messages.js";
import { placeOf } from "../../peer/place-of.js";
import { coverageFrom, coverageOf, type PeerCoverage } from "../availability/coverage.js";
import { PeerRefused, type RefusalPauses, refusalText, sourceChangedAt } from "../refusal-text.js";
import { AnswerPace } from "./answer-pace.js";
import { RequestWindow } from "./request-window.js";

/** Notices that may come before the answer to Join is dealt with: far more than a late event loop piles up. */
const MAX_EARLY_NOTICES = 4096;

/** Refusals after which the peer is not asked for this chunk again. */
export const FINAL_REFUSALS: ReadonlySet<RefusalReason> = new Set([
  "contentUnknown",
  "chunkUnavailable",
  "sourceChanged",
  "permissionDenied",
  "unimplemented",
]);

type AfterAvailability = Extract<Notice, { type: "availabilityUpdate" | "offer" }>;

export interface DownloadPeerEvents {
  /** It holds more, or less, or welcomes more requests. */
  changed(peer: DownloadPeer): void;
  gained(peer: DownloadPeer, chunkIndexes: readonly number[]): void;
  lost(peer: DownloadPeer, chunkIndexes: readonly number[]): void;
  /** It would send one of these chunks next. To be answered by a request or `decline`. */
  offered(peer: DownloadPeer, offerId: number, chunkIndexes: readonly number[]): void;
  ended(peer: DownloadPeer, error: GoshareError | undefined): void;
}

export class DownloadPeer {
  readonly connection: PeerConnection;
  readonly #contentId: ContentId;
  readonly #events: DownloadPeerEvents;
  #chunkCount: number | undefined;
  /** Whether the peer was asked to exchange the share. */
  hasJoined = false;
  /** Its answer to the last Join, if that was a refusal. */
  refusal: PeerRefused | undefined;
  /** The peer joined this side after it was asked to, and before its answer was dealt with. */
  hasJoinedMeanwhile = false;
  /** What the peer said it has when it last joined this side; undefined if it has not joined. */
  said: PeerCoverage | undefined;
  /** Whether the peer had everything when it was asked. */
  wasComplete = false;
  /** Chunks asked for and not answered, with what `cancel` needs. */
  readonly requests = new Map<number, { readonly id: number; isCancelled: boolean }>();
  readonly pace = new AnswerPace();
  /** The peer says that it sends under a limit. */
  isRateLimited = false;
  readonly trust: RequestWindow;
  /** Updates and offers that came while the answer to Join was not dealt with; undefined at other times. */
  #early: AfterAvailability[] | undefined;
  /** Refusals in a row: the more, the longer the peer is left alone. */
  refusals = 0;
  /** The peer is left alone until this timer has fired. */
  pause: NodeJS.Timeout | undefined;

  constructor(
    connection: PeerConnection,
    contentId: ContentId,
    unprovenRequests: number,
    events: DownloadPeerEvents,
  ) {
    this.connection = connection;
    this.trust = new RequestWindow(unprovenRequests, connection.remote.maxRequestsInFlight);
    this.#contentId = contentId;
    this.#events = events;
  }

  get id(): PeerId {
    return this.connection.remote.peerId;
  }

  decline(offerId: number, reason: DeclineReason, retryAfterMs = 0): void {
    this.connection.notify({ type: "decline", offerId, reason, retryAfterMs });
  }

  /** Whether it may be asked for a chunk that it offers, or that failed elsewhere, whatever its window is. */
  get isReadyForOne(): boolean {
    return this.#isListening && this.trust.hasRoomForOne(this.requests.size);
  }

  /** Requests that may be open at a time. */
  get window(): number {
    return this.trust.size;
  }

  /** Whether it is time to ask for several chunks at once. */
  get hasRoomForGroup(): boolean {
    return this.#isListening && this.trust.hasRoomForGroup(this.requests.size);
  }

  /** Whether one more chunk may be asked for now. */
  get isReady(): boolean {
    return this.#isListening && this.trust.hasRoom(this.requests.size);
  }

  get #isListening(): boolean {
    return this.connection.isOpen && this.pause === undefined;
  }

  /** Whether the peer has been asked what it holds, and has not answered yet. */
  get isJoining(): boolean {
    return this.hasJoined && this.#early !== undefined;
  }

  /** Whether the peer is to be asked only for what it offers. */
  get wantsOffersAwaited(): boolean {
    return this.trust.pullWindow === 0;
  }

  /** It has refused a chunk for now: leaves it alone, longer each time in a row, then calls `over`. */
  leaveAlone(retryAfterMs: number, bounds: RefusalPauses, over: () => void): void {
    // Its other open requests are refused together with the first.
    if (this.pause !== undefined) return;
    const ownMs = bounds.minRefusalPauseMs * 2 ** Math.min(this.refusals++, 16);
    const pauseMs = Math.min(bounds.maxRefusalPauseMs, Math.max(ownMs, retryAfterMs));
    this.pause = setTimeout(() => {
      this.pause = undefined;
      over();
    }, pauseMs);
  }

  /** The peer need not give this chunk any more. Its answer comes all the same. */
  cancel(chunkIndex: number): void {
    const request = this.requests.get(chunkIndex);
    if (request === undefined || request.isCancelled) return;
    request.isCancelled = true;
    this.connection.cancel(request.id);
  }

  /** Tells each side what the other holds; resolves with what this neighbour held when it answered. What it says from
   * then on is passed on after `joined`. */
  async join(root: ManifestRoot, held: Bitfield): Promise<PeerCoverage> {
    this.#chunkCount = root.chunkCount;
    this.hasJoined = true;
    this.hasJoinedMeanwhile = false;
    this.#early = [];
    const { contentId, chunkCount } = root;
    const [ours, bitfield] = coverageOf(held);
    const { reply, payload } = await this.connection.request(
      { type: "join", contentId, coverage: ours },
      [0, Bitfield.byteLength(chunkCount)],
      bitfield,
    );
    if (reply.type === "refusal") {
      const place = placeOf(this.connection);
      if (reply.reason === "sourceChanged") throw sourceChangedAt(place);
      if (reply.reason === "contentUnknown")
        throw new GoshareError("CONTENT_NOT_FOUND", `${place} does not share this content`);
      const message = `${place} does not exchange this content now: ${refusalText(reply.reason)}`;
      this.refusal = new PeerRefused("PEER_REFUSED", message, reply);
      throw this.refusal;
    }
    if (reply.type !== "availability" || reply.contentId !== contentId) {
      throw new GoshareError("PEER_PROTOCOL", "a peer answered a Join for another content id");
    }
    this.wasComplete = reply.coverage === "complete";
    const coverage = coverageFrom(reply.coverage, payload, chunkCount);
    if (coverage === undefined) throw new GoshareError("PEER_PROTOCOL", "a peer sent a malformed bitfield");
    // If a Join crossed with this answer, it may be the later snapshot; what it lacks of the other is in an update.
    return (this.hasJoinedMeanwhile ? this.said : undefined) ?? coverage;
  }

  /** What the peer held is known; the updates that came meanwhile follow now. */
  joined(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    this.refusal = undefined;
    for (const notice of early) this.#apply(notice);
  }

  noticed(notice: Exclude<Notice, { type: "hello" | "goodbye" }>): void {
    if (!("contentId" in notice) || notice.contentId !== this.#contentId) return;
    switch (notice.type) {
      case "pullWindow":
        this.trust.pullWindow = notice.requests;
        this.isRateLimited = notice.rateLimited;
        return this.#events.changed(this);
      case "availabilityUpdate":
        this.#checkRange(notice.gained);
        this.#checkRange(notice.lost);
        return this.#inOrder(notice);
      case "leave":
        return this.connection.close("finished");
      case "offer":
        this.#checkRange(notice.chunks);
        return this.#inOrder(notice);
    }
  }

  goodbye(_reason: GoodbyeReason, _message: string): void {
    this.#events.changed(this);
  }

  closed(error: GoshareError | undefined): void {
    clearTimeout(this.pause);
    this.#events.ended(this, error);
  }

  /** Passes notices on only once it is known what the peer held. */
  #inOrder(notice: AfterAvailability): void {
    if (this.#early === undefined) this.#apply(notice);
    else if (this.#early.push(notice) > MAX_EARLY_NOTICES)
      throw new GoshareError("PEER_PROTOCOL", "updates or offers without an availability");
  }

  #apply(notice: AfterAvailability): void {
    if (notice.type === "offer") return this.#events.offered(this, notice.offerId, notice.chunks);
    this.#events.gained(this, notice.gained);
    this.#events.lost(this, notice.lost);
  }

  #checkRange(chunkIndexes: readonly number[]): void {
    const limit = this.#chunkCount ?? 0;
    if (chunkIndexes.some((chunkIndex) => chunkIndex >= limit)) {
      throw new GoshareError("PEER_PROTOCOL", `an availability update beyond the ${limit} chunks there are`);
    }
  }
}
