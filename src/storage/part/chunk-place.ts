// Where the chunks of a download go: what the data path needs from a part folder, or from a target under repair.
import type { ChunkSegment } from "../../manifest/layout.js";
import type { Manifest } from "../../manifest/manifest.js";
import type { WriteRun } from "./written-files.js";

export interface ChunkPlace {
  /** The absolute path of a file of the share. */
  filePath(filePath: string): string;
  /** Where the bytes of a chunk go. Every call is followed by one `releaseRuns` with the same segments. */
  writeRuns(manifest: Manifest, segments: readonly ChunkSegment[]): readonly WriteRun[];
  releaseRuns(manifest: Manifest, segments: readonly ChunkSegment[]): void;
  /** Notes that the chunk is verified and written. */
  record(chunkIndex: number): void;
}
