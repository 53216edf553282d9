// The data path of a download: asks peers for what the scheduler names, lets the sockets fill slots, has a store
// verify and keep what is in each slot, and counts what is done. One hop between threads per chunk. Memory is
// bounded by the slots, whatever peers do.
import type { Bitfield } from "../../core/bitfield.js";
import { type Clock, monotonicClock } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import type { Selection } from "../../manifest/selection.js";
import type { RefusalReason } from "../../peer/messages.js";
import type { ChunkRequest } from "../../peer/outstanding.js";
import type { ChunkStore } from "../../workers/chunk-store.js";
import type { Slot, SlotPool } from "../../workers/slots.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import type { PeerCoverage } from "../availability/coverage.js";
import { Servable } from "../availability/servable.js";
import { type DownloadPeer, FINAL_REFUSALS } from "../neighbours/download-peer.js";
import type { DownloadSwarmOptions } from "../options.js";
import type { RateBudget } from "../rate-budget.js";
import type { ChunkDownloadEvents, ChunkWork } from "./chunk-work.js";
import { Intake } from "./intake.js";
import { answerOffer } from "./offer-answer.js";
import { countPeers } from "./peer-counts.js";
import { Relief } from "./relief.js";
import { ChunkScheduler } from "./scheduler.js";
import type { DownloadLoad } from "./slow-reason.js";

export class ChunkDownload {
  readonly #selection: Selection;
  readonly #store: ChunkStore;
  readonly #pool: WorkerPool;
  readonly #slots: SlotPool;
  readonly #options: DownloadSwarmOptions;
  readonly #events: ChunkDownloadEvents;
  readonly #scheduler: ChunkScheduler;
  readonly #relief: Relief<DownloadPeer>;
  readonly #clock: Clock;
  readonly #intake = new Intake();
  readonly #unchecked: Bitfield;
  /** The rate at which chunks may be asked for; undefined: no limit. */
  readonly #budget: RateBudget | undefined;
  /** Each with the function that the budget calls when bytes may be asked of that peer. */
  readonly #peers = new Map<DownloadPeer, () => void>();
  /** Peers whose next chunk waits for a slot, in the order they came. */
  readonly #blocked = new Set<DownloadPeer>();
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #isStopped = false;
  /** Chunks being verified and written. */
  #writing = 0;
  /** Whether what an earlier run wrote is being verified. */
  #isChecking = false;
  #onIdle: (() => void) | undefined;
  readonly #servable: Servable;
  /** Verified bytes of what is selected. */
  bytesDone = 0;
  /** Of `bytesDone`, those found on this machine since the download began. */
  bytesFound = 0;
  bytesWasted = 0;
  /** Of `bytesFound`, those copied from older files. */
  bytesReused = 0;
  /** Whether a chunk that came from a peer was right. */
  isHonestlyServed = false;

