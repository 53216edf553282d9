// The SHA-256 of whole files as they are on the disk, reported in the order of the manifest, for comparison with
// published sums. Compares nothing itself.
import type { EventObserver } from "../../events/event.js";
import { PROGRESS_MS } from "../../events/rate.js";
import type { Manifest } from "../../manifest/manifest.js";
import { sourcePath } from "../../storage/source/source-tree.js";
import { sumTasks } from "../../workers/batches.js";
import type { SumTask } from "../../workers/tasks.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import { hashingProgress } from "./hashing-progress.js";

/** Emits a `fileSum` for each file that can be read. */
export async function tellSums(
  givenPath: string,
  rootPath: string,
  manifest: Manifest,
  pool: WorkerPool,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<void> {
  const { files, root } = manifest;
  const bytesRead = new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
  const progress = hashingProgress(givenPath, 0, observe);
  const tell = () => progress(Number(Atomics.load(bytesRead, 0)), root.totalSize, files.length);
  // A large file is one task, and its bytes are counted while it runs.
  const ticking = setInterval(tell, PROGRESS_MS);
  /** Tasks in the order of their files, with the results of those that are done. */
  const begun: { readonly task: SumTask; sums: readonly string[] | undefined }[] = [];
  const tasks = function* () {
    for (const task of sumTasks(files, (path) => sourcePath(rootPath, root.kind, path), bytesRead)) {
      begun.push({ task, sums: undefined });
      yield task;
    }
  };
  let told = 0;
  try {
    await pool.runAll(
      tasks(),
      (done, { sums = [] }) => {
        for (const one of begun) if (one.task === done) one.sums = sums;
        while (begun[0]?.sums !== undefined) {
          for (const sha256 of begun.shift()?.sums ?? []) {
            const path = files[told++]?.path ?? "";
            if (sha256 !== "") observe({ type: "fileSum", path, sha256 });
          }
        }
      },
      signal,
    );
    tell();
  } finally {
    clearInterval(ticking);
  }
}
