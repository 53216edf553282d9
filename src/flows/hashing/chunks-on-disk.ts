// Verifies chunks of a share where they are on the disk, and reports progress. Decides nothing about wrong ones.
import type { Bitfield } from "../../core/bitfield.js";
import type { EventObserver } from "../../events/event.js";
import type { Manifest } from "../../manifest/manifest.js";
import { sourcePath } from "../../storage/source/source-tree.js";
import { verifyTasks } from "../../workers/batches.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import { hashingProgress } from "./hashing-progress.js";

export interface ChunksOnDisk {
  readonly manifest: Manifest;
  /** The absolute path of the share's file or folder. */
  readonly rootPath: string;
  /** How events name it. */
  readonly givenPath: string;
  /** The chunks to verify. Not changed. */
  readonly chunks: Bitfield;
  /** Whether a file that is too long may have right chunks. */
  readonly mayBeLonger: boolean;
}

/** Reads `chunks`; calls `foundWrong` with each that does not have its digest. Rejects when `signal` aborts. */
export async function verifyOnDisk(
  { manifest, rootPath, givenPath, chunks, mayBeLonger }: ChunksOnDisk,
  pool: WorkerPool,
  foundWrong: (chunkIndex: number) => void,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<void> {
  const { layout, root, files } = manifest;
  let bytesTotal = 0;
  for (const chunkIndex of chunks) bytesTotal += layout.chunkLength(chunkIndex);
  const progress = hashingProgress(givenPath, 0, observe);
  let bytesDone = 0;
  const pathOf = (filePath: string) => sourcePath(rootPath, root.kind, filePath);
  await pool.runAll(
    verifyTasks(manifest, chunks, pathOf, mayBeLonger),
    (task, { wrongChunks }) => {
      for (const { chunkIndex } of task.chunks) bytesDone += layout.chunkLength(chunkIndex);
      for (const chunkIndex of wrongChunks) foundWrong(chunkIndex);
      progress(bytesDone, bytesTotal, files.length);
    },
    signal,
  );
}
