// Threads that were started before anybody asked for them: they are taken once, by who needs such, or closed.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { closeEarlyPool, startEarlyPool, takePool } from "../../src/workers/early-pool.js";
import { packEntries } from "../../src/workers/packed-runs.js";
import { errorOf } from "../storage/scratch.js";

const NOTHING = { kind: "sync", entries: packEntries([]) } as const;

test("who asks first has the threads that were started, and everybody later has his own", async () => {
  startEarlyPool(true);
  const first = takePool(true);
  const second = takePool(true);
  assert.is.not(first, second);
  await first.close();
  await closeEarlyPool();
  assert.is((await second.run(NOTHING)).ok, true);
  await second.close();
});

test("who needs slots is not given threads without, nor the other way round", async () => {
  for (const hasSlots of [true, false]) {
    startEarlyPool(hasSlots);
    const other = takePool(!hasSlots);
    const own = takePool(hasSlots);
    const [withSlots, without] = hasSlots ? [own, other] : [other, own];
    assert.ok(withSlots.slots.byteLength > 0);
    assert.throws(() => without.slots, /without slots/);
    await Promise.all([own.close(), other.close()]);
  }
});

test("threads that nobody asked for end", async () => {
  startEarlyPool(false);
  await closeEarlyPool();
  const fresh = takePool(false);
  assert.is((await fresh.run(NOTHING)).ok, true);
  await fresh.close();
  assert.match((await errorOf(() => fresh.run(NOTHING))).message, "the pool is closed");
  await closeEarlyPool();
});

test.run();
