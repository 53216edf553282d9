// Roots as files that never change, each under its content id: manifests/ab/ab12…, so that no folder holds too many.
// Works off the event loop, on a few at a time. The shelf decides which are kept.
import { webcrypto } from "node:crypto";
import { lstat, mkdir, open, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { isErrno } from "../../../../core/errors.js";
import { type ContentId, contentIdFromBytes, parseContentId } from "../../../../core/ids.js";
import { MIB } from "../../../../core/units.js";
import { MAX_ROOT_BYTES } from "../../../../manifest/limits.js";
import { removeUnfinished, replaceFile } from "../../../../storage/files/replace-file.js";
import type { RootBytes } from "../manifest-shelf.js";

/** Bytes of roots in memory that wait for the disk. More are not taken: their sender is asked again. */
const MAX_UNWRITTEN_BYTES = 32 * MIB;

/** Files that are written or removed at a time: the threads serve others too. */
const MAX_RUNNING = 2;

export interface RootFile {
  readonly contentId: ContentId;
  readonly bytes: number;
}

/** Whoever the folder belongs to. */
export interface RootFilesOwner {
  /** Asked before every change: whether the folder is still its own. */
  mayWrite(): Promise<boolean>;
  /** Gets what writing or removing a file threw. */
  failed(thrown: unknown): void;
}

export class RootFiles implements RootBytes {
  readonly #directory: string;
  readonly #owner: RootFilesOwner;
  /** The last call for a content id, until it is done. */
  readonly #last = new Map<ContentId, Promise<unknown>>();
  readonly #reading = new Map<ContentId, Promise<Uint8Array | "lost" | undefined>>();
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #unwrittenBytes = 0;

  constructor(directory: string, owner: RootFilesOwner) {
    this.#directory = directory;
    this.#owner = owner;
  }

  /** Removes what killed processes left half written, and returns every root that is there. */
  async list(): Promise<RootFile[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const files: RootFile[] = [];
    for (const folder of await readdir(this.#directory, { withFileTypes: true })) {
      if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue;
      const folderPath = path.join(this.#directory, folder.name);
      await removeUnfinished(folderPath);
      const names = await readdir(folderPath);
      files.push(...(await Promise.all(names.map((name) => this.#rootAt(folderPath, name)))).flat());
    }
    return files;
  }

  /** Empty for a file that is no root. */
  async #rootAt(folderPath: string, name: string): Promise<RootFile[]> {
    const filePath = path.join(folderPath, name);
    const contentId = parseContentId(name);
    if (contentId === undefined || this.#pathOf(contentId) !== filePath) return [];
    const stats = await lstat(filePath);
    return stats.isFile() ? [{ contentId, bytes: stats.size }] : [];
  }

  /** Callers that ask at the same time share one read. */
  get(contentId: ContentId): Promise<Uint8Array | "lost" | undefined> {
    const reading = this.#reading.get(contentId) ?? this.#read(contentId);
    this.#reading.set(contentId, reading);
    return reading;
  }

  async #read(contentId: ContentId): Promise<Uint8Array | "lost" | undefined> {
    await this.#last.get(contentId);
    try {
      const bytes = await readRoot(this.#pathOf(contentId));
      // In another thread: the largest root takes as long as several calls.
      const digest = await webcrypto.subtle.digest("SHA-256", bytes);
      return contentIdFromBytes(new Uint8Array(digest)) === contentId ? bytes : "lost";
    } catch (thrown) {
      // If the process may open no more files just now, nothing is lost.
      return isErrno(thrown, "ENOENT") ? "lost" : undefined;
    } finally {
      this.#reading.delete(contentId);
    }
  }

  async put(contentId: ContentId, bytes: Uint8Array): Promise<boolean> {
    if (this.#unwrittenBytes + bytes.length > MAX_UNWRITTEN_BYTES) return false;
    this.#unwrittenBytes += bytes.length;
    const filePath = this.#pathOf(contentId);
    const isWritten = await this.#afterLast(contentId, async () => {
      await mkdir(path.dirname(filePath), { recursive: true, mode: 0o700 });
      await replaceFile(filePath, 0o600, (handle) => handle.writeFile(bytes));
    });
    this.#unwrittenBytes -= bytes.length;
    return isWritten;
  }

  remove(contentId: ContentId): void {
    void this.#afterLast(contentId, () => rm(this.#pathOf(contentId), { force: true }));
  }

  /** Resolves when nothing is to be written or removed any more. */
  async settled(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }

  /** Whether `step` succeeded. Never rejects. */
  async #afterLast(contentId: ContentId, step: () => Promise<void>): Promise<boolean> {
    const before = this.#last.get(contentId);
    const done = this.#runInTurn(before, step);
    this.#last.set(contentId, done);
    const succeeded = await done;
    if (this.#last.get(contentId) === done) this.#last.delete(contentId);
    return succeeded;
  }

  async #runInTurn(before: Promise<unknown> | undefined, step: () => Promise<void>): Promise<boolean> {
    await before;
    if (this.#running < MAX_RUNNING) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.add(resolve));
    try {
      if (!(await this.#owner.mayWrite())) return false;
      await step();
      return true;
    } catch (thrown) {
      this.#owner.failed(thrown);
      return false;
    } finally {
      this.#endTurn();
    }
  }

  #endTurn(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#running -= 1;
  }

  #pathOf(contentId: ContentId): string {
    return path.join(this.#directory, contentId.slice(0, 2), contentId);
  }
}

async function readRoot(filePath: string): Promise<Buffer> {
  const handle = await open(filePath, "r");
  try {
    const { size } = await handle.stat();
    // A file larger than any root is cut, and so has a wrong digest.
    const bytes = Buffer.allocUnsafeSlow(Math.min(size, MAX_ROOT_BYTES));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
