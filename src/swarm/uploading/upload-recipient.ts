// One neighbour as the upload queue sees it: what it has, asked for, was offered, and does not need, and which of the
// chunks held here it therefore lacks. Keeps its part in the known copies right. Pure: time and random numbers come in
// as arguments. Does not know the other neighbours, nor whose turn it is.
import { smoothed } from "../../core/smoothing.js";
import type { DeclineReason } from "../../peer/messages.js";
import { ChunkSet } from "../availability/chunk-set.js";
import { isComplete, type PeerCoverage } from "../availability/coverage.js";
import type { KnownCopies } from "../availability/known-copies.js";
import type { UploadQueueOptions } from "../options.js";

/** An offer lapses after this many times what an answer takes. */
const DEADLINE_ANSWERS = 4;

interface MadeOffer {
  readonly chunkIndexes: readonly number[];
  readonly madeAtMs: number;
  readonly lapsesAtMs: number;
}

export class UploadRecipient {
  readonly #options: UploadQueueOptions;
  readonly #copies: KnownCopies;
  #speaksOffers: boolean;
  /** Chunks that it announced, or that were sent to it. */
  #has: ChunkSet;
  /** It said that it has everything, which counts as one copy `everywhere`, not for each chunk. */
  #isComplete = false;
  /** Chunks held here that there is no reason not to offer to it. */
  #lacking: ChunkSet;
  /** Chunks it asked for that were not sent, with how often it asked: nothing keeps a peer from asking twice. */
  readonly #asked = new Map<number, number>();
  #askedCount = 0;
  /** Whether anything was ever offered to it. */
  wasOffered = false;
  readonly #open = new Map<number, MadeOffer>();
  /** Offers not answered in time. While there is one, no other is made. */
  readonly #lapsed = new Map<number, MadeOffer>();
  /** The chunks of the open offers. */
  readonly #offered = new Set<number>();
  /** Chunks it did not need, with the time until which each is not offered again; the first to end first. */
  readonly #notNeeded = new Map<number, number>();
  #isUnwanted = false;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #answerMs: number | undefined;

  constructor(options: UploadQueueOptions, copies: KnownCopies, speaksOffers: boolean) {
    this.#options = options;
    this.#copies = copies;
    this.#speaksOffers = speaksOffers;
    this.#has = new ChunkSet(copies.held.length);
    this.#lacking = copies.held.copy();
  }

  /** Open offers, and requests for chunks not sent yet. 0 if it does not understand offers: how much such a peer asks
   * for by itself is its own affair, and takes nothing from what others are offered. */
  get committed(): number {
    return this.#speaksOffers ? this.#open.size + this.#askedCount : 0;
  }

  /** Chunks that it announced or that were sent to it. */
  get chunksHeld(): number {
    return this.#has.count;
  }

  /** Milliseconds from an offer to its answer, smoothed. */
  get answerMs(): number {
    return this.#answerMs ?? this.#options.firstAnswerMs;
  }

  /** Whether an offer may be made to it now, and there is something to offer. */
  mayBeOffered(nowMs: number): boolean {
    return (
      this.#speaksOffers &&
      this.#lacking.count > 0 &&
      !this.#isUnwanted &&
      this.#lapsed.size === 0 &&
      this.#pausedUntilMs <= nowMs &&
      this.committed < this.#options.maxCommittedPerRecipient
    );
  }

