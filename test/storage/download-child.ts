// A process that downloads a sample share to argv[3] and says how many chunks it fetched, or the code of its error. argv[2] names
// the share; with "pool" in argv[4] the worker threads make it durable.
import { GoshareError } from "../../src/core/errors.js";
import { syncTasks } from "../../src/workers/batches.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import { downloadAll, syncAtOnce } from "./download-run.js";
import { mixedFolder, singleFile } from "./sample-share.js";

const [, , kind, outputDirectory = "", withPool] = process.argv;
const share = kind === "folder" ? mixedFolder() : singleFile(100_000);
const pool = withPool === "pool" ? new WorkerPool(undefined, 1) : undefined;
try {
  const { fetched } = await downloadAll(outputDirectory, share, async (entries) => {
    if (pool === undefined) await syncAtOnce(entries);
    else await pool.runAll(syncTasks(entries), () => undefined, new AbortController().signal);
  });
  process.stdout.write(`fetched ${fetched.length}\n`);
} catch (thrown) {
  process.stdout.write(`${GoshareError.from(thrown).code}\n`);
} finally {
  await pool?.close();
}
