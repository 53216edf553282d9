// The offers of one share. Tells its upload queue what happens, makes the next offer when the uplink will soon have
// nothing to do, and tells neighbours how much they may ask for by themselves. What to offer to whom is the queue's
// affair; whose slice goes when, that of the turns. Owns neither sockets nor its own clock: the simulator runs it as it
// is.
import type { Bitfield } from "../../core/bitfield.js";
import type { Cancel, Timers } from "../../core/clock.js";
import type { ContentId } from "../../core/ids.js";
import { smoothed } from "../../core/smoothing.js";
import { type DeclineReason, type Notice, OFFERS_FEATURE } from "../../peer/messages.js";
import { isComplete, type PeerCoverage } from "../availability/coverage.js";
import type { OfferingOptions } from "../options.js";
import { type ChunkOffer, type OfferedRecipient, UploadQueue } from "./upload-queue.js";

/** What the uplink has to do. */
export interface Uplink {
  /** How long the chunks that have begun take, whatever waits behind them. */
  readonly waitMs: number;
  /** How long one chunk of so many bytes takes; infinity as long as nothing is known. */
  chunkMs(chunkBytes: number): number;
  /** Whether it keeps to a rate that the user has set. */
  readonly isLimited: boolean;
}

/** A connection to a neighbour, as far as it matters here. */
export interface OfferedConnection {
  readonly remote: { readonly features: readonly string[] };
  /** What `step` sends leaves together. */
  together(step: () => void): void;
  notify(notice: Extract<Notice, { type: "offer" | "pullWindow" }>): void;
  /** From 1, rising, across all shares on the connection. */
  nextOfferId(): number;
}

interface Recipient extends OfferedRecipient {
  readonly connection: OfferedConnection;
  readonly speaksOffers: boolean;
  isComplete: boolean;
  toldRequests: number | undefined;
  /** When the chunk that is being sent to it began. That chunk counts in the uplink's `waitMs`. */
  begunAtMs: number | undefined;
  /** Chunks it has asked for that have not begun. */
  waiting: number;
}

/** A receiver is slow if a chunk takes longer than SLOW_CHUNKS times what the uplink needs for one, plus SLOW_MS. */
const SLOW_CHUNKS = 2;
const SLOW_MS = 50;

export class Offering {
  readonly #contentId: ContentId;
  readonly #chunkBytes: number;
  readonly #chunkCount: number;
  readonly #options: OfferingOptions;
  readonly #uplink: Uplink;
  readonly #timers: Timers;
  readonly #random: () => number;
  /** Requests that a neighbour may have open by itself if it is the only one. */
  readonly #pullRequests: number;
  readonly #queue: UploadQueue<Recipient>;
  readonly #recipients = new Map<OfferedConnection, Recipient>();
  #answerMs: number;
  /** Neighbours that lack something, by what they said when they joined. */
  #wanting = 0;
  #isScheduled = false;
  /** Whether, at the last look, the uplink lacked work for want of something to offer. */
  #isWaitingForNews = false;
  #cancelLater: Cancel = () => undefined;

  constructor(
    share: { readonly contentId: ContentId; readonly chunkBytes: number; readonly held: Bitfield },
    pullRequests: number,
    options: OfferingOptions,
    uplink: Uplink,
    timers: Timers,
    random: () => number = Math.random,
  ) {
    this.#contentId = share.contentId;
    this.#chunkBytes = share.chunkBytes;
    this.#chunkCount = share.held.length;
    this.#pullRequests = pullRequests;
    this.#options = options;
    this.#uplink = uplink;
    this.#timers = timers;
    this.#random = random;
    this.#queue = new UploadQueue(options, share.held);
    this.#answerMs = options.firstAnswerMs;
  }

