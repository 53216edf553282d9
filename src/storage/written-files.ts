// Where the bytes of chunks go: a run of a file that several chunks share is written through a descriptor, of which a
// few are kept open, and a file that one chunk holds whole is made by whoever writes it. Decides no paths.
import * as fs from "node:fs";
import { lstat as statPath } from "node:fs/promises";
import { promisify } from "node:util";
import type { GoshareError } from "../core/errors.js";
import type { ChunkSegment } from "../manifest/layout.js";
import type { FileEntry, Manifest } from "../manifest/manifest.js";
import { notConfirmed, partChanged } from "./part-files.js";

/** Where a run of a chunk's bytes goes. */
export interface WriteRun {
  /** Open for writing; undefined where the whole file is written from this chunk alone. */
  readonly fd: number | undefined;
  /** The file, absolute. */
  readonly path: string;
  readonly executable: boolean;
  readonly fileOffset: number;
  readonly chunkOffset: number;
  readonly length: number;
  /** Where the file has its final size since it was opened, and this run is the one at its end: that size. With another
   * one, something else has cut the file, which this run would hide. */
  readonly fileBytes: number | undefined;
}

/** A file or folder that is to be made durable. */
export interface SyncedEntry {
  readonly path: string;
  /** The size of a file that goshare has written: with another one, something else has changed it. */
  readonly fileBytes?: number;
}

const statOpen = promisify(fs.fstat);
const BIG = { bigint: true } as const;

/** Large files kept open for writing. */
const MAX_OPEN_FILES = 64;

interface OpenFile {
  readonly fd: number;
  readonly path: string;
  uses: number;
}

export class WrittenFiles {
  /** Least recently used first. */
  readonly #open = new Map<number, OpenFile>();
  readonly #areSized: boolean;
  /** Of the first file that was found to be somewhere else when it was closed. */
  #displaced: GoshareError | undefined;
  /** Of the first file that could not be closed: not all that was written to it is there. */
  #lost: GoshareError | undefined;

  /** `areSized`: what is opened has its final size at once. */
  constructor(areSized: boolean) {
    this.#areSized = areSized;
  }

  /** The runs of a chunk. `placeOf` says where a file is written, whole or not, and `openFile` opens one that is not.
   * Every call is followed by one `release` with the same segments. */
  runs(
    manifest: Manifest,
    segments: readonly ChunkSegment[],
    placeOf: (file: FileEntry, isWhole: boolean) => string,
    openFile: (file: FileEntry, filePath: string) => number,
  ): readonly WriteRun[] {
    return segments.map(({ fileIndex, fileOffset, chunkOffset, length }) => {
      const file = manifestFile(manifest, fileIndex);
      const isWhole = length === file.size;
      const path = placeOf(file, isWhole);
      const fd = isWhole ? undefined : this.#acquire(fileIndex, path, () => openFile(file, path));
      const isMadeWhole = this.#areSized && !isWhole && fileOffset + length === file.size;
      const fileBytes = isMadeWhole ? file.size : undefined;
      return { fd, path, executable: file.executable, fileOffset, chunkOffset, length, fileBytes };
    });
  }

  release(manifest: Manifest, segments: readonly ChunkSegment[]): void {
    for (const { fileIndex, length } of segments) {
      if (manifestFile(manifest, fileIndex).size === length) continue;
      const open = this.#open.get(fileIndex);
      if (open !== undefined) open.uses--;
    }
    this.#closeUnused(MAX_OPEN_FILES);
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Rejects with PART_CHANGED where something else had the path of a file when it was closed, or has that of one that is
   * open: what was written is not there. Not later, since some file systems number a file anew once it is closed. */
  async requireInPlace(): Promise<void> {
    if (this.#displaced !== undefined) throw this.#displaced;
    for (const { fd, path } of [...this.#open.values()]) {
      // Not at once: a disk that does not answer must not stop the event loop.
      const [own, there] = await Promise.all([statOpen(fd, BIG), statPath(path, BIG).catch(() => undefined)]);
      const displacement = displacementOf(path, own, there);
      if (displacement !== undefined) throw displacement;
    }
  }

  /** Closes all that nobody writes to; rejects with SYNC_FAILED if a file could not be closed, now or earlier. NFS and
   * sshfs take what is written before their server has it, and tell of what that could not keep only whoever has written
   * it: a file that is opened anew to make it durable does not know. Not on the event loop: it may take as long as the
   * writing. */
  async closeWritten(): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const [fileIndex, { fd, path, uses }] of this.#open) {
      if (uses > 0) continue;
      this.#open.delete(fileIndex);
      closing.push(promisify(fs.close)(fd).catch((thrown: unknown) => this.#lose(thrown, path)));
    }
    await Promise.all(closing);
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Closes all that nobody writes to, and says nothing of what that loses. */
  close(): void {
    this.#closeUnused(0);
  }

  #acquire(fileIndex: number, path: string, openFile: () => number): number {
    const known = this.#open.get(fileIndex);
    if (known !== undefined) {
      known.uses++;
      this.#open.delete(fileIndex);
      this.#open.set(fileIndex, known);
      return known.fd;
    }
    const fd = openFile();
    this.#open.set(fileIndex, { fd, path, uses: 1 });
    return fd;
  }

  #closeUnused(keep: number): void {
    for (const [fileIndex, { fd, path, uses }] of this.#open) {
      if (this.#open.size <= keep) return;
      if (uses > 0) continue;
      this.#open.delete(fileIndex);
      if (keep > 0) this.#displaced ??= displacementNow(path, fd);
      try {
        fs.closeSync(fd);
      } catch (thrown) {
        this.#lose(thrown, path);
      }
    }
  }

  #lose(thrown: unknown, path: string): void {
    this.#lost ??= notConfirmed(thrown, path);
  }
}

/** Why what was written to a file is not at `path`, where `there` is what stands there now; undefined if it is. */
function displacementOf(
  path: string,
  own: fs.BigIntStats,
  there: fs.BigIntStats | undefined,
): GoshareError | undefined {
  if (there === undefined) return partChanged(path, "is gone");
  return there.ino === own.ino && there.dev === own.dev ? undefined : partChanged(path, "was replaced");
}

function displacementNow(path: string, fd: number): GoshareError | undefined {
  try {
    const there = fs.lstatSync(path, { ...BIG, throwIfNoEntry: false });
    return displacementOf(path, fs.fstatSync(fd, BIG), there);
  } catch {
    // What cannot be looked at may be in its place.
    return undefined;
  }
}

/** A file that the layout of a checked manifest names, so it is there. */
export function manifestFile(manifest: Manifest, fileIndex: number): FileEntry {
  const file = manifest.files[fileIndex];
  if (file === undefined) throw new Error(`file ${fileIndex} of a checked manifest`);
  return file;
}
