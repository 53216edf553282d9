// A stream as a place for chunks: the workers verify each chunk, and the bytes of one file go out in order. Chunks that
// come early wait in their slots, so no more may be asked for than there are slots for; a slow reader of the stream
// keeps the download from asking. Keeps nothing that has gone out.
import type { Writable } from "node:stream";
import { type Clock, monotonicClock } from "../core/clock.js";
import { errnoOf, errorAt } from "../core/errors.js";
import type { Selection } from "../manifest/selection.js";
import { chunkDigest } from "./batches.js";
import type { ChunkStore } from "./chunk-store.js";
import { ChunkWriter } from "./chunk-writer.js";
import { packRuns } from "./packed-runs.js";
import type { Slot, SlotPool } from "./slots.js";
import type { VerifyTask } from "./tasks.js";
import type { WorkerPool } from "./worker-pool.js";

/** The error codes of a stream that nobody reads any more. */
const CLOSED_CODES: ReadonlySet<string> = new Set([
  "EPIPE",
  "ECONNRESET",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

/** Whoever read the output has what it wanted. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

export class OutputStore implements ChunkStore {
  readonly #selection: Selection;
  readonly #output: Writable;
  readonly #slots: SlotPool;
  readonly #writer: ChunkWriter;
  /** Verified chunks whose turn has not come. */
  readonly #early = new Map<number, Slot>();
  #next: number;
  readonly #end: number;
  /** Slots that the stream has not let go of. */
  #writing = 0;
  #failure: Error | undefined;
  #finish: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  readonly keepsChunks = false;
  /** Called for every chunk that is out; `onFailure` is called if the stream ends before the file does. */
  onProgress: () => void = () => undefined;
  onFailure: (error: unknown) => void = () => undefined;

  /** `selection` is one file, which goes to `output`. `slots` and `pool` were made for each other. */
  constructor(
    selection: Selection,
    output: Writable,
    pool: WorkerPool,
    slots: SlotPool,
    clock: Clock = monotonicClock,
  ) {
    this.#selection = selection;
    this.#output = output;
    this.#slots = slots;
    this.#writer = new ChunkWriter(pool, clock);
    const [first = 0] = selection.chunks;
    this.#next = first;
    this.#end = first + selection.chunks.count;
    output.on("error", this.#onError);
  }

  /** Whether it waits for whoever reads the output. */
  get isHeldUp(): boolean {
    return this.#writing > 0;
  }

  get waiting(): number {
    return this.#writing + this.#early.size;
  }

  /** From this chunk on, none is certain to have a slot: only half of the slots count, since a chunk may come from two
   * peers at once. */
  get askBelow(): number {
    return this.#next - this.#writing + Math.max(1, Math.floor(this.#slots.size / 2));
  }

  async put(chunkIndex: number, slot: Slot): Promise<boolean> {
    let isKept = false;
    try {
      const { manifest } = this.#selection;
      const digest = chunkDigest(manifest, chunkIndex);
      const length = manifest.layout.chunkLength(chunkIndex);
      const isRight = await this.#writer.write({
        slotOffset: slot.offset,
        length,
        digest,
        runs: packRuns([]),
      });
      isKept = isRight && chunkIndex >= this.#next && !this.#early.has(chunkIndex);
      if (isKept) this.#early.set(chunkIndex, slot);
      return isRight;
    } finally {
      if (!isKept) this.#slots.release(slot);
    }
  }

  record(): void {
    for (let slot = this.#early.get(this.#next); slot !== undefined; slot = this.#early.get(this.#next)) {
      this.#early.delete(this.#next);
      this.#write(this.#next++, slot);
    }
  }

  checks(): Iterable<VerifyTask> {
    return [];
  }

  finish(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#finish = { resolve, reject };
      this.#endIfDone();
    });
  }

  isDiskSlow(): boolean {
    return this.#writing > 0;
  }

  /** Leaves the stream as it is. */
  close(): void {
    this.#output.off("error", this.#onError);
  }

  #write(chunkIndex: number, slot: Slot): void {
    this.#writing++;
    const [segment] = this.#selection.segments(chunkIndex);
    const { chunkOffset, length } = segment ?? { chunkOffset: 0, length: 0 };
    this.#output.write(slot.bytes.subarray(chunkOffset, chunkOffset + length), (error) => {
      this.#writing--;
      this.#slots.release(slot);
      if (error) return this.#onError(error);
      this.onProgress();
      this.#endIfDone();
    });
  }

  #endIfDone(): void {
    if (this.#failure !== undefined) this.#finish?.reject(this.#failure);
    else if (this.#next === this.#end && this.#writing === 0) this.#finish?.resolve();
  }

  readonly #onError = (error: Error) => {
    if (this.#failure !== undefined) return;
    const isClosed = CLOSED_CODES.has(errnoOf(error) ?? "");
    this.#failure = isClosed
      ? new OutputClosed("nobody reads the output any more", { cause: error })
      : errorAt(error, "standard output");
    this.onFailure(this.#failure);
    this.#endIfDone();
  };
}
