import { test } from "uvu";
import * as assert from "uvu/assert";
import { LeastUseful } from "../../src/swarm/least-useful.js";

const [A, B, C] = [{ name: "a" }, { name: "b" }, { name: "c" }];

test("whoever exchanged far less than the others since the last time is named", () => {
  const least = new LeastUseful<typeof A>();
  assert.is(
    least.next([
      [A, 900],
      [B, 0],
      [C, 0],
    ]),
    undefined,
    "nobody was there the time before",
  );
  assert.is(
    least.next([
      [A, 1000],
      [B, 100],
      [C, 10],
    ]),
    C,
  );
  assert.is(
    least.next([
      [A, 1000],
      [B, 200],
      [C, 110],
    ]),
    A,
    "what it did earlier does not count",
  );
});

test("nobody is named where all do about as much, or nobody does anything", () => {
  const least = new LeastUseful<typeof A>();
  least.next([
    [A, 0],
    [B, 0],
  ]);
  assert.is(
    least.next([
      [A, 100],
      [B, 60],
    ]),
    undefined,
  );
  assert.is(
    least.next([
      [A, 100],
      [B, 60],
    ]),
    undefined,
  );
  assert.is(least.next([[A, 100]]), undefined, "one alone is not less than itself");
});

test("one that came in the meantime is judged the next time", () => {
  const least = new LeastUseful<typeof A>();
  least.next([
    [A, 0],
    [B, 0],
  ]);
  assert.is(
    least.next([
      [A, 100],
      [B, 100],
      [C, 0],
    ]),
    undefined,
  );
  assert.is(
    least.next([
      [A, 200],
      [B, 200],
      [C, 0],
    ]),
    C,
  );
});

test.run();
