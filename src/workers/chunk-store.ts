// Where the chunks of a download go, as those who fetch them see it. Types only.
import type { Bitfield } from "../core/bitfield.js";
import type { Slot } from "./slots.js";
import type { CopyTask, VerifyTask } from "./tasks.js";

export interface ChunkStore {
  /** Verifies what is in `slot`, which is the store's from now on, and keeps it if it is right; resolves with whether it
   * is. Rejects with what the disk said. */
  put(chunkIndex: number, slot: Slot): Promise<boolean>;
  /** A chunk that was right is news, and counts from now on. */
  record(chunkIndex: number): void;
  /** Tasks that find out which of these chunks are there from before, and put them in their place. */
  checks(chunkIndexes: Bitfield): Iterable<VerifyTask | CopyTask>;
  /** Resolves when every chunk that counts is where it belongs. */
  finish(): Promise<void>;
  /** Whether chunks can be read again, and given to others. */
  readonly keepsChunks: boolean;
  /** No chunk from this one on may be asked for yet; it rises. Undefined: any may. */
  readonly askBelow: number | undefined;
  /** Called when it has risen. */
  onProgress: () => void;
  /** Called with what keeps it from taking anything any more. */
  onFailure: (error: unknown) => void;
  /** Chunks that are verified and still take memory. */
  readonly waiting: number;
  /** Whether it is the disk that takes the time, not verifying. */
  isDiskSlow(nowMs: number): boolean;
}
