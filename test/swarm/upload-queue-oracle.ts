// What an upload queue should do, in the plainest way: sets of everything, all of which is looked at each time.
import type { UploadQueueOptions } from "../../src/swarm/options.js";

export interface OracleOffer {
  readonly offerId: number;
  readonly chunks: readonly number[];
  readonly madeAtMs: number;
  readonly lapsesAtMs: number;
  isLapsed: boolean;
}

export class OracleRecipient {
  announced = new Set<number>();
  readonly sent = new Set<number>();
  /** Asked for and not sent, as often as it was asked for. */
  asked: number[] = [];
  offers: OracleOffer[] = [];
  notNeeded: { readonly chunk: number; readonly untilMs: number }[] = [];
  isUnwanted = false;
  pausedUntilMs = Number.NEGATIVE_INFINITY;
  answerMs: number | undefined;
  wasOffered = false;

  constructor(
    readonly key: object,
    public speaksOffers: boolean,
  ) {}

  has(chunk: number): boolean {
    return this.announced.has(chunk) || this.sent.has(chunk);
  }

  get open(): OracleOffer[] {
    return this.offers.filter(({ isLapsed }) => !isLapsed);
  }

  knows(chunk: number): boolean {
    const isOffered = this.open.some(({ chunks }) => chunks.includes(chunk));
    return this.has(chunk) || this.asked.includes(chunk) || isOffered;
  }
}

export class OracleQueue {
  nowMs = 0;
  readonly held = new Set<number>();
  /** The one offered longest ago first. */
  recipients: OracleRecipient[] = [];
  /** Everything that was asked for and neither sent nor not, whether its recipient has left or not. */
  readonly running: { readonly key: object; readonly chunk: number }[] = [];

  constructor(
    readonly options: UploadQueueOptions,
    readonly chunkCount: number,
  ) {}

  find(key: object): OracleRecipient | undefined {
    return this.recipients.find((one) => one.key === key);
  }

  copiesOf(chunk: number): number {
    return this.recipients.filter((one) => one.knows(chunk)).length;
  }

  get committed(): number {
    return this.recipients
      .filter(({ speaksOffers }) => speaksOffers)
      .reduce((sum, one) => sum + one.open.length + one.asked.length, 0);
  }

  lacks(one: OracleRecipient): number[] {
    return [...this.held].filter(
      (chunk) => !one.knows(chunk) && !one.notNeeded.some((mark) => mark.chunk === chunk),
    );
  }

  /** Who may be offered something now: the one offered longest ago, or any of those before it that never were. */
  get candidates(): readonly OracleRecipient[] {
    const able = this.recipients.filter((one) => this.mayBeOffered(one));
    const offered = able.findIndex(({ wasOffered }) => wasOffered);
    return able.slice(0, offered < 0 ? able.length : Math.max(1, offered));
  }

  /** How many copies there are of what it is to be offered. */
  copiesFor(one: OracleRecipient): readonly number[] {
    const copies = this.lacks(one).map((chunk) => this.copiesOf(chunk));
    return copies.sort((a, b) => a - b).slice(0, this.options.maxOfferChunks);
  }

  mayBeOffered(one: OracleRecipient): boolean {
    return (
      one.speaksOffers &&
      !one.isUnwanted &&
      one.pausedUntilMs <= this.nowMs &&
      one.offers.every(({ isLapsed }) => !isLapsed) &&
      one.open.length + one.asked.length < this.options.maxCommittedPerRecipient &&
      this.lacks(one).length > 0
    );
  }

  offered(one: OracleRecipient, offerId: number, chunks: readonly number[], deadlineMs: number): void {
    one.wasOffered = true;
    one.offers.push({
      offerId,
      chunks,
      madeAtMs: this.nowMs,
      lapsesAtMs: this.nowMs + deadlineMs,
      isLapsed: false,
    });
    this.recipients = [...this.recipients.filter((other) => other !== one), one];
  }

