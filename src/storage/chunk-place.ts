// Where the chunks of a download go: what the data path needs of a part folder, and of a target that is repaired.
import type { ChunkSegment } from "../manifest/layout.js";
import type { Manifest } from "../manifest/manifest.js";
import type { WriteRun } from "./written-files.js";

export interface ChunkPlace {
  /** Where a file of the share is, absolute. */
  filePath(filePath: string): string;
  /** Where the bytes of a chunk go. Every call is followed by one `releaseRuns` with the same segments. */
  writeRuns(manifest: Manifest, segments: readonly ChunkSegment[]): readonly WriteRun[];
  releaseRuns(manifest: Manifest, segments: readonly ChunkSegment[]): void;
  /** The chunk is verified and written. */
  record(chunkIndex: number): void;
}
