// A folder for one test file, removed when its tests are over, and what tests put into it.
import { createHash, randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export class ScratchFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "goshare-test-")));
  #count = 0;

  /** A new folder in it. */
  folder(): string {
    const path = join(this.path, String(this.#count++));
    mkdirSync(path);
    return path;
  }

  /** A file of random bytes in a new folder. */
  file(name: string, bytes: number): string {
    const path = join(this.folder(), name);
    writeRandom(path, bytes);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Writes random bytes, and makes missing folders on the way. */
export function writeRandom(path: string, bytes: number, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, randomFillSync(Buffer.allocUnsafe(bytes)), { mode });
}

export function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
