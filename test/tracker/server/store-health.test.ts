import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../../src/core/clock.js";
import { GoshareError } from "../../../src/core/errors.js";
import { defaultTrackerOptions } from "../../../src/tracker/server/options.js";
import type { TrackerStore } from "../../../src/tracker/server/store.js";
import { StoreHealth } from "../../../src/tracker/server/store-health.js";
import { MemoryStore } from "../../../src/tracker/server/stores/memory-store.js";

function watched(check: (() => Promise<void>) | undefined, timeoutMs?: number) {
  const store: TrackerStore = new MemoryStore(defaultTrackerOptions, monotonicClock);
  if (check !== undefined) store.check = check;
  const changes: string[] = [];
  const health = new StoreHealth(store, (problem) => changes.push(problem?.message ?? "usable"), timeoutMs);
  return { health, changes };
}

test("a store that cannot be asked can always be used", async () => {
  const { health, changes } = watched(undefined);
  await health.check();
  assert.equal(changes, []);
});

test("changes are told, and nothing while all is as it was", async () => {
  const answers = ["", "gone", "gone", "worse", "", ""];
  const { health, changes } = watched(async () => {
    const problem = answers.shift() ?? "";
    if (problem !== "") throw new Error(problem);
  });
  for (let n = 0; n < 6; n++) await health.check();
  assert.equal(changes, ["the tracker's store cannot be used: gone", "usable"]);
});

test("a store that does not answer cannot be used, and is not asked twice at a time", async () => {
  let asked = 0;
  const never = () => {
    asked += 1;
    return new Promise<void>(() => {});
  };
  const { health, changes } = watched(never, 20);
  await Promise.all([health.check(), health.check()]);
  assert.is(asked, 1);
  assert.equal(changes, ["the tracker's store cannot be used: no answer within 20 ms"]);
});

test("what a store says of itself is told as it is", async () => {
  const { health, changes } = watched(() =>
    Promise.reject(new GoshareError("STORE_UNAVAILABLE", "the Redis at db:6379 does not answer")),
  );
  await health.check();
  assert.equal(changes, ["the Redis at db:6379 does not answer"]);
});

test.run();
