// Which connection's turn it is to send: they go round slice by slice, so that none waits behind one that is slow or
// asks for much. Owns the memory of slices, and the time limit for waiting for it or for the rate. Knows no files and
// no messages.
import { type Clock, stoodStill } from "../../core/clock.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { ServerOptions } from "../options.js";
import type { RateBudget } from "../rate-budget.js";
import { BufferPool } from "./buffer-pool.js";
import { type ChunkEvents, ChunkSender, type SenderEvents } from "./chunk-sender.js";
import type { Uplink } from "./offering.js";
import { UplinkLoad } from "./uplink-load.js";

export class UploadTurns implements SenderEvents, Uplink {
  readonly #options: ServerOptions;
  /** The rate at which all servers of this process together may send; undefined: no limit. */
  readonly #budget: RateBudget | undefined;
  readonly #patienceMs: number;
  readonly #clock: Clock;
  readonly #buffers: BufferPool;
  /** Senders that have something to send, in the order of their turns. */
  readonly #turns = new Set<ChunkSender>();
  /** Senders that have slices on their way. */
  readonly #sending = new Set<ChunkSender>();
  readonly #load = new UplinkLoad<ChunkSender>();
  #isScheduled = false;
  /** Runs while requests wait for a buffer, or for the rate. */
  #patience: NodeJS.Timeout | undefined;
  /** Runs while a sender waits for a buffer. */
  #shortage: NodeJS.Timeout | undefined;

  constructor(options: ServerOptions, budget: RateBudget | undefined, clock: Clock) {
    this.#options = options;
    this.#budget = budget;
    this.#patienceMs = budget === undefined ? options.requestPatienceMs : options.limitedPatienceMs;
    this.#clock = clock;
    this.#buffers = new BufferPool(options.uploadBufferBytes);
  }

  sender(connection: PeerConnection, chunks: ChunkEvents): ChunkSender {
    return new ChunkSender(connection, this, chunks, this.#options, this.#clock);
  }

  get waitMs(): number {
    return this.#budget?.waitMs ?? this.#load.waitMs(this.#clock.nowMs());
  }

  get isLimited(): boolean {
    return this.#budget !== undefined;
  }

  chunkMs(chunkBytes: number): number {
    return this.#budget?.durationMs(chunkBytes) ?? this.#load.durationMs(chunkBytes);
  }

  wantsTurn(sender: ChunkSender): void {
    this.#turns.add(sender);
    this.#takeTurns();
  }

  notSent(sender: ChunkSender, bytes: number): void {
    this.#load.dropped(sender, bytes);
    this.#budget?.giveBack(bytes);
  }

  /** Leaves the rate's line: nothing begins from there any more. */
  close(): void {
    this.#budget?.leave(this.#takeTurns);
  }

  readonly #takeTurns = (): void => {
    let isRateSpent = false;
    for (const sender of this.#turns) {
      sender.refuseLate(this.#patienceMs);
      const sliceBytes = sender.isReady
        ? sender.sliceBytes(this.#buffers.freeBytes, this.#options.uploadBufferBytes)
        : 0;
      if (sliceBytes === 0) {
        // The sender comes back when its own slice is out, or when it is asked for more.
        this.#turns.delete(sender);
        continue;
      }
      const beginningBytes = sender.beginningBytes;
      if (isRateSpent && beginningBytes !== undefined) continue;
      const buffer = this.#buffers.acquire(sliceBytes);
      if (buffer === undefined) return this.#bufferMissing();
      if (beginningBytes !== undefined) {
        // Asked last: a sender that may begin has the rate's turn, and must not lose it for want of memory.
        if (this.#budget?.mayBegin(this.#takeTurns) === false) {
          this.#buffers.release(buffer);
          isRateSpent = true;
          this.#limitWaiting();
          continue;
        }
        this.#budget?.spend(beginningBytes);
        this.#load.begun(sender, beginningBytes, this.#clock.nowMs());
      }
      this.#turns.delete(sender);
      this.#send(sender, buffer);
      this.#turns.add(sender);
    }
    // Nobody waits for a buffer.
    clearTimeout(this.#shortage);
    this.#shortage = undefined;
  };

  #send(sender: ChunkSender, buffer: Uint8Array): void {
    this.#sending.add(sender);
    sender.sendSlice(buffer, (takenBytes) => {
      this.#load.taken(sender, takenBytes, this.#clock.nowMs());
      this.#buffers.release(buffer);
      if (sender.inFlight === 0) this.#sending.delete(sender);
      this.#turns.add(sender);
      this.#schedule();
    });
  }

  /** The kernel may take bytes at once; a turn from inside a turn would starve the event loop. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#takeTurns();
    });
  }

  /** Memory or rate may not come for long: refuses the requests that wait for it in time. */
  #limitWaiting(): void {
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      for (const sender of this.#turns) sender.refuseLate(this.#patienceMs);
      this.#takeTurns();
    }, this.#patienceMs / 8).unref();
  }

  /** Hangs up on peers that stand still while others wait. */
  #bufferMissing(): void {
    this.#limitWaiting();
    if (this.#shortage !== undefined) return;
    const { stallTimeoutMs } = this.#options;
    const dueMs = this.#clock.nowMs() + stallTimeoutMs / 8;
    this.#shortage = setTimeout(() => {
      this.#shortage = undefined;
      if (stoodStill(dueMs, this.#clock.nowMs(), stallTimeoutMs))
        for (const sender of this.#sending) sender.stoodStill();
      this.#takeTurns();
    }, stallTimeoutMs / 8).unref();
    for (const sender of this.#sending) sender.hangUpIfStalled(stallTimeoutMs);
  }
}
