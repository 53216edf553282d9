// The asking side of a simulated downloader, as ChunkDownload is in production: with its scheduler, its answers to
// offers and its relief of slow peers, but without bytes, memory and workers. Serves nothing.
import { Bitfield } from "../../src/core/bitfield.js";
import type { Timers } from "../../src/core/clock.js";
import type { PeerCoverage } from "../../src/swarm/availability/coverage.js";
import { Intake } from "../../src/swarm/downloading/intake.js";
import { answerOffer } from "../../src/swarm/downloading/offer-answer.js";
import { Relief } from "../../src/swarm/downloading/relief.js";
import { ChunkScheduler } from "../../src/swarm/downloading/scheduler.js";
import { defaultDownloadSwarmOptions } from "../../src/swarm/options.js";
import type { RateBudget } from "../../src/swarm/rate-budget.js";
import type { Random } from "../random.js";
import type { Neighbour } from "./neighbour.js";

export interface DownloadSetting {
  readonly chunkCount: number;
  readonly chunkBytes: number;
  /** What verifying and writing a chunk takes. */
  readonly verifyMs: readonly [number, number];
  /** A limit on what is asked for; undefined: none. */
  readonly budget: RateBudget | undefined;
  readonly timers: Timers;
  readonly random: Random;
}

export class SimDownload {
  readonly #setting: DownloadSetting;
  readonly #scheduler: ChunkScheduler;
  readonly #relief: Relief<Neighbour>;
  readonly #intake = new Intake();
  readonly #verified: (chunkIndex: number) => void;
  /** Each with what the budget calls when bytes may be asked of it. */
  readonly #neighbours = new Map<Neighbour, () => void>();
  /** Chunks that came although they were already here. */
  duplicates = 0;

  constructor(setting: DownloadSetting, verified: (chunkIndex: number) => void) {
    const { chunkCount, random } = setting;
    this.#setting = setting;
    this.#verified = verified;
    const nothing = new Bitfield(chunkCount);
    this.#scheduler = new ChunkScheduler(nothing, nothing, random.index(chunkCount));
    this.#relief = new Relief(defaultDownloadSwarmOptions, this.#scheduler, {
      peers: () => [...this.#neighbours.keys()],
      isShortOfMemory: () => false,
      mayAsk: (from) => this.#mayAsk(from),
      spare: (from) => this.#spare(from),
      request: (from, chunkIndex) => this.#request(from, chunkIndex, 0),
      stalled: () => undefined,
    });
    this.#tickLater();
  }

  get held(): Bitfield {
    return this.#scheduler.held;
  }

  get isDone(): boolean {
    return this.#scheduler.isDone;
  }

  peerJoined(from: Neighbour, coverage: PeerCoverage): void {
    if (!this.#neighbours.has(from)) this.#neighbours.set(from, () => this.ask(from));
    this.#scheduler.peerJoined(from.id, coverage);
    this.ask(from);
  }

  peerGained(from: Neighbour, chunkIndex: number): void {
    if (!this.#neighbours.has(from)) return;
    this.#scheduler.peerGained(from.id, [chunkIndex]);
    this.ask(from);
  }

  peerLeft(from: Neighbour): void {
    const waiter = this.#neighbours.get(from);
    if (waiter === undefined) return;
    this.#setting.budget?.leave(waiter);
    this.#neighbours.delete(from);
    this.#relief.peerLeft(from);
    this.#scheduler.peerLeft(from.id);
    this.#askAll();
  }

  ask(from: Neighbour): void {
    if (!from.hasRoomForGroup) return;
    while (from.isReady) {
      if (!this.#mayAsk(from)) return;
      const chunkIndex = this.#scheduler.next(from.id);
      if (chunkIndex === undefined) return this.#spare(from);
      this.#request(from, chunkIndex, 0);
    }
  }

  offered(from: Neighbour, offerId: number, chunkIndexes: readonly number[]): void {
    const { budget } = this.#setting;
    const answer = answerOffer(this.#scheduler, from, chunkIndexes, {
      hasRoom: () => this.#intake.hasRoom(this.#neighbours.keys(), this.#setting.timers.nowMs()),
      mayAsk: () => this.#mayAsk(from),
      waitMs: () => budget?.waitMs ?? 0,
    });
    if ("chunkIndex" in answer) return this.#request(from, answer.chunkIndex, offerId);
    if (answer.reason === "notNeeded") this.#spare(from);
    from.decline(offerId, answer.reason, answer.retryAfterMs);
  }

  received(from: Neighbour, chunkIndex: number): void {
    const { timers, random, verifyMs } = this.#setting;
    from.requests.delete(chunkIndex);
    from.pace.answered(timers.nowMs());
    this.#intake.received(timers.nowMs());
    this.#relief.heard(from);
    if (this.#scheduler.delivered(from.id, chunkIndex)) {
      from.trust.verifying();
      timers.later(random.between(verifyMs), () => this.#chunkDone(from, chunkIndex));
    } else this.duplicates++;
    this.#relief.arrived(from, chunkIndex);
    this.ask(from);
  }

  /** `from` was told not to send the chunk, and does not. */
  left(from: Neighbour, chunkIndex: number): void {
    from.requests.delete(chunkIndex);
    from.pace.left(this.#setting.timers.nowMs());
    this.#setting.budget?.giveBack(this.#setting.chunkBytes);
    this.#relief.heard(from);
    this.#scheduler.refused(from.id, chunkIndex, false);
    this.#relief.left(chunkIndex);
    this.#askAll();
  }

  #chunkDone(from: Neighbour, chunkIndex: number): void {
    if (from.trust.verified(true)) this.ask(from);
    if (this.#scheduler.verified(chunkIndex)) this.#verified(chunkIndex);
  }

  #askAll(): void {
    for (const from of this.#neighbours.keys()) this.ask(from);
  }

  #request(from: Neighbour, chunkIndex: number, offerId: number): void {
    this.#setting.budget?.spend(this.#setting.chunkBytes);
    from.request(chunkIndex, offerId);
  }

  #mayAsk(from: Neighbour): boolean {
    const waiter = this.#neighbours.get(from);
    return waiter !== undefined && this.#setting.budget?.mayBegin(waiter) !== false;
  }

  /** Nothing was asked of `from` after all. */
  #spare(from: Neighbour): void {
    const waiter = this.#neighbours.get(from);
    if (waiter !== undefined) this.#setting.budget?.leave(waiter);
  }

  #tickLater(): void {
    const { timers } = this.#setting;
    timers.later(defaultDownloadSwarmOptions.handOverTickMs, () => {
      if (this.#scheduler.isDone) return;
      this.#relief.tick(timers.nowMs());
      this.#tickLater();
    });
  }
}
