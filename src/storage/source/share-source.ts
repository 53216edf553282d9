// Reads chunks of a share from files, to be served: the user's own files, those of a running download, or of a finished
// one. Hashes nothing: instead each file must, after the read, still have the identity it had when it was hashed. Never
// writes, never serves a byte of a changed file.
import * as fs from "node:fs";
import { setImmediate as yieldToLoop } from "node:timers/promises";
import { promisify } from "node:util";
import { errorAt, GoshareError, isErrno } from "../../core/errors.js";
import type { ChunkSegment } from "../../manifest/layout.js";
import type { Manifest } from "../../manifest/manifest.js";
import { hasIdentity, REPLACED_ERRNOS, SOURCE_OPEN_FLAGS } from "../files/file-identity.js";
import { ReadMode } from "./read-mode.js";
import { sourcePath } from "./source-tree.js";

const readInPool = promisify(fs.read);
const openInPool = promisify(fs.open);
const statInPool = promisify(fs.fstat);

/** Files of chunk size or more that are kept open. */
const MAX_OPEN_FILES = 32;
/** How long reads at once may block the event loop. */
const MAX_HOLD_MS = 5;
/** Small files of one chunk that are read through the thread pool at a time: as many as it has threads by default. */
const POOL_READS = 4;

/** Where a share's files are, and which identities they must still have. */
export interface SourceFiles {
  /** Absolute; for a file the file itself, for a folder the folder. */
  readonly rootPath: string;
  /** Identities of the manifest's files, in their order (file-identity.ts). Undefined while this process writes the
   * files itself: then they change, and the caller knows which chunks are there. */
  readonly identities: BigInt64Array | undefined;
}

export class ShareSource {
  readonly #manifest: Manifest;
  readonly #files: SourceFiles;
  readonly #mode = new ReadMode();
  /** Least recently used first. */
  readonly #open = new Map<number, OpenFile>();
  #isClosed = false;

  constructor(manifest: Manifest, files: SourceFiles) {
    this.#manifest = manifest;
    this.#files = files;
  }

  /** Fills `into` with the bytes at `offset` of chunk `chunkIndex`. Done when it returns undefined, else when the
   * promise resolves. Throws SOURCE_CHANGED, DISK_FAILED or PERMISSION_DENIED. */
  readChunk(chunkIndex: number, offset: number, into: Uint8Array): Promise<void> | undefined {
    const segments = within(this.#manifest.layout.segments(chunkIndex), offset, into.byteLength);
    if (this.#mode.next() === "pool") return this.#readInPool(segments, into);
    const done = this.#readAtOnce(segments, 0, into);
    return done === segments.length ? undefined : this.#readInTurns(segments, done, into);
  }

  /** Running reads may still fail; no more begin. */
  close(): void {
    this.#isClosed = true;
    for (const file of this.#open.values()) file.release();
    this.#open.clear();
  }

  /** Reads from segment `from` on, for a few milliseconds at most; returns the segment to go on with. */
  #readAtOnce(segments: readonly ChunkSegment[], from: number, into: Uint8Array): number {
    const { isWatched } = this.#mode;
    const waitsBefore = isWatched ? waits() : undefined;
    const startedMs = performance.now();
    let segmentStartedMs = startedMs;
    let slowestMs = 0;
    let next = from;
    for (let segment = segments[next]; segment !== undefined; segment = segments[next]) {
      this.#readSegment(segment, into);
      next++;
      const nowMs = performance.now();
      slowestMs = Math.max(slowestMs, nowMs - segmentStartedMs);
      segmentStartedMs = nowMs;
      if (nowMs - startedMs >= MAX_HOLD_MS) break;
    }
    const waited = waitsBefore === undefined || waits() !== waitsBefore;
    this.#mode.readAtOnce(slowestMs, isWatched ? waited : undefined);
    return next;
  }

  /** In turns: a pack of a thousand cached files takes longer than others should wait. */
  async #readInTurns(segments: readonly ChunkSegment[], from: number, into: Uint8Array): Promise<void> {
    let next = from;
    while (next < segments.length) {
      await yieldToLoop();
      if (this.#mode.next() === "pool") return this.#readInPool(segments.slice(next), into);
      next = this.#readAtOnce(segments, next, into);
    }
  }

  #readSegment(segment: ChunkSegment, into: Uint8Array): void {
    const { fileIndex, fileOffset, chunkOffset, length } = segment;
    const file = this.#acquire(fileIndex, () => fs.openSync(this.#pathOf(fileIndex), SOURCE_OPEN_FLAGS));
    try {
      let done = 0;
      while (done < length) {
        const count = fs.readSync(file.fd, into, chunkOffset + done, length - done, fileOffset + done);
        if (count === 0) throw this.#changed(fileIndex);
        done += count;
      }
      const { identities } = this.#files;
      if (
        identities !== undefined &&
        !hasIdentity(identities, fileIndex, fs.fstatSync(file.fd, { bigint: true }))
      )
        throw this.#changed(fileIndex);
    } catch (thrown) {
      throw this.#named(thrown, fileIndex);
    } finally {
      file.release();
    }
  }

  async #readInPool(segments: readonly ChunkSegment[], into: Uint8Array): Promise<void> {
    let next = 0;
    const lane = async () => {
      for (let segment = segments[next++]; segment !== undefined; segment = segments[next++]) {
        await this.#readSegmentInPool(segment, into);
      }
    };
    // Waits for all of them: a read that is still running must not reach the buffer's next user.
    const lanes = await Promise.allSettled(
      Array.from({ length: Math.min(POOL_READS, segments.length) }, () =>
        lane().catch((thrown: unknown) => {
          next = segments.length;
          throw thrown;
        }),
      ),
    );
    for (const result of lanes) if (result.status === "rejected") throw result.reason;
  }

