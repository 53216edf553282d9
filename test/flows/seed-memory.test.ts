// What a finished download keeps of memory while it goes on giving: nothing of what chunks arrived in.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { defaultFlowOptions } from "../../src/flows/defaults.js";
import { download } from "../../src/flows/download.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { startShare } from "../support/transfer.js";
import { until } from "../support/until.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

test("a download that seeds gives back the memory that chunks arrived in", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const kept = () => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = kept();
  const share = await startShare(scratch.file("film.bin", 8 * MIB));
  const { seed } = await download(
    {
      ...{ what: share.ticket, outputDirectory: scratch.folder(), output: undefined, select: [] },
      ...{ reuseDirectory: undefined, sequential: false, ifTaken: "refuse", trackers: [] },
      ...{ probeLocalTracker: false, timeoutMs: 20_000, downloadBudget: undefined, uploadBudget: undefined },
      ...{ listen: { host: "127.0.0.1", port: 0 }, listenGiven: true, maxPeers: 10 },
      ...{ maxConnectionsPerHost: defaultFlowOptions.maxConnectionsPerHost, seed: true },
    },
    () => undefined,
    new AbortController().signal,
  );
  assert.ok(seed !== undefined);
  // Threads take a moment to be gone.
  await until(() => kept() - before < 8 * MIB);
  await seed.close();
});

test.run();
