// The threads that hash the shares of one command.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Shares } from "../../src/flows/shares.js";
import type { WorkerPool } from "../../src/workers/worker-pool.js";
import { preparedShare } from "../support/fake-cli.js";

/** A task that runs, or does not, whatever comes of it. */
const runs = (pool: WorkerPool): Promise<boolean> =>
  pool.lookAtFiles(["nothing-has-this-name"]).then(
    () => true,
    () => false,
  );

async function readWith(shares: Shares, path: string): Promise<WorkerPool> {
  const pools: WorkerPool[] = [];
  await shares.add(path, async (_observe, group) => {
    pools.push(group.pool);
    assert.ok(await runs(group.pool));
    return preparedShare();
  });
  const [pool] = pools;
  if (pool === undefined) throw new Error("a share that is read has threads");
  return pool;
}

test("all shares of a command are read by the same threads, which end with the last of them", async () => {
  const shares = new Shares(3, () => undefined);
  const pool = await readWith(shares, "a");
  assert.is(await readWith(shares, "b"), pool);
  assert.ok(await runs(pool));
  assert.is(await readWith(shares, "c"), pool);
  assert.not(await runs(pool));
  await shares.close();
});

test("the threads end as well where not all shares are read", async () => {
  const shares = new Shares(2, () => undefined);
  const pool = await readWith(shares, "a");
  await shares.close();
  assert.not(await runs(pool));
});

test.run();