  async #readSegmentInPool(segment: ChunkSegment, into: Uint8Array): Promise<void> {
    const { fileIndex, fileOffset, chunkOffset, length } = segment;
    const fd = this.#open.has(fileIndex) ? -1 : await this.#openInPool(fileIndex);
    const file = this.#acquire(fileIndex, () => fd);
    if (fd !== -1 && file.fd !== fd) fs.closeSync(fd);
    try {
      let done = 0;
      while (done < length) {
        const { bytesRead } = await readInPool(
          file.fd,
          into,
          chunkOffset + done,
          length - done,
          fileOffset + done,
        );
        if (bytesRead === 0) throw this.#changed(fileIndex);
        done += bytesRead;
      }
      const { identities } = this.#files;
      if (
        identities !== undefined &&
        !hasIdentity(identities, fileIndex, await statInPool(file.fd, { bigint: true }))
      )
        throw this.#changed(fileIndex);
    } catch (thrown) {
      throw this.#named(thrown, fileIndex);
    } finally {
      file.release();
    }
  }

  async #openInPool(fileIndex: number): Promise<number> {
    try {
      return await openInPool(this.#pathOf(fileIndex), SOURCE_OPEN_FLAGS);
    } catch (thrown) {
      throw this.#named(thrown, fileIndex);
    }
  }

  /** The open file, with one more use counted; calls `open` if it is not open yet. */
  #acquire(fileIndex: number, open: () => number): OpenFile {
    let file = this.#open.get(fileIndex);
    if (file === undefined) {
      try {
        file = new OpenFile(open());
      } catch (thrown) {
        throw this.#named(thrown, fileIndex);
      }
      // Small files are read once per chunk, and there may be a thousand of them in it.
      if ((this.#manifest.files[fileIndex]?.size ?? 0) < this.#manifest.root.chunkSize || this.#isClosed)
        return file;
    } else {
      this.#open.delete(fileIndex);
    }
    this.#open.set(fileIndex, file);
    for (const [oldestIndex, oldest] of this.#open) {
      if (this.#open.size <= MAX_OPEN_FILES) break;
      this.#open.delete(oldestIndex);
      oldest.release();
    }
    return file.used();
  }

  #pathOf(fileIndex: number): string {
    const { root, files } = this.#manifest;
    return sourcePath(this.#files.rootPath, root.kind, files[fileIndex]?.path ?? "");
  }

  #changed(fileIndex: number): GoshareError {
    return new GoshareError("SOURCE_CHANGED", `${this.#pathOf(fileIndex)} has changed since it was shared`, {
      hint: "run goshare share again",
    });
  }

  /** If there is no longer a file, it was changed; other failures of the file system keep their own code. */
  #named(thrown: unknown, fileIndex: number): GoshareError {
    if (isErrno(thrown, ...REPLACED_ERRNOS)) return this.#changed(fileIndex);
    return errorAt(thrown, this.#pathOf(fileIndex));
  }
}

/** The part of `segments` in the `length` bytes from `offset` of the chunk on, counted from there. A small file is
 * opened again only if a slice ends inside it. */
function within(segments: readonly ChunkSegment[], offset: number, length: number): readonly ChunkSegment[] {
  const cut: ChunkSegment[] = [];
  for (const segment of segments) {
    const from = Math.max(segment.chunkOffset, offset);
    const to = Math.min(segment.chunkOffset + segment.length, offset + length);
    if (from >= to) continue;
    const { fileIndex, fileOffset, chunkOffset } = segment;
    cut.push({
      fileIndex,
      fileOffset: fileOffset + from - chunkOffset,
      chunkOffset: from - offset,
      length: to - from,
    });
  }
  return cut;
}

/** How often this process has given up the processor to wait for something; undefined if that is not counted. */
function waits(): number | undefined {
  return process.resourceUsage().voluntaryContextSwitches || undefined;
}

/** A descriptor that is closed when its last use ends. */
class OpenFile {
  readonly fd: number;
  #uses = 1;

  constructor(fd: number) {
    this.fd = fd;
  }

  used(): this {
    this.#uses++;
    return this;
  }

  release(): void {
    this.#uses--;
    if (this.#uses === 0) fs.closeSync(this.fd);
  }
}