  join(key: object, chunks: readonly number[], speaksOffers: boolean): void {
    let one = this.find(key);
    if (one === undefined) {
      one = new OracleRecipient(key, speaksOffers);
      this.recipients.push(one);
    }
    one.speaksOffers = speaksOffers;
    one.announced = new Set(chunks);
    one.sent.clear();
    one.notNeeded = [];
  }

  leave(key: object): void {
    this.recipients = this.recipients.filter((one) => one.key !== key);
  }

  update(key: object, gained: readonly number[], lost: readonly number[]): void {
    const one = this.find(key);
    if (one === undefined) return;
    one.notNeeded = [];
    for (const chunk of gained) one.announced.add(chunk);
    for (const chunk of lost) {
      one.announced.delete(chunk);
      one.sent.delete(chunk);
    }
  }

  ask(key: object, chunk: number): void {
    this.running.push({ key, chunk });
    this.find(key)?.asked.push(chunk);
  }

  accept(key: object, offerId: number, chunk: number): boolean {
    this.ask(key, chunk);
    const offer = this.#answer(key, offerId);
    return offer !== undefined && !offer.isLapsed && offer.chunks.includes(chunk);
  }

  /** Whether it names an offer that waits for an answer. */
  decline(key: object, offerId: number, reason: string, retryAfterMs: number): boolean {
    const { notNeededMs, noRoomPauseMs, maxNoRoomPauseMs } = this.options;
    const offer = this.#answer(key, offerId);
    const one = this.find(key);
    if (offer === undefined || one === undefined) return false;
    if (reason === "notWanted") one.isUnwanted = true;
    else if (reason === "notNeeded") {
      one.notNeeded = one.notNeeded.filter(({ chunk }) => !offer.chunks.includes(chunk));
      for (const chunk of offer.chunks) one.notNeeded.push({ chunk, untilMs: this.nowMs + notNeededMs });
    } else {
      const pauseMs = retryAfterMs === 0 ? noRoomPauseMs : Math.min(retryAfterMs, maxNoRoomPauseMs);
      one.pausedUntilMs = this.nowMs + pauseMs;
    }
    return true;
  }

  /** One of those that run is over. */
  end(which: number, isSent: boolean): { readonly key: object; readonly chunk: number } {
    const [ended] = this.running.splice(which % this.running.length, 1);
    if (ended === undefined) throw new Error("checked before");
    const one = this.find(ended.key);
    const at = one?.asked.indexOf(ended.chunk) ?? -1;
    if (at >= 0) one?.asked.splice(at, 1);
    if (isSent) one?.sent.add(ended.chunk);
    return ended;
  }

  lapse(): void {
    for (const one of this.recipients) {
      for (const offer of one.offers) if (offer.lapsesAtMs <= this.nowMs) offer.isLapsed = true;
      one.notNeeded = one.notNeeded.filter(({ untilMs }) => untilMs > this.nowMs);
    }
  }

  /** When something ends with time next; infinity: never. */
  get nextLapseMs(): number {
    const times = this.recipients.flatMap((one) => [
      ...one.open.map(({ lapsesAtMs }) => lapsesAtMs),
      ...one.notNeeded.map(({ untilMs }) => untilMs),
      one.pausedUntilMs > this.nowMs ? one.pausedUntilMs : Number.POSITIVE_INFINITY,
    ]);
    return Math.min(Number.POSITIVE_INFINITY, ...times);
  }

  #answer(key: object, offerId: number): OracleOffer | undefined {
    const one = this.find(key);
    const offer = one?.offers.find((each) => each.offerId === offerId);
    if (one === undefined || offer === undefined) return undefined;
    one.offers = one.offers.filter((each) => each !== offer && !each.isLapsed);
    const answerMs = this.nowMs - offer.madeAtMs;
    one.answerMs = one.answerMs === undefined ? answerMs : (one.answerMs * 3 + answerMs) / 4;
    return offer;
  }
}
