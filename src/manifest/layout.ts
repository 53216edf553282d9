// Layout: which bytes of which file make up which chunk. Pure arithmetic on file sizes, by the rule in
// proto/goshare/v1/manifest.proto. Knows no paths, no disk, no digests.
import assert from "node:assert/strict";
import { GoshareError } from "../core/errors.js";
import {
  DEFAULT_MAX_CHUNKS,
  DEFAULT_MIN_CHUNK_BYTES,
  isChunkSize,
  MAX_CHUNK_BYTES,
  MAX_CHUNKS,
  MAX_PACK_FILES,
} from "./limits.js";

/** A run of bytes of one file inside a chunk. */
export interface ChunkSegment {
  /** Index into Manifest.files. */
  readonly fileIndex: number;
  /** Where in the file the run begins. */
  readonly fileOffset: number;
  /** Where in the chunk the run begins. */
  readonly chunkOffset: number;
  /** Bytes, at least 1. */
  readonly length: number;
}

/** The chunks of a share. Memory grows with the number of files alone; it is in typed arrays. */
export interface Layout {
  readonly chunkSize: number;
  readonly chunkCount: number;
  /** Bytes in chunk `chunkIndex`, 1 to chunkSize. */
  chunkLength(chunkIndex: number): number;
  /** The runs of chunk `chunkIndex` in order; together exactly chunkLength bytes. */
  segments(chunkIndex: number): readonly ChunkSegment[];
  /** The chunks in which file `fileIndex` has bytes: `count` of them from `first`; count 0 for an empty file. */
  chunksOfFile(fileIndex: number): { readonly first: number; readonly count: number };
}

/** The layout of files of these sizes (safe integers from 0), in their order. Throws LIMIT_EXCEEDED if it has more than
 * MAX_CHUNKS chunks. */
export function computeLayout(fileSizes: ArrayLike<number>, chunkSize: number): Layout {
  assert(isChunkSize(chunkSize), `${chunkSize} is no chunk size`);
  return new ExtentLayout(new Float64Array(fileSizes), chunkSize);
}

/** How many chunks files of these sizes take; may be more than MAX_CHUNKS. */
export function countChunks(fileSizes: ArrayLike<number>, chunkSize: number): number {
  const placing = new Placing(chunkSize);
  for (let index = 0; index < fileSizes.length; index++) placing.place(fileSizes[index] ?? 0);
  return placing.chunkCount;
}

/** The chunk size a writer takes for files of these sizes, in bytes. */
export function chooseChunkSize(fileSizes: ArrayLike<number>): number {
  let chunkSize = DEFAULT_MIN_CHUNK_BYTES;
  while (chunkSize < MAX_CHUNK_BYTES && countChunks(fileSizes, chunkSize) > DEFAULT_MAX_CHUNKS) {
    chunkSize *= 2;
  }
  return chunkSize;
}

/** The rule itself, one file after another. */
class Placing {
  readonly chunkSize: number;
  chunkCount = 0;
  #packChunk = 0;
  /** Full at first, so that the first small file opens a pack. */
  #packBytes = Number.POSITIVE_INFINITY;
  #packFiles = 0;

  constructor(chunkSize: number) {
    this.chunkSize = chunkSize;
  }

  /** The first chunk of the next file; 0 for an empty one. It is a new chunk if chunkCount rises. */
  place(size: number): number {
    if (size === 0) return 0;
    if (size >= this.chunkSize) {
      const first = this.chunkCount;
      this.chunkCount += Math.ceil(size / this.chunkSize);
      return first;
    }
    if (this.#packBytes + size > this.chunkSize || this.#packFiles >= MAX_PACK_FILES) {
      this.#packChunk = this.chunkCount;
      this.chunkCount += 1;
      this.#packBytes = 0;
      this.#packFiles = 0;
    }
    this.#packBytes += size;
    this.#packFiles += 1;
    return this.#packChunk;
  }
}

/** Chunks as extents: a large file is one extent of many chunks, a pack one extent of one chunk. So a file of
 * any size costs a few words, and a chunk is found by binary search. */
class ExtentLayout implements Layout {
  readonly chunkSize: number;
  readonly chunkCount: number;
  readonly #sizes: Float64Array;
  readonly #firstChunks: Uint32Array;
  /** Indices of small files that are not empty, in order: those of one pack are next to each other. */
  readonly #packed: Uint32Array;
  /** First chunk of each extent, ascending. */
  readonly #extentChunks: Uint32Array;
  /** For each extent: the index of its file if that is large, else ~(index into #packed of its first file). */
  readonly #extentStarts: Int32Array;