  /** Chunks of the selection: `held` is trusted; `unchecked`, of an earlier run, is verified while the rest arrives. */
  constructor(
    work: ChunkWork,
    held: Bitfield,
    unchecked: Bitfield,
    options: DownloadSwarmOptions,
    events: ChunkDownloadEvents,
    clock: Clock = monotonicClock,
  ) {
    const { selection } = work;
    this.#selection = selection;
    this.#store = work.store;
    this.#pool = work.pool;
    this.#slots = work.slots;
    this.#budget = work.budget;
    this.#options = options;
    this.#events = events;
    this.#unchecked = unchecked;
    this.#scheduler = new ChunkScheduler(held, unchecked, options.firstChunk(held.length), selection.chunks);
    this.#relief = new Relief(options, this.#scheduler, {
      peers: () => [...this.#peers.keys()],
      isShortOfMemory: () => this.#blocked.size > 0,
      mayAsk: (peer) => this.#mayAsk(peer),
      spare: (peer) => this.#spare(peer),
      request: (peer, chunkIndex) => this.#request(peer, chunkIndex),
      stalled: (peer) => events.stalled(peer),
    });
    this.#clock = clock;
    this.#servable = new Servable(selection, work.store.keepsChunks, this.#scheduler.held);
    for (const chunkIndex of held) this.bytesDone += selection.bytesIn(chunkIndex);
    work.store.onProgress = () => this.#storeWentOn();
    work.store.onFailure = (error) => this.#settle?.reject(error);
    this.#storeWentOn();
  }

  get held(): Bitfield {
    return this.#scheduler.held;
  }

  /** What is held and may be given to others. */
  get servable(): Bitfield {
    return this.#servable.chunks;
  }

  /** Whether everything that is selected is held. */
  get isDone(): boolean {
    return this.#scheduler.isDone;
  }

  /** Resolves when all is verified and kept. Rejects on a local failure or abort; nothing is written then. Call once. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = new AbortController();
    const finished = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const onAbort = () => this.fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const checking = this.#checkEarlier(stopped.signal).catch((thrown: unknown) => {
      if (!stopped.signal.aborted) this.fail(GoshareError.from(thrown));
    });
    this.#endIfDone();
    const ticking = setInterval(() => this.#relief.tick(this.#clock.nowMs()), this.#options.handOverTickMs);
    try {
      await finished;
    } finally {
      this.#isStopped = true;
      clearInterval(ticking);
      signal.removeEventListener("abort", onAbort);
      stopped.abort();
      await checking;
      await this.#allWritten();
    }
  }

  /** Ends the download with an error of this machine, or with the reason why it was stopped. */
  fail(error: unknown): void {
    this.#isStopped = true;
    this.#settle?.reject(error);
  }

  peerJoined(peer: DownloadPeer, held: PeerCoverage): void {
    if (!this.#peers.has(peer)) this.#peers.set(peer, () => this.ask(peer));
    this.#scheduler.peerJoined(peer.id, held);
    this.ask(peer);
  }

  peerGained(peer: DownloadPeer, chunkIndexes: readonly number[]): void {
    if (!this.#peers.has(peer)) return;
    this.#scheduler.peerGained(peer.id, chunkIndexes);
    this.ask(peer);
  }

  /** How the download stands now. Looks at each peer, so it is meant for a few calls a second. */
  get load(): DownloadLoad {
    return {
      ...countPeers(this.#peers, this.#scheduler, this.#budget, this.#clock.nowMs()),
      isWorking: this.#writing + this.#store.waiting > 0 || this.#isChecking,
      isBehind: this.#blocked.size > 0 && this.#writing >= this.#slots.size / 2,
      isDiskSlow: !this.#isChecking && this.#store.isDiskSlow(this.#clock.nowMs()),
    };
  }

  /** Whether `peer` holds every chunk. */
  isComplete(peer: DownloadPeer): boolean {
    return this.#scheduler.isComplete(peer.id);
  }

  peerLost(peer: DownloadPeer, chunkIndexes: readonly number[]): void {
    if (this.#peers.has(peer)) this.#scheduler.peerLost(peer.id, chunkIndexes);
  }

  peerLeft(peer: DownloadPeer): void {
    this.#blocked.delete(peer);
    const waiter = this.#peers.get(peer);
    if (waiter === undefined) return;
    this.#budget?.leave(waiter);
    this.#peers.delete(peer);
    this.#relief.peerLeft(peer);
    this.#scheduler.peerLeft(peer.id);
    this.#askAll();
  }

  /** Slots are free again: the peers that wait for one go on. */
  slotFreed(): void {
    for (const peer of this.#blocked) {
      if (this.#slots.freeCount === 0) return;
      this.#blocked.delete(peer);
      peer.connection.resumeReading();
    }
  }

  /** Asks `peer` for as much as it welcomes and has, once there is room for several requests. */
  ask(peer: DownloadPeer): void {
    if (!peer.hasRoomForGroup) return;
    peer.connection.together(() => {
      while (peer.isReady) {
        // Held back here, not while bytes arrive: nobody stops reading in the middle of a chunk.
        if (!this.#mayAsk(peer)) return;
        const chunkIndex = this.#scheduler.next(peer.id);
        if (chunkIndex === undefined) return this.#spare(peer);
        this.#request(peer, chunkIndex);
      }
    });
  }

  #askAll(): void {
    for (const peer of this.#peers.keys()) this.ask(peer);
  }

  /** `peer` would send one of these chunks next: the first that is needed is asked for. */
  offered(peer: DownloadPeer, offerId: number, chunkIndexes: readonly number[]): void {
    const answer = answerOffer(this.#scheduler, peer, chunkIndexes, {
      hasRoom: () => this.#intake.hasRoom(this.#peers.keys(), this.#clock.nowMs()),
      mayAsk: () => this.#mayAsk(peer),
      waitMs: () => this.#budget?.waitMs ?? 0,
    });
    if ("chunkIndex" in answer) return this.#request(peer, answer.chunkIndex, offerId);
    if (answer.reason === "notNeeded") this.#spare(peer);
    peer.decline(offerId, answer.reason, answer.retryAfterMs);
  }

  #request(peer: DownloadPeer, chunkIndex: number, offerId = 0): void {
    const chunkBytes = this.#selection.manifest.layout.chunkLength(chunkIndex);
    this.#budget?.spend(chunkBytes);
    peer.pace.asked(this.#clock.nowMs());
    const id = peer.connection.requestChunk(this.#chunkRequest(peer, chunkIndex, chunkBytes, offerId));
    peer.requests.set(chunkIndex, { id, isCancelled: false });
  }

  #chunkRequest(peer: DownloadPeer, chunkIndex: number, chunkBytes: number, offerId: number): ChunkRequest {
    let slot: Slot | undefined;
    const giveBack = () => {
      if (slot !== undefined) this.#slots.release(slot);
      else this.#budget?.giveBack(chunkBytes);
    };
    return {
      contentId: this.#selection.manifest.root.contentId,
      chunkIndex,
      offerId,
      chunkBytes,
      place: () => {
        slot = this.#slots.acquire();
        if (slot === undefined) this.#blocked.add(peer);
        return slot?.bytes.subarray(0, chunkBytes);
      },
      received: () => {
        if (slot === undefined) throw new Error("a chunk was received into no slot");
        peer.requests.delete(chunkIndex);
        peer.pace.answered(this.#clock.nowMs());
        this.#intake.received(this.#clock.nowMs());
        this.#relief.heard(peer);
        peer.refusals = 0;
        this.#arrived(peer, chunkIndex, chunkBytes, slot);
        this.ask(peer);
      },
      refused: (reason, retryAfterMs) => {
        const isExpected = peer.requests.get(chunkIndex)?.isCancelled === true && reason === "cancelled";
        peer.requests.delete(chunkIndex);
        if (isExpected) peer.pace.left(this.#clock.nowMs());
        else peer.pace.refused();
        giveBack();
        this.#relief.heard(peer);
        if (isExpected) this.#left(peer, chunkIndex);
        else this.#refused(peer, chunkIndex, reason, retryAfterMs);
      },
      // What was asked of a peer that has gone is freed by `peerLeft`.
      lost: giveBack,
    };
  }

  #arrived(peer: DownloadPeer, chunkIndex: number, chunkBytes: number, slot: Slot): void {
    const isNeeded = this.#scheduler.delivered(peer.id, chunkIndex) && !this.#isStopped;
    if (isNeeded) void this.#verifyAndWrite(peer, chunkIndex, chunkBytes, slot);
    else {
      this.bytesWasted += chunkBytes;
      this.#slots.release(slot);
    }
    this.#relief.arrived(peer, chunkIndex);
  }

  /** `peer` has left a chunk, as it was told to, for another to give. */
  #left(peer: DownloadPeer, chunkIndex: number): void {
    this.#scheduler.refused(peer.id, chunkIndex, false);
    this.#relief.left(chunkIndex);
    this.#askAll();
  }

  /** Whether the rate lets a chunk be asked of `peer` now; if not, `ask` is called when its turn has come. */
  #mayAsk(peer: DownloadPeer): boolean {
    const waiter = this.#peers.get(peer);
    return !this.#isStopped && waiter !== undefined && this.#budget?.mayBegin(waiter) !== false;
  }

  /** After all, nothing was asked of `peer`. */
  #spare(peer: DownloadPeer): void {
    const waiter = this.#peers.get(peer);
    if (waiter !== undefined) this.#budget?.leave(waiter);
  }

  async #verifyAndWrite(
    peer: DownloadPeer,
    chunkIndex: number,
    chunkBytes: number,
    slot: Slot,
  ): Promise<void> {
    this.#writing++;
    peer.trust.verifying();
    try {
      if (await this.#store.put(chunkIndex, slot)) this.#chunkDone(peer, chunkIndex);
      else this.#chunkWrong(peer, chunkIndex, chunkBytes);
    } catch (thrown) {
      this.fail(GoshareError.from(thrown));
    } finally {
      if (--this.#writing === 0) this.#onIdle?.();
    }
  }

  #chunkDone(peer: DownloadPeer, chunkIndex: number): void {
    // More may be asked of this peer than before.
    if (peer.trust.verified(true)) this.ask(peer);
    if (!this.#scheduler.verified(chunkIndex)) return;
    this.isHonestlyServed = true;
    this.#store.record(chunkIndex);
    this.#gained(chunkIndex);
    this.#events.progressed();
    this.#endIfDone();
  }

  #found(chunkIndex: number, isCopied: boolean): void {
    this.#gained(chunkIndex);
    this.bytesFound += this.#selection.bytesIn(chunkIndex);
    if (!isCopied) return;
    this.#store.record(chunkIndex);
    this.bytesReused += this.#selection.bytesIn(chunkIndex);
  }

  #gained(chunkIndex: number): void {
    this.bytesDone += this.#selection.bytesIn(chunkIndex);
    if (this.#servable.gained(chunkIndex)) this.#events.verified(chunkIndex);
  }

  /** More chunks may be asked for than before. */
  #storeWentOn(): void {
    if (this.#store.askBelow === undefined) return;
    this.#scheduler.askBelow(this.#store.askBelow);
    this.#askAll();
  }

  #endIfDone(): void {
    if (!this.#scheduler.isDone || this.#settle === undefined) return;
    const { resolve } = this.#settle;
    this.#store.finish().then(resolve, (thrown: unknown) => this.#settle?.reject(thrown));
  }

  #chunkWrong(peer: DownloadPeer, chunkIndex: number, chunkBytes: number): void {
    peer.trust.verified(false);
    this.bytesWasted += chunkBytes;
    this.#scheduler.missing(chunkIndex);
    this.#events.lied(peer, chunkIndex);
    this.#askAll();
  }

  #refused(peer: DownloadPeer, chunkIndex: number, reason: RefusalReason, retryAfterMs: number): void {
    const isFinal = FINAL_REFUSALS.has(reason);
    this.#scheduler.refused(peer.id, chunkIndex, isFinal);
    this.#events.refused(peer, reason, chunkIndex);
    if (!isFinal) peer.leaveAlone(retryAfterMs, this.#options, () => this.ask(peer));
    this.#askAll();
  }

  /** Verifies what an earlier run claims to have written; what is wrong is asked of peers. */
  async #checkEarlier(signal: AbortSignal): Promise<void> {
    this.#isChecking = true;
    await this.#pool.runAll(
      this.#store.checks(this.#unchecked),
      (task, { wrongChunks }) => {
        const wrong = new Set(wrongChunks);
        for (const { chunkIndex } of task.chunks) {
          if (wrong.has(chunkIndex)) this.#scheduler.missing(chunkIndex);
          else if (this.#scheduler.verified(chunkIndex)) this.#found(chunkIndex, task.kind === "copy");
        }
        this.#events.progressed();
        this.#endIfDone();
        this.#askAll();
      },
      signal,
    );
    this.#isChecking = false;
  }

  /** Resolves when no worker writes any more. */
  async #allWritten(): Promise<void> {
    if (this.#writing === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
