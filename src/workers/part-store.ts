// The part folder as a place for chunks: each is verified and written by the workers, at its place in the files that are
// wanted of it. Knows no peers.
import type { Bitfield } from "../core/bitfield.js";
import { type Clock, monotonicClock } from "../core/clock.js";
import type { Selection } from "../manifest/selection.js";
import type { PartFolder } from "../storage/part-folder.js";
import type { Reusable } from "../storage/reuse.js";
import { chunkDigest, copyTasks, verifyTasks } from "./batches.js";
import type { ChunkStore } from "./chunk-store.js";
import { ChunkWriter } from "./chunk-writer.js";
import type { Slot, SlotPool } from "./slots.js";
import type { CopyTask, VerifyTask } from "./tasks.js";
import type { WorkerPool } from "./worker-pool.js";

export class PartStore implements ChunkStore {
  readonly #selection: Selection;
  readonly #part: PartFolder;
  readonly #slots: SlotPool;
  readonly #reusable: Reusable | undefined;
  readonly #writer: ChunkWriter;
  readonly waiting = 0;
  readonly keepsChunks = true;
  readonly askBelow = undefined;
  onProgress: () => void = () => undefined;
  onFailure: (error: unknown) => void = () => undefined;

  /** `slots` and `pool` were made for each other. `reusable` is where chunks may be that are not in `part`. */
  constructor(
    selection: Selection,
    part: PartFolder,
    pool: WorkerPool,
    slots: SlotPool,
    reusable?: Reusable,
    clock: Clock = monotonicClock,
  ) {
    this.#selection = selection;
    this.#part = part;
    this.#slots = slots;
    this.#reusable = reusable;
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

  /** What an earlier run has written is verified where it is; the others are looked for in older files. */
  *checks(chunkIndexes: Bitfield): Iterable<VerifyTask | CopyTask> {
    const { held } = this.#part.claims;
    const pathOf = (filePath: string) => this.#part.filePath(filePath);
    const written = [...chunkIndexes].filter((chunkIndex) => held.has(chunkIndex));
    yield* verifyTasks(this.#selection.manifest, written, pathOf);
    const reusable = this.#reusable;
    if (reusable === undefined) return;
    const old = [...chunkIndexes].filter((chunkIndex) => !held.has(chunkIndex));
    yield* copyTasks(this.#selection, old, (fileIndex) => reusable.pathOf(fileIndex), pathOf);
  }

  async finish(): Promise<void> {}

  isDiskSlow(nowMs: number): boolean {
    return this.#writer.isDiskSlow(nowMs);
  }
}
