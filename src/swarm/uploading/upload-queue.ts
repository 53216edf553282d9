// What to offer to whom: the provider's half of "the provider offers, the requester names", for one content. A
// deterministic state machine: events in, offers out. Owns no sockets, no timers, no disk, no clock; time (milliseconds
// that never go back) and random numbers come in as arguments. Does not decide when to offer, sends nothing, and
// believes what neighbours say of themselves.
//
// The neighbour offered longest ago is offered the chunks that it lacks with the fewest known copies. Known copies of a
// chunk are the neighbours that announced it, were sent it, asked for it, or are being offered it, each counted once.
// Counting one's own sends before they are announced makes a sharer give each chunk once before it gives one twice.
import assert from "node:assert/strict";
import type { Bitfield } from "../../core/bitfield.js";
import type { DeclineReason } from "../../peer/messages.js";
import type { PeerCoverage } from "../availability/coverage.js";
import { KnownCopies } from "../availability/known-copies.js";
import type { UploadQueueOptions } from "../options.js";
import { UploadRecipient } from "./upload-recipient.js";

/** A recipient of offers, as the owner of the queue sees it. */
export interface OfferedRecipient {
  /** The id of the next offer to it: rising. */
  nextOfferId(): number;
}

export interface ChunkOffer<Recipient> {
  readonly recipient: Recipient;
  readonly offerId: number;
  /** At least one, at most `maxOfferChunks`; the rarest first. */
  readonly chunkIndexes: readonly number[];
  /** The offer lapses this long after it was made. */
  readonly deadlineMs: number;
}

export class UploadQueue<Recipient extends OfferedRecipient> {
  readonly #options: UploadQueueOptions;
  readonly #copies: KnownCopies;
  /** The one offered longest ago first. A neighbour that joins is put at the end, so that leaving and joining again
   * gains it nothing. */
  readonly #recipients = new Map<Recipient, UploadRecipient>();
  /** Nothing lapses or ends before this time, which may be too early: an answered offer does not change it. */
  #nextLapseMs = Number.POSITIVE_INFINITY;

  /** `held` is copied. */
  constructor(options: UploadQueueOptions, held: Bitfield) {
    this.#options = options;
    this.#copies = new KnownCopies(held);
  }

