// Files on the disk as a place for chunks: the workers verify each chunk and write it at its place, in those of its
// files that are wanted. Knows no peers.
import type { Bitfield } from "../core/bitfield.js";
import { type Clock, monotonicClock } from "../core/clock.js";
import type { Selection } from "../manifest/selection.js";
import type { ChunkPlace } from "../storage/part/chunk-place.js";
import type { Reusable } from "../storage/part/reuse.js";
import { chunkDigest, copyTasks, verifyTasks } from "./batches.js";
import type { ChunkStore } from "./chunk-store.js";
import { ChunkWriter } from "./chunk-writer.js";
import { packRuns } from "./packed-runs.js";
import type { Slot, SlotPool } from "./slots.js";
import type { CopyTask, VerifyTask } from "./tasks.js";
import type { WorkerPool } from "./worker-pool.js";

export class PartStore implements ChunkStore {
  readonly #selection: Selection;
  readonly #part: ChunkPlace;
  readonly #slots: SlotPool;
  readonly #copies: Reusable | undefined;
  readonly #writer: ChunkWriter;
  readonly waiting = 0;
  readonly keepsChunks = true;
  readonly askBelow = undefined;
  onProgress: () => void = () => undefined;
  onFailure: (error: unknown) => void = () => undefined;

  /** `slots` and `pool` were made for each other. `copies` says which chunks can be copied from older files. */
  constructor(
    selection: Selection,
    part: ChunkPlace,
    pool: WorkerPool,
    slots: SlotPool,
    copies?: Reusable,
    clock: Clock = monotonicClock,
  ) {
    this.#selection = selection;
    this.#part = part;
    this.#slots = slots;
    this.#copies = copies;
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
        return await this.#writer.write({ slotOffset: slot.offset, length, digest, runs: packRuns(runs) });
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

  /** Looks in older files for the chunks that are to be copied; the others are verified where they are. */
  *checks(chunkIndexes: Bitfield): Iterable<VerifyTask | CopyTask> {
    const pathOf = (filePath: string) => this.#part.filePath(filePath);
    const copies = this.#copies;
    const isCopied = (chunkIndex: number) => copies?.chunks.has(chunkIndex) === true;
    const written = [...chunkIndexes].filter((chunkIndex) => !isCopied(chunkIndex));
    yield* verifyTasks(this.#selection.manifest, written, pathOf);
    if (copies === undefined) return;
    const old = [...chunkIndexes].filter(isCopied);
    yield* copyTasks(this.#selection, old, (fileIndex) => copies.pathOf(fileIndex), pathOf);
  }

  async finish(): Promise<void> {}

  isDiskSlow(nowMs: number): boolean {
    return this.#writer.isDiskSlow(nowMs);
  }
}