  /** A neighbour has said what it has. */
  joined(connection: OfferedConnection, coverage: PeerCoverage): void {
    const isAll = isComplete(coverage);
    const recipient = this.#recipients.get(connection) ?? {
      ...{ connection, isComplete: isAll, toldRequests: undefined, begunAtMs: undefined, waiting: 0 },
      speaksOffers: connection.remote.features.includes(OFFERS_FEATURE),
      nextOfferId: () => connection.nextOfferId(),
    };
    recipient.isComplete = isAll;
    this.#recipients.set(connection, recipient);
    this.#queue.recipientJoined(recipient, coverage, recipient.speaksOffers);
    this.#tellWindows();
    this.#schedule();
  }

  /** A neighbour gained or lost chunks; false if there are no such chunks. */
  updated(connection: OfferedConnection, gained: readonly number[], lost: readonly number[]): boolean {
    const isBeyond = (chunkIndex: number) => chunkIndex >= this.#chunkCount;
    if (gained.some(isBeyond) || lost.some(isBeyond)) return false;
    const recipient = this.#recipients.get(connection);
    if (recipient === undefined) return true;
    this.#queue.recipientGained(recipient, gained);
    this.#queue.recipientLost(recipient, lost);
    this.#newsCame();
    return true;
  }

  left(connection: OfferedConnection): void {
    const recipient = this.#recipients.get(connection);
    if (recipient === undefined) return;
    this.#recipients.delete(connection);
    this.#queue.recipientLeft(recipient);
    this.#tellWindows();
    this.#schedule();
  }

  /** How many chunks a neighbour has, by what it said and what was sent to it; undefined if it has not joined. */
  chunksHeld(connection: OfferedConnection): number | undefined {
    const recipient = this.#recipients.get(connection);
    return recipient && this.#queue.chunksHeld(recipient);
  }

  /** A chunk is held here from now on. */
  gained(chunkIndex: number): void {
    this.#queue.gained(chunkIndex);
    this.#newsCame();
  }

  /** A neighbour asks for a chunk; `offerId` 0: without an offer. */
  asked(connection: OfferedConnection, chunkIndex: number, offerId: number): void {
    const recipient = this.#recipients.get(connection);
    if (recipient === undefined) return;
    recipient.waiting++;
    if (offerId === 0) this.#queue.requested(recipient, chunkIndex);
    else if (this.#queue.accepted(recipient, offerId, chunkIndex, this.#timers.nowMs()))
      this.#answered(recipient);
    // The uplink has no less to do than before, but the other chunks of the offer are free.
    this.#newsCame();
  }

  /** A neighbour declines an offer. If that is another share's offer, nothing changes. */
  declined(
    connection: OfferedConnection,
    offerId: number,
    reason: DeclineReason,
    retryAfterMs: number,
  ): void {
    const recipient = this.#recipients.get(connection);
    if (recipient === undefined) return;
    if (!this.#queue.declined(recipient, offerId, reason, retryAfterMs, this.#timers.nowMs())) return;
    this.#answered(recipient);
    this.#schedule();
  }

  /** The first byte of a chunk that was asked for goes out. */
  begun(connection: OfferedConnection): void {
    const recipient = this.#recipients.get(connection);
    if (recipient === undefined) return;
    recipient.waiting = Math.max(0, recipient.waiting - 1);
    recipient.begunAtMs = this.#timers.nowMs();
  }

  /** A chunk that was asked for is out, or is not sent after all, whether or not it `hadBegun`. */
  ended(connection: OfferedConnection, chunkIndex: number, isSent: boolean, hadBegun: boolean): void {
    const recipient = this.#recipients.get(connection);
    if (recipient === undefined) return;
    if (hadBegun) recipient.begunAtMs = undefined;
    else recipient.waiting = Math.max(0, recipient.waiting - 1);
    if (isSent) this.#queue.sent(recipient, chunkIndex);
    else this.#queue.notSent(recipient, chunkIndex);
    this.#schedule();
  }

  /** No offers are made any more, whatever is gained. */
  close(): void {
    this.#cancelLater();
    this.#recipients.clear();
    this.#wanting = 0;
  }

  /** There may be more to offer, which matters only if there was too little: mostly the uplink is busy anyway. */
  #newsCame(): void {
    if (this.#isWaitingForNews) this.#schedule();
  }

  /** Looks once at all that changes in one turn of the event loop; not at all while a single neighbour asks for what it
   * wants, as in most transfers. */
  #schedule(): void {
    if (this.#isScheduled || this.#wanting < 2) return;
    this.#isScheduled = true;
    this.#timers.soon(() => {
      this.#isScheduled = false;
      this.#offerAhead();
    });
  }

  /** Makes offers until what is committed keeps the uplink busy for as long as the next offer takes to be answered. */
  #offerAhead(): void {
    this.#cancelLater();
    this.#isWaitingForNews = false;
    // All but one may have gone meanwhile.
    if (this.#wanting < 2) return;
    const { offerMarginMs, maxCommitted } = this.#options;
    const leadMs = this.#answerMs + offerMarginMs;
    const chunkMs = this.#uplink.chunkMs(this.#chunkBytes);
    const isShared = this.#isSharedWithPullers;
    // Pullers have a request in each round of turns. To have a part of their own, all others need one as well.
    const mostCommitted = isShared ? Math.min(maxCommitted, this.#waitingForOffers) : maxCommitted;
    for (;;) {
      const nowMs = this.#timers.nowMs();
      // A lapsed offer no longer keeps the uplink busy, and there may be no other event to say so.
      this.#queue.lapse(nowMs);
      if (this.#queue.committed >= mostCommitted) return this.#later(Number.POSITIVE_INFINITY);
      if (!isShared) {
        const ahead = this.#chunksAhead(nowMs, chunkMs);
        const busyMs = this.#uplink.waitMs + (ahead === 0 ? 0 : ahead * chunkMs);
        if (busyMs >= leadMs) return this.#later(busyMs - leadMs);
      }
      const offer = this.#queue.offer(nowMs, this.#random);
      if (offer === undefined) {
        this.#isWaitingForNews = true;
        return this.#later(Number.POSITIVE_INFINITY);
      }
      this.#makeOffers(offer, nowMs, chunkMs);
    }
  }

  /** Makes this offer, and on a fast link more to the same neighbour: there messages cost more than the order of turns
   * between neighbours is worth. */
  #makeOffers(first: ChunkOffer<Recipient>, nowMs: number, chunkMs: number): void {
    const { groupMs, maxCommitted } = this.#options;
    const { recipient } = first;
    const contentId = this.#contentId;
    recipient.connection.together(() => {
      let next: ChunkOffer<Recipient> | undefined = first;
      for (let count = 1; next !== undefined; count++) {
        const { offerId, chunkIndexes: chunks, deadlineMs } = next;
        recipient.connection.notify({ type: "offer", offerId, contentId, chunks, deadlineMs });
        const isMore = (count + 1) * chunkMs <= groupMs && this.#queue.committed < maxCommitted;
        next = isMore ? this.#queue.offerTo(recipient, nowMs, this.#random) : undefined;
      }
    });
  }

  /** Whether a neighbour that does not understand offers waits for a chunk. Then the uplink always has something to do,
   * and those that wait for offers until it is idle would get next to nothing. */
  get #isSharedWithPullers(): boolean {
    for (const { speaksOffers, waiting } of this.#recipients.values())
      if (waiting > 0 && !speaksOffers) return true;
    return false;
  }

  /** Neighbours that lack something and wait for offers. */
  get #waitingForOffers(): number {
    let count = 0;
    for (const { speaksOffers, isComplete } of this.#recipients.values())
      if (!isComplete && speaksOffers) count++;
    return count;
  }

  /** Chunks that the uplink will be busy with: those asked for and not begun, and one for each open offer. Those that
   * wait behind a chunk which its receiver takes slowly do not keep the uplink busy. */
  #chunksAhead(nowMs: number, chunkMs: number): number {
    let asked = 0;
    let ahead = 0;
    for (const { speaksOffers, begunAtMs, waiting } of this.#recipients.values()) {
      // Chunks begun for pullers count in the uplink's `waitMs`.
      if (!speaksOffers) continue;
      asked += waiting + (begunAtMs === undefined ? 0 : 1);
      const isSlow = begunAtMs !== undefined && nowMs - begunAtMs > SLOW_CHUNKS * chunkMs + SLOW_MS;
      if (!isSlow) ahead += waiting;
    }
    return ahead + Math.max(0, this.#queue.committed - asked);
  }

  /** Looks again after `ms`, or when something lapses if that is sooner. */
  #later(ms: number): void {
    const lapseMs = this.#queue.nextLapseMs() ?? Number.POSITIVE_INFINITY;
    const delayMs = Math.min(ms, lapseMs - this.#timers.nowMs());
    if (Number.isFinite(delayMs))
      this.#cancelLater = this.#timers.later(Math.max(1, delayMs), () => this.#offerAhead());
  }

  #answered(recipient: Recipient): void {
    this.#answerMs = smoothed(this.#answerMs, this.#queue.answerMs(recipient));
  }

  /** A single neighbour asks for what it wants; of several, each that understands offers waits for them. */
  #tellWindows(): void {
    this.#wanting = 0;
    for (const { isComplete } of this.#recipients.values()) if (!isComplete) this.#wanting++;
    for (const recipient of this.#recipients.values()) {
      const { connection, speaksOffers, toldRequests } = recipient;
      const requests = this.#wanting > 1 && speaksOffers ? 0 : this.#pullRequests;
      if (requests === toldRequests) continue;
      recipient.toldRequests = requests;
      const rateLimited = this.#uplink.isLimited;
      connection.notify({ type: "pullWindow", contentId: this.#contentId, requests, rateLimited });
    }
  }
}

/** Requests that a single neighbour may have open: `most`, or under a limit as many as go within a second, so that none
 * waits long and there is always a next one when its turn comes. */
export function pullRequests(most: number, chunkBytes: number, bytesPerSecond: number | undefined): number {
  if (bytesPerSecond === undefined) return most;
  return Math.max(1, Math.min(most, Math.floor(bytesPerSecond / chunkBytes)));
}