  /** It says what it has: that replaces all it said and was sent before. */
  covers(coverage: PeerCoverage, speaksOffers: boolean): void {
    this.#speaksOffers = speaksOffers;
    this.#needsAll();
    if (isComplete(coverage)) return this.#coversAll();
    if (this.#isComplete) this.#countEach();
    const had = this.#has;
    this.#has = setOf(coverage, had.length);
    for (const chunkIndex of had) if (!this.#has.has(chunkIndex)) this.#settle(chunkIndex, true);
    for (const chunkIndex of this.#has) {
      if (!had.has(chunkIndex)) this.#settle(chunkIndex, this.#isPromised(chunkIndex));
    }
  }

  #coversAll(): void {
    if (this.#isComplete) return;
    this.#uncountEach();
    this.#isComplete = true;
    this.#copies.everywhere++;
    this.#has = ChunkSet.full(this.#has.length);
    this.#lacking = new ChunkSet(this.#has.length);
  }

  /** From now on what it has is counted for each chunk. */
  #countEach(): void {
    this.#isComplete = false;
    this.#copies.everywhere--;
    for (const chunkIndex of this.#has) this.#copies.add(chunkIndex);
  }

  /** Nothing that it has or was promised counts any more. */
  #uncountEach(): void {
    for (const chunkIndex of this.#has) this.#copies.remove(chunkIndex);
    const promised = new Set([...this.#asked.keys(), ...this.#offered]);
    for (const chunkIndex of promised) if (!this.#has.has(chunkIndex)) this.#copies.remove(chunkIndex);
  }

  announced(chunkIndexes: readonly number[]): void {
    this.#needsAll();
    for (const chunkIndex of chunkIndexes) this.#gained(chunkIndex);
  }

  lost(chunkIndexes: readonly number[]): void {
    this.#needsAll();
    if (this.#isComplete && chunkIndexes.length > 0) this.#countEach();
    for (const chunkIndex of chunkIndexes) {
      if (!this.#has.delete(chunkIndex)) continue;
      this.#settle(chunkIndex, true);
    }
  }

  /** A chunk is held here now that was not before. */
  becameAvailable(chunkIndex: number): void {
    this.#settle(chunkIndex, this.#isKnown(chunkIndex));
  }

  /** This neighbour no longer counts. */
  left(): void {
    if (this.#isComplete) this.#copies.everywhere--;
    else this.#uncountEach();
  }

  /** `mayBeOffered` must have said yes. */
  offer(
    offerId: number,
    nowMs: number,
    random: () => number,
  ): { offerId: number; chunkIndexes: number[]; deadlineMs: number } {
    const { maxOfferChunks, minOfferDeadlineMs, maxOfferDeadlineMs } = this.#options;
    const chunkIndexes: number[] = [];
    let copies = 0;
    while (chunkIndexes.length < maxOfferChunks) {
      const chunkIndex = this.#copies.rarest(this.#lacking, copies, random);
      if (chunkIndex === undefined) break;
      copies = this.#copies.of(chunkIndex);
      chunkIndexes.push(chunkIndex);
      this.#offered.add(chunkIndex);
      this.#settle(chunkIndex, false);
    }
    const answersMs = DEADLINE_ANSWERS * this.answerMs;
    const deadlineMs = Math.ceil(Math.min(Math.max(minOfferDeadlineMs, answersMs), maxOfferDeadlineMs));
    this.wasOffered = true;
    this.#open.set(offerId, { chunkIndexes, madeAtMs: nowMs, lapsesAtMs: nowMs + deadlineMs });
    return { offerId, chunkIndexes, deadlineMs };
  }

  asked(chunkIndex: number): void {
    const wasKnown = this.#isKnown(chunkIndex);
    this.#asked.set(chunkIndex, (this.#asked.get(chunkIndex) ?? 0) + 1);
    this.#askedCount++;
    this.#settle(chunkIndex, wasKnown);
  }

  /** It asks for a chunk and names an offer; returns whether the offer is open and names the chunk. */
  accepted(offerId: number, chunkIndex: number, nowMs: number): boolean {
    this.asked(chunkIndex);
    const isOpen = this.#open.has(offerId);
    const offer = this.#answered(offerId, nowMs);
    return isOpen && offer?.chunkIndexes.includes(chunkIndex) === true;
  }

  /** It declines an offer; returns whether that waits for an answer. */
  declined(offerId: number, reason: DeclineReason, retryAfterMs: number, nowMs: number): boolean {
    const offer = this.#answered(offerId, nowMs);
    if (offer === undefined) return false;
    const { notNeededMs, noRoomPauseMs, maxNoRoomPauseMs } = this.#options;
    switch (reason) {
      case "notNeeded":
        for (const chunkIndex of offer.chunkIndexes) {
          // Deleted and set anew, it is the last to end.
          this.#notNeeded.delete(chunkIndex);
          this.#notNeeded.set(chunkIndex, nowMs + notNeededMs);
          this.#lacking.delete(chunkIndex);
        }
        break;
      case "notWanted":
        this.#isUnwanted = true;
        break;
      case "noRoom":
      case "unspecified":
        this.#pausedUntilMs = nowMs + (Math.min(retryAfterMs, maxNoRoomPauseMs) || noRoomPauseMs);
    }
    return true;
  }

  sent(chunkIndex: number): void {
    this.#gained(chunkIndex);
    this.#askEnded(chunkIndex);
  }

  notSent(chunkIndex: number): void {
    this.#askEnded(chunkIndex);
  }

  /** Voids the offers whose time is over, and forgets what else has ended by now. Returns when there is more of that to
   * do, or infinity. */
  lapse(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [offerId, offer] of this.#open) {
      if (offer.lapsesAtMs > nowMs) nextMs = Math.min(nextMs, offer.lapsesAtMs);
      else {
        this.#lapsed.set(offerId, offer);
        this.#close(offerId, offer);
      }
    }
    for (const [chunkIndex, untilMs] of this.#notNeeded) {
      if (untilMs > nowMs) {
        nextMs = Math.min(nextMs, untilMs);
        break;
      }
      this.#notNeeded.delete(chunkIndex);
      this.#settle(chunkIndex, this.#isKnown(chunkIndex));
    }
    return this.#pausedUntilMs > nowMs ? Math.min(nextMs, this.#pausedUntilMs) : nextMs;
  }

  /** The offer that this answers, late or not. A neighbour that let offers lapse and answers one of them is there
   * again; the others are forgotten. */
  #answered(offerId: number, nowMs: number): MadeOffer | undefined {
    const open = this.#open.get(offerId);
    const offer = open ?? this.#lapsed.get(offerId);
    if (offer === undefined) return undefined;
    if (open !== undefined) this.#close(offerId, open);
    this.#lapsed.clear();
    this.#answerMs = smoothed(this.#answerMs, nowMs - offer.madeAtMs);
    return offer;
  }

  #close(offerId: number, { chunkIndexes }: MadeOffer): void {
    this.#open.delete(offerId);
    for (const chunkIndex of chunkIndexes) {
      this.#offered.delete(chunkIndex);
      this.#settle(chunkIndex, true);
    }
  }

  /** The most frequent event of all: each of fifty neighbours announces whatever it gains. */
  #gained(chunkIndex: number): void {
    if (!this.#has.add(chunkIndex)) return;
    if (!this.#isPromised(chunkIndex)) this.#copies.add(chunkIndex);
    this.#lacking.delete(chunkIndex);
  }

  /** One request for a chunk is over. It may have been made before the recipient left and joined again. */
  #askEnded(chunkIndex: number): void {
    const times = this.#asked.get(chunkIndex);
    if (times === undefined) return;
    this.#askedCount--;
    if (times > 1) this.#asked.set(chunkIndex, times - 1);
    else {
      this.#asked.delete(chunkIndex);
      this.#settle(chunkIndex, true);
    }
  }

  #needsAll(): void {
    if (this.#notNeeded.size === 0) return;
    const chunkIndexes = [...this.#notNeeded.keys()];
    this.#notNeeded.clear();
    for (const chunkIndex of chunkIndexes) this.#settle(chunkIndex, this.#isKnown(chunkIndex));
  }

  /** Whether this neighbour is one known copy of the chunk. */
  #isKnown(chunkIndex: number): boolean {
    return this.#has.has(chunkIndex) || this.#isPromised(chunkIndex);
  }

  #isPromised(chunkIndex: number): boolean {
    return (
      (this.#asked.size > 0 && this.#asked.has(chunkIndex)) ||
      (this.#offered.size > 0 && this.#offered.has(chunkIndex))
    );
  }

  /** To be called when something has changed for a chunk, with whether it was a known copy before. */
  #settle(chunkIndex: number, wasKnown: boolean): void {
    const isKnown = this.#isKnown(chunkIndex);
    if (isKnown && !wasKnown) this.#copies.add(chunkIndex);
    else if (wasKnown && !isKnown) this.#copies.remove(chunkIndex);
    if (isKnown || !this.#copies.held.has(chunkIndex) || this.#notNeeded.has(chunkIndex))
      this.#lacking.delete(chunkIndex);
    else this.#lacking.add(chunkIndex);
  }
}

/** The chunks of a neighbour that does not have all of them. */
function setOf(coverage: PeerCoverage, length: number): ChunkSet {
  return typeof coverage === "string" ? new ChunkSet(length) : ChunkSet.from(coverage);
}