  constructor(sizes: Float64Array, chunkSize: number) {
    const firstChunks = new Uint32Array(sizes.length);
    const packed = new Uint32Array(sizes.length);
    const extentChunks = new Uint32Array(sizes.length);
    const extentStarts = new Int32Array(sizes.length);
    let packedCount = 0;
    let extentCount = 0;
    const placing = new Placing(chunkSize);
    for (const [fileIndex, size] of sizes.entries()) {
      if (size === 0) continue;
      const chunksBefore = placing.chunkCount;
      const first = placing.place(size);
      if (placing.chunkCount > MAX_CHUNKS) throw tooManyChunks(chunkSize);
      const large = size >= chunkSize;
      firstChunks[fileIndex] = first;
      if (placing.chunkCount > chunksBefore) {
        extentChunks[extentCount] = first;
        extentStarts[extentCount++] = large ? fileIndex : ~packedCount;
      }
      if (!large) packed[packedCount++] = fileIndex;
    }
    this.chunkSize = chunkSize;
    this.chunkCount = placing.chunkCount;
    this.#sizes = sizes;
    this.#firstChunks = firstChunks;
    this.#packed = packed.slice(0, packedCount);
    this.#extentChunks = extentChunks.slice(0, extentCount);
    this.#extentStarts = extentStarts.slice(0, extentCount);
  }

  chunkLength(chunkIndex: number): number {
    const extent = this.#extentOf(chunkIndex);
    const start = at(this.#extentStarts, extent);
    if (start >= 0) return this.#largeChunkLength(start, chunkIndex);
    let length = 0;
    for (let index = ~start; this.#isPackedIn(index, chunkIndex); index++) {
      length += at(this.#sizes, at(this.#packed, index));
    }
    return length;
  }

  segments(chunkIndex: number): readonly ChunkSegment[] {
    const extent = this.#extentOf(chunkIndex);
    const start = at(this.#extentStarts, extent);
    if (start >= 0) {
      const fileOffset = (chunkIndex - at(this.#firstChunks, start)) * this.chunkSize;
      const length = this.#largeChunkLength(start, chunkIndex);
      return [{ fileIndex: start, fileOffset, chunkOffset: 0, length }];
    }
    const segments: ChunkSegment[] = [];
    let chunkOffset = 0;
    for (let index = ~start; this.#isPackedIn(index, chunkIndex); index++) {
      const fileIndex = at(this.#packed, index);
      const length = at(this.#sizes, fileIndex);
      segments.push({ fileIndex, fileOffset: 0, chunkOffset, length });
      chunkOffset += length;
    }
    return segments;
  }

  chunksOfFile(fileIndex: number): { readonly first: number; readonly count: number } {
    const size = at(this.#sizes, fileIndex);
    return { first: at(this.#firstChunks, fileIndex), count: Math.ceil(size / this.chunkSize) };
  }

  #largeChunkLength(fileIndex: number, chunkIndex: number): number {
    const fileOffset = (chunkIndex - at(this.#firstChunks, fileIndex)) * this.chunkSize;
    return Math.min(this.chunkSize, at(this.#sizes, fileIndex) - fileOffset);
  }

  #isPackedIn(packedIndex: number, chunkIndex: number): boolean {
    return (
      packedIndex < this.#packed.length && at(this.#firstChunks, at(this.#packed, packedIndex)) === chunkIndex
    );
  }

  /** The last extent that begins at or before the chunk. */
  #extentOf(chunkIndex: number): number {
    assert(
      Number.isInteger(chunkIndex) && chunkIndex >= 0 && chunkIndex < this.chunkCount,
      `chunk ${chunkIndex} of ${this.chunkCount}`,
    );
    let low = 0;
    let high = this.#extentChunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (at(this.#extentChunks, middle) <= chunkIndex) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function at(array: Float64Array | Uint32Array | Int32Array, index: number): number {
  const value = array[index];
  assert(value !== undefined, `index ${index} of ${array.length}`);
  return value;
}

function tooManyChunks(chunkSize: number): GoshareError {
  return new GoshareError(
    "LIMIT_EXCEEDED",
    `the share has more than ${MAX_CHUNKS} chunks of ${chunkSize} bytes`,
    {
      hint: "share it in parts, or with larger chunks",
    },
  );
}
