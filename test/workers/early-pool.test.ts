// Threads that were started before anybody asked for them: they are taken once, or closed.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { closeEarlyPool, startEarlyPool, takePool } from "../../src/workers/early-pool.js";
import { packEntries } from "../../src/workers/packed-runs.js";
import { errorOf } from "../storage/scratch.js";

const NOTHING = { kind: "sync", entries: packEntries([]) } as const;

test("who asks first has the threads that were started, and everybody later has his own", async () => {
  const started = startEarlyPool();
  assert.is(takePool(), started);
  const second = takePool();
  assert.is.not(second, started);
  await started?.close();
  // It is the taker's to close.
  await closeEarlyPool();
  assert.is((await second.run(NOTHING)).ok, true);
  await second.close();
});

test("threads that nobody asked for end", async () => {
  const unused = startEarlyPool();
  assert.ok(unused !== undefined);
  await closeEarlyPool();
  assert.match((await errorOf(() => unused.run(NOTHING))).message, "the pool is closed");
  const fresh = takePool();
  assert.is.not(fresh, unused);
  await fresh.close();
});

test.run();
