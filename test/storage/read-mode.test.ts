import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ReadMode } from "../../src/storage/source/read-mode.js";

const OPTIONS = { slowReadMs: 4, minPoolReads: 2, maxPoolReads: 8, watchedReads: 3 } as const;

/** How many reads go through the pool from now on. */
function poolReads(mode: ReadMode): number {
  let count = 0;
  while (mode.next() === "pool") count++;
  return count;
}

test("reads are done at once while they are fast", () => {
  const mode = new ReadMode(OPTIONS);
  for (let read = 0; read < 100; read++) {
    assert.is(mode.next(), "at-once");
    mode.readAtOnce(4, true);
  }
});

test("after a slow read some go through the pool, then one is tried at once again", () => {
  const mode = new ReadMode(OPTIONS);
  mode.readAtOnce(4.1, true);
  assert.is(poolReads(mode), 2);
  assert.is(mode.next(), "at-once");
});

test("a read that took long without waiting for anything is not slow", () => {
  const mode = new ReadMode(OPTIONS);
  mode.readAtOnce(100, false);
  assert.is(poolReads(mode), 0);
});

test("reads are watched for waits once one was slow, and until some in a row were not", () => {
  const mode = new ReadMode(OPTIONS);
  assert.not(mode.isWatched);
  mode.readAtOnce(100, undefined);
  assert.is(poolReads(mode), 0, "it is not known whether it waited");
  for (let fast = 0; fast < 3; fast++) {
    assert.ok(mode.isWatched);
    mode.readAtOnce(1, false);
  }
  assert.not(mode.isWatched);
});

test("each further slow read sends twice as many through the pool, up to a limit", () => {
  const mode = new ReadMode(OPTIONS);
  const counts: number[] = [];
  for (let read = 0; read < 5; read++) {
    mode.readAtOnce(100, true);
    counts.push(poolReads(mode));
  }
  assert.equal(counts, [2, 4, 8, 8, 8]);
});

test("a fast read makes the next slow one count as the first", () => {
  const mode = new ReadMode(OPTIONS);
  for (let read = 0; read < 4; read++) {
    mode.readAtOnce(100, true);
    poolReads(mode);
  }
  mode.readAtOnce(0.1, true);
  mode.readAtOnce(100, true);
  assert.is(poolReads(mode), 2);
});

test("whatever reads take, the next read at once is never further away than the limit", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 1000, noNaN: true }), fc.boolean()), { maxLength: 50 }),
      (reads) => {
        const mode = new ReadMode(OPTIONS);
        for (const [elapsedMs, waited] of reads) {
          mode.readAtOnce(elapsedMs, waited);
          const count = poolReads(mode);
          assert.ok(count <= OPTIONS.maxPoolReads);
          assert.is(count > 0, waited && elapsedMs > OPTIONS.slowReadMs);
        }
      },
    ),
  );
});

test.run();
