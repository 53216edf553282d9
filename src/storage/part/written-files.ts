// Where the bytes of chunks go: a run of a file that several chunks share is written through a descriptor, of which a
// few are kept open; a file that one chunk holds whole is made by its writer. Decides no paths.
import * as fs from "node:fs";
import { lstat as statPath } from "node:fs/promises";
import { promisify } from "node:util";
import type { GoshareError } from "../../core/errors.js";
import type { ChunkSegment } from "../../manifest/layout.js";
import type { FileEntry, Manifest } from "../../manifest/manifest.js";
import { notConfirmed, partChanged } from "./part-files.js";

/** Where a run of a chunk's bytes goes. */
export interface WriteRun {
  /** Open for writing; undefined if the whole file is written from this chunk alone. */
  readonly fd: number | undefined;
  /** The file, absolute. */
  readonly path: string;
  readonly executable: boolean;
  readonly fileOffset: number;
  readonly chunkOffset: number;
  readonly length: number;
  /** If the file got its final size when it was opened, and this run is at its end: that size. If the file has another
   * size, something else has cut it, which this run would hide. */
  readonly fileBytes: number | undefined;
}

/** A file or folder that is to be made durable. */
export interface SyncedEntry {
  readonly path: string;
  /** The size of a file that goshare has written: if it has another one, something else has changed it. */
  readonly fileBytes?: number;
}

const statOpen = promisify(fs.fstat);
const BIG = { bigint: true } as const;

/** How many large files are kept open for writing. */
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
  /** The error for the first file that was somewhere else when it was closed. */
  #displaced: GoshareError | undefined;
  /** The error for the first file that could not be closed: not all that was written to it is there. */
  #lost: GoshareError | undefined;

  /** `areSized`: files get their final size when they are opened. */
  constructor(areSized: boolean) {
    this.#areSized = areSized;
  }

  /** The runs of a chunk. `placeOf` says where a file is written, whole or not; `openFile` opens one that is not
   * written whole. Every call is followed by one `release` with the same segments. */
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

  /** Rejects with PART_CHANGED if something else had a file's path when it was closed, or has that of an open one: then
   * what was written is not there. Checked no later, since some file systems renumber a file once it is closed. */
  async requireInPlace(): Promise<void> {
    if (this.#displaced !== undefined) throw this.#displaced;
    for (const { fd, path } of [...this.#open.values()]) {
      // Asynchronously: a disk that does not answer must not stop the event loop.
      const [own, there] = await Promise.all([statOpen(fd, BIG), statPath(path, BIG).catch(() => undefined)]);
      const displacement = displacementOf(path, own, there);
      if (displacement !== undefined) throw displacement;
    }
  }

  /** Closes all files that are not being written to; rejects with SYNC_FAILED if a file could not be closed, now or
   * earlier. NFS and sshfs accept writes before their server has them, and report what the server could not keep only
   * to the descriptor that wrote it: one that is opened later to make the file durable does not learn of it. Not on the
   * event loop, since it may take as long as the writing. */
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

  /** Closes all files that are not being written to, and does not tell what that loses. */
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

/** Why what was written to a file is not at `path`, where `there` is now; undefined if it is there. */
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
    // A path that cannot be looked at may be all right.
    return undefined;
  }
}

/** A file that the layout of a checked manifest names, so it is there. */
export function manifestFile(manifest: Manifest, fileIndex: number): FileEntry {
  const file = manifest.files[fileIndex];
  if (file === undefined) throw new Error(`file ${fileIndex} of a checked manifest`);
  return file;
}
