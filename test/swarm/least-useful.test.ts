import { test } from "uvu";
import * as assert from "uvu/assert";
import { LeastUseful } from "../../src/swarm/uploading/least-useful.js";

const [A, B, C] = [{ name: "a" }, { name: "b" }, { name: "c" }];

/** What each of the first so many has exchanged so far. */
function* totals(...bytes: readonly number[]): Generator<readonly [typeof A, number]> {
  for (const [index, total] of bytes.entries()) yield [[A, B, C][index] ?? A, total];
}

test("whoever exchanged far less than the others since the last time is named", () => {
  const least = new LeastUseful<typeof A>();
  assert.is(least.next(totals(900, 0, 0)), undefined, "nobody was there the time before");
  assert.is(least.next(totals(1000, 100, 10)), C);
  assert.is(least.next(totals(1000, 200, 110)), A, "what it did earlier does not count");
});

test("nobody is named where all do about as much, or nobody does anything", () => {
  const least = new LeastUseful<typeof A>();
  least.next(totals(0, 0));
  assert.is(least.next(totals(100, 60)), undefined);
  assert.is(least.next(totals(100, 60)), undefined);
  assert.is(least.next(totals(100)), undefined, "one alone is not less than itself");
});

test("one that came in the meantime is judged the next time", () => {
  const least = new LeastUseful<typeof A>();
  least.next(totals(0, 0));
  assert.is(least.next(totals(100, 100, 0)), undefined);
  assert.is(least.next(totals(200, 200, 0)), C);
});

test.run();
