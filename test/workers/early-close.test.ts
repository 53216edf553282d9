import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";

const POOL = fileURLToPath(new URL("../../src/workers/worker-pool.js", import.meta.url));

/** Pools that are closed at every moment of their start; a process of its own, since the failure aborts it. */
const PROGRAM = `
  import { WorkerPool } from ${JSON.stringify(POOL)};
  for (let turns = 0; turns < 24; turns++) {
    const pool = new WorkerPool(undefined, 4);
    for (let turn = 0; turn < turns * 20; turn++) await new Promise(setImmediate);
    await pool.close();
  }
  console.log("closed");
`;

test("a pool may be closed while its threads still start", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    ...["--input-type=module", "--eval", PROGRAM],
  ]);
  assert.is(stdout, "closed\n");
  assert.is(stderr, "");
});

test.run();
