// Memory that a measured transfer will need, held by this process until it is needed. A virtual machine gives pages
// that nobody uses back to its host, and whoever writes to them later pays for getting them back: 0.3 to 0.7 CPU
// seconds for each GiB where that was measured, as much as a third of a whole transfer. With this, every system under
// test finds memory of the same kind, and so does one transfer as well as eight. Costs the bench process a look at the
// folder every few milliseconds. Not used where files are not kept in memory.
import { type FileHandle, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { MIB } from "../src/core/units.js";

const LOOK_MS = 4;
/** Room that is kept free at any time, so that writers do not take memory from elsewhere between two looks. */
const AHEAD_BYTES = 128 * MIB;
/** What is held gets smaller in steps of this size. */
const STEP_BYTES = 16 * MIB;

export class HeldMemory {
  readonly #folder: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #usedBefore: number;
  readonly #bytes: number;
  #heldBytes: number;
  #timer: NodeJS.Timeout | undefined;

  private constructor(folder: string, path: string, file: FileHandle, bytes: number, usedBefore: number) {
    this.#folder = folder;
    this.#path = path;
    this.#file = file;
    this.#bytes = bytes;
    this.#heldBytes = bytes;
    this.#usedBefore = usedBefore;
    this.#lookLater();
  }

  /** Holds memory for `bytes` that will be written to `folder`, and lets go of it as they are written. */
  static async hold(folder: string, bytes: number): Promise<HeldMemory> {
    const path = join(folder, ".held");
    const file = await open(path, "wx");
    const block = Buffer.alloc(STEP_BYTES, 1);
    const heldBytes = bytes + AHEAD_BYTES;
    for (let at = 0; at < heldBytes; at += STEP_BYTES) await file.write(block, 0, STEP_BYTES, at);
    return new HeldMemory(folder, path, file, heldBytes, await usedBytes(folder));
  }

  async release(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#file.close();
    await rm(this.#path);
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      this.#look().then(
        () => this.#lookLater(),
        // Closed meanwhile.
        () => undefined,
      );
    }, LOOK_MS);
  }

  async #look(): Promise<void> {
    const writtenBytes = (await usedBytes(this.#folder)) - this.#usedBefore + (this.#bytes - this.#heldBytes);
    const wantedBytes = Math.max(0, this.#bytes - writtenBytes - AHEAD_BYTES);
    if (wantedBytes > this.#heldBytes - STEP_BYTES) return;
    await this.#file.truncate(wantedBytes);
    this.#heldBytes = wantedBytes;
  }
}

async function usedBytes(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder);
  return (blocks - bfree) * bsize;
}
