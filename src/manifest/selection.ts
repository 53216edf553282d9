// What of a share is laid down: all entries, or those that the user selected, and the chunks that they take. A chunk
// may hold small files that are not selected; it is fetched and verified whole, and those are dropped. Pure.
import { Bitfield } from "../core/bitfield.js";
import type { ChunkSegment } from "./layout.js";
import type { FileEntry, Manifest, SymbolicLink } from "./manifest.js";

export class Selection {
  readonly manifest: Manifest;
  readonly files: readonly FileEntry[];
  readonly emptyDirectories: readonly string[];
  readonly symbolicLinks: readonly SymbolicLink[];
  /** Bytes in all its files together. */
  readonly bytes: number;
  /** The chunks that hold bytes of its files. */
  readonly chunks: Bitfield;
  /** Whether there is a chunk of which only a part is laid down. */
  readonly hasPartialChunks: boolean;
  /** The selected files, by their index in the manifest; undefined: all. */
  readonly #fileIndexes: Bitfield | undefined;

  /** The entries whose paths match; all of them unless `matches` is given. */
  constructor(manifest: Manifest, matches?: (path: string) => boolean) {
    this.manifest = manifest;
    const isMeant = matches ?? (() => true);
    const fileIndexes = new Bitfield(manifest.files.length);
    for (const [fileIndex, { path }] of manifest.files.entries())
      if (isMeant(path)) fileIndexes.add(fileIndex);
    this.#fileIndexes = fileIndexes.isFull ? undefined : fileIndexes;
    this.files = fileIndexes.isFull
      ? manifest.files
      : manifest.files.filter((_, index) => fileIndexes.has(index));
    this.emptyDirectories = manifest.emptyDirectories.filter(isMeant);
    this.symbolicLinks = manifest.symbolicLinks.filter(({ path }) => isMeant(path));
    this.bytes = this.files.reduce((sum, { size }) => sum + size, 0);
    this.chunks = fileIndexes.isFull
      ? Bitfield.full(manifest.root.chunkCount)
      : chunksOf(manifest, fileIndexes);
    this.hasPartialChunks =
      !fileIndexes.isFull && [...this.chunks].some((chunkIndex) => !this.isWholeChunk(chunkIndex));
  }

  /** Whether a download that has it has every chunk of the share whole. */
  get hasAllChunks(): boolean {
    return this.chunks.isFull && !this.hasPartialChunks;
  }

  get isEmpty(): boolean {
    return this.files.length + this.emptyDirectories.length + this.symbolicLinks.length === 0;
  }

  /** Whether file `fileIndex` is selected. */
  hasFile(fileIndex: number): boolean {
    return this.#fileIndexes?.has(fileIndex) ?? true;
  }

  /** The runs of a chunk that are laid down. */
  segments(chunkIndex: number): readonly ChunkSegment[] {
    const segments = this.manifest.layout.segments(chunkIndex);
    return this.#fileIndexes === undefined
      ? segments
      : segments.filter(({ fileIndex }) => this.hasFile(fileIndex));
  }

  /** Bytes of a chunk that are laid down. */
  bytesIn(chunkIndex: number): number {
    if (this.#fileIndexes === undefined) return this.manifest.layout.chunkLength(chunkIndex);
    return this.segments(chunkIndex).reduce((sum, { length }) => sum + length, 0);
  }

  /** Whether all of the chunk is laid down: if not, it can be neither given to others nor verified again. */
  isWholeChunk(chunkIndex: number): boolean {
    return (
      this.#fileIndexes === undefined ||
      this.bytesIn(chunkIndex) === this.manifest.layout.chunkLength(chunkIndex)
    );
  }
}

function chunksOf({ root, layout }: Manifest, fileIndexes: Bitfield): Bitfield {
  const chunks = new Bitfield(root.chunkCount);
  for (const fileIndex of fileIndexes) {
    const { first, count } = layout.chunksOfFile(fileIndex);
    for (let chunkIndex = first; chunkIndex < first + count; chunkIndex++) chunks.add(chunkIndex);
  }
  return chunks;
}
