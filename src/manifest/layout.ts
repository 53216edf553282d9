// Layout: which bytes of which file make up which chunk. Pure arithmetic on file sizes; the rule stands in
// proto/goshare/v1/manifest.proto. Knows no paths, no disk, no digests.

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

/** The chunks of a share. Memory grows with files and chunks by typed arrays only. */
export interface Layout {
  readonly chunkSize: number;
  readonly chunkCount: number;
  /** Bytes in chunk `chunkIndex`, 1 to chunkSize. */
  chunkLength(chunkIndex: number): number;
  /** The runs of chunk `chunkIndex` in order; together exactly chunkLength bytes. */
  segments(chunkIndex: number): readonly ChunkSegment[];
  /** The chunks file `fileIndex` has bytes in: `count` of them from `first`; count 0 for an empty file. */
  chunksOfFile(fileIndex: number): { readonly first: number; readonly count: number };
}
