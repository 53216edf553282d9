// The part folder as a place for chunks: each is verified and written by the workers, at its place in the files that are
// wanted of it. Knows no peers.
import type { Bitfield } from "../core/bitfield.js";
import { type Clock, monotonicClock } from "../core/clock.js";
import type { Selection } from "../manifest/selection.js";
import type { PartFolder } from "../storage/part-folder.js";
import { chunkDigest, verifyTasks } from "./batches.js";
import type { ChunkStore } from "./chunk-store.js";
import { ChunkWriter } from "./chunk-writer.js";
import type { Slot, SlotPool } from "./slots.js";
import type { VerifyTask } from "./tasks.js";
import type { WorkerPool } from "./worker-pool.js";

export class PartStore implements ChunkStore {
  readonly #selection: Selection;
  readonly #part: PartFolder;
  readonly #slots: SlotPool;
  readonly #writer: ChunkWriter;
  readonly waiting = 0;
  readonly keepsChunks = true;
  readonly askBelow = undefined;
  onProgress: () => void = () => undefined;
  onFailure: (error: unknown) => void = () => undefined;

  /** `slots` and `pool` were made for each other. */
  constructor(
    selection: Selection,
    part: PartFolder,
    pool: WorkerPool,
    slots: SlotPool,
    clock: Clock = monotonicClock,
  ) {
    this.#selection = selection;
    this.#part = part;
    this.#slots = slots;
    this.#writer = new ChunkWriter(pool, clock);
  }

  async put(chunkIndex: number, slot: Slot): Promise<boolean> {
    const { manifest } = this.#selection;
    const segments = this.#selection.segments(chunkIndex);
    try {
      const runs = this.#part.writeRuns(manifest, segments);
      try {
        const length = manifest.layout.chunkLength(chunkIndex);
        const digest = chunkDigest(manifest, chunkIndex);
        return await this.#writer.write({ slotOffset: slot.offset, length, digest, runs });
      } finally {
        this.#part.releaseRuns(manifest, segments);
      }
    } finally {
      this.#slots.release(slot);
    }
  }

  record(chunkIndex: number): void {
    this.#part.record(chunkIndex);
  }

  checks(chunkIndexes: Bitfield): Iterable<VerifyTask> {
    return verifyTasks(this.#selection.manifest, chunkIndexes, (filePath) => this.#part.filePath(filePath));
  }

  async finish(): Promise<void> {}

  isDiskSlow(nowMs: number): boolean {
    return this.#writer.isDiskSlow(nowMs);
  }
}
