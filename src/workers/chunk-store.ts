// Where the chunks of a download go, as seen by whoever fetches them. Types only.
import type { Bitfield } from "../core/bitfield.js";
import type { Slot } from "./slots.js";
import type { CopyTask, VerifyTask } from "./tasks.js";

export interface ChunkStore {
  /** Takes over `slot`, verifies what is in it, and keeps it if it is right; resolves with whether it is. Rejects with
   * the error from the disk. */
  put(chunkIndex: number, slot: Slot): Promise<boolean>;
  /** To be called for a right chunk that is new in its place: it counts from now on. */
  record(chunkIndex: number): void;
  /** Tasks that find out which of these chunks are already there, and put them in their place. */
  checks(chunkIndexes: Bitfield): Iterable<VerifyTask | CopyTask>;
  /** Resolves when every chunk that counts is where it belongs. */
  finish(): Promise<void>;
  /** Whether chunks can be read again, and given to others. */
  readonly keepsChunks: boolean;
  /** This chunk and those after it may not be asked for yet; it rises. Undefined: any chunk may be. */
  readonly askBelow: number | undefined;
  /** Called when `askBelow` has risen. */
  onProgress: () => void;
  /** Called with the error that keeps the store from taking anything more. */
  onFailure: (error: unknown) => void;
  /** Verified chunks that still take memory. */
  readonly waiting: number;
  /** Whether the disk takes the time, rather than verifying. */
  isDiskSlow(nowMs: number): boolean;
}
