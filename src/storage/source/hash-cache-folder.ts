// Where the hash caches of sources are: one file for each source in the state directory; the longest unused are
// removed. Nothing depends on them: one that cannot be read or written only costs time, so failures are not reported.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { replaceFile } from "../files/replace-file.js";
import { makeFolders, readAtMost } from "../part/part-files.js";
import { HashCache, MAX_HASH_CACHE_BYTES } from "./hash-cache.js";

/** Sources remembered at once. */
const MAX_CACHES = 100;
const FOLDER = "hashes";
const SUFFIX = ".hashes";

export class HashCacheFolder {
  readonly #folderPath: string;

  constructor(stateDirectory: string) {
    this.#folderPath = path.join(stateDirectory, FOLDER);
  }

  /** What is remembered of the source at `rootPath`; an empty cache if nothing is. */
  read(rootPath: string): HashCache {
    const filePath = this.#filePath(rootPath);
    try {
      const bytes = readAtMost(filePath, MAX_HASH_CACHE_BYTES);
      const cache = bytes === undefined ? undefined : HashCache.decode(bytes);
      const now = new Date();
      if (cache !== undefined) fs.utimesSync(filePath, now, now);
      return cache ?? HashCache.empty;
    } catch {
      return HashCache.empty;
    }
  }

  /** Remembers `bytes`, from encodeHashCache, for the source at `rootPath`. */
  async write(rootPath: string, bytes: Uint8Array): Promise<void> {
    const filePath = this.#filePath(rootPath);
    try {
      makeFolders(this.#folderPath, 0o700);
      await replaceFile(filePath, 0o600, (handle) => handle.writeFile(bytes));
      this.#removeOldest();
    } catch {
      // The files are then read again the next time.
    }
  }

  #filePath(rootPath: string): string {
    const name = createHash("sha256").update(rootPath).digest("hex").slice(0, 32);
    return path.join(this.#folderPath, `${name}${SUFFIX}`);
  }

  #removeOldest(): void {
    const names = fs.readdirSync(this.#folderPath);
    if (names.length <= MAX_CACHES) return;
    const byAge = names
      .map((name) => path.join(this.#folderPath, name))
      .map((filePath) => ({ filePath, usedMs: fs.lstatSync(filePath).mtimeMs }))
      .sort((a, b) => a.usedMs - b.usedMs);
    for (const { filePath } of byAge.slice(0, names.length - MAX_CACHES))
      fs.rmSync(filePath, { force: true });
  }
}