  /** Open offers, and requests for chunks that were not sent yet, of all recipients that understand offers. Looks at
   * each of them once. */
  get committed(): number {
    let committed = 0;
    for (const state of this.#recipients.values()) committed += state.committed;
    return committed;
  }

  /** Known copies of a chunk, 0 to the number of recipients. The one held here does not count. */
  copiesOf(chunkIndex: number): number {
    return this.#copies.of(chunkIndex) + this.#copies.everywhere;
  }

  /** Chunks that it announced or was sent; undefined if it has not joined. */
  chunksHeld(recipient: Recipient): number | undefined {
    return this.#recipients.get(recipient)?.chunksHeld;
  }

  /** Milliseconds from an offer to the recipient's answer, smoothed; `firstAnswerMs` before the first. */
  answerMs(recipient: Recipient): number {
    return this.#recipients.get(recipient)?.answerMs ?? this.#options.firstAnswerMs;
  }

  /** A chunk is held here from now on. */
  gained(chunkIndex: number): void {
    if (!this.#copies.gained(chunkIndex)) return;
    for (const state of this.#recipients.values()) state.becameAvailable(chunkIndex);
  }

  /** What it has. A later snapshot replaces this and what it was sent, not what it asked for or is offered. */
  recipientJoined(recipient: Recipient, coverage: PeerCoverage, speaksOffers: boolean): void {
    const state =
      this.#recipients.get(recipient) ?? new UploadRecipient(this.#options, this.#copies, speaksOffers);
    this.#recipients.set(recipient, state);
    state.covers(coverage, speaksOffers);
  }

  /** The recipient announced these chunks; each must be below the number of chunks. */
  recipientGained(recipient: Recipient, chunkIndexes: readonly number[]): void {
    this.#recipients.get(recipient)?.announced(chunkIndexes);
  }

  /** The recipient no longer has these chunks; each must be below the number of chunks. */
  recipientLost(recipient: Recipient, chunkIndexes: readonly number[]): void {
    this.#recipients.get(recipient)?.lost(chunkIndexes);
  }

  /** The recipient's offers are void. What is still being sent to it no longer counts. */
  recipientLeft(recipient: Recipient): void {
    this.#recipients.get(recipient)?.left();
    this.#recipients.delete(recipient);
  }

  /** The next offer, which is open from now on; undefined if nothing may be offered to any recipient. */
  offer(nowMs: number, random: () => number): ChunkOffer<Recipient> | undefined {
    this.lapse(nowMs);
    const recipient = this.#next(nowMs, random);
    return recipient && this.offerTo(recipient, nowMs, random);
  }

  /** The next offer to this recipient, whether or not it is its turn; undefined if none may be made to it. */
  offerTo(recipient: Recipient, nowMs: number, random: () => number): ChunkOffer<Recipient> | undefined {
    this.lapse(nowMs);
    const state = this.#recipients.get(recipient);
    if (state?.mayBeOffered(nowMs) !== true) return undefined;
    const made = state.offer(recipient.nextOfferId(), nowMs, random);
    assert(made.chunkIndexes.length > 0, "what is lacking is in one of the buckets");
    this.#nextLapseMs = Math.min(this.#nextLapseMs, nowMs + made.deadlineMs);
    this.#recipients.delete(recipient);
    this.#recipients.set(recipient, state);
    return { recipient, ...made };
  }

  /** The first recipient that may be offered something; if it was never offered anything, a random one of all that
   * never were: so providers whose neighbours joined in the same order do not all begin with the same one. */
  #next(nowMs: number, random: () => number): Recipient | undefined {
    let next: Recipient | undefined;
    let count = 0;
    for (const [recipient, state] of this.#recipients) {
      if (!state.mayBeOffered(nowMs)) continue;
      if (state.wasOffered) return next ?? recipient;
      count++;
      if (count === 1 || random() * count < 1) next = recipient;
    }
    return next;
  }

  /** A GetChunk that names an offer; returns whether that is open and names the chunk. If not, this is an ordinary
   * request. It counts as `requested` in any case, the offer is over, and its other chunks are free. */
  accepted(recipient: Recipient, offerId: number, chunkIndex: number, nowMs: number): boolean {
    this.lapse(nowMs);
    return this.#recipients.get(recipient)?.accepted(offerId, chunkIndex, nowMs) ?? false;
  }

  /** A GetChunk without an offer. To be followed by one `sent` or `notSent`, as is every `accepted`. */
  requested(recipient: Recipient, chunkIndex: number): void {
    this.#recipients.get(recipient)?.asked(chunkIndex);
  }

  /** A Decline; returns whether it names an offer that waits for an answer. If not, it changes nothing. `retryAfterMs`
   * 0: not said. */
  declined(
    recipient: Recipient,
    offerId: number,
    reason: DeclineReason,
    retryAfterMs: number,
    nowMs: number,
  ): boolean {
    this.lapse(nowMs);
    const state = this.#recipients.get(recipient);
    if (state?.declined(offerId, reason, retryAfterMs, nowMs) !== true) return false;
    this.#nextLapseMs = Math.min(this.#nextLapseMs, state.lapse(nowMs));
    return true;
  }

  /** The last byte of a chunk that was asked for was given to the kernel. */
  sent(recipient: Recipient, chunkIndex: number): void {
    this.#recipients.get(recipient)?.sent(chunkIndex);
  }

  /** A chunk that was asked for is not sent after all: it failed, was refused or was cancelled. */
  notSent(recipient: Recipient, chunkIndex: number): void {
    this.#recipients.get(recipient)?.notSent(chunkIndex);
  }

  /** Ends what is over by `nowMs`: offers lapse, chunks that were not needed may be offered again, and so may chunks to
   * recipients that had no room. Costs one comparison before `nextLapseMs`. */
  lapse(nowMs: number): void {
    if (nowMs < this.#nextLapseMs) return;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const state of this.#recipients.values()) nextMs = Math.min(nextMs, state.lapse(nowMs));
    this.#nextLapseMs = nextMs;
  }

  /** When `lapse` should be called next, since there may be something to offer then; undefined if there is no need.
   * Never too late; too early if what would have lapsed was answered. */
  nextLapseMs(): number | undefined {
    return Number.isFinite(this.#nextLapseMs) ? this.#nextLapseMs : undefined;
  }
}
