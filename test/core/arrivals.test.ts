import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Arrival, Arrivals } from "../../src/core/arrivals.js";

function all<T>(arrivals: Arrivals<T>): T[] {
  const values: T[] = [];
  for (let next = arrivals.oldest; next !== undefined; next = next.after) values.push(next.value);
  return values;
}

test("whoever leaves, the others stay in the order in which they came", () => {
  const step = fc.record({ isLeaving: fc.boolean(), which: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const arrivals = new Arrivals<number>();
      const there: Arrival<number>[] = [];
      for (const [number, { isLeaving, which }] of steps.entries()) {
        if (!isLeaving) there.push(arrivals.add(number, number));
        const [leaver] = isLeaving ? there.splice(which % Math.max(1, there.length), 1) : [];
        if (leaver !== undefined) {
          assert.ok(arrivals.leave(leaver));
          assert.not(arrivals.leave(leaver), "it leaves once");
        }
        assert.equal(
          all(arrivals),
          there.map(({ value }) => value),
        );
      }
    }),
  );
});

test("who has left refers to nobody who is still there", () => {
  const arrivals = new Arrivals<string>();
  const [first, second, third] = ["a", "b", "c"].map((name, index) => arrivals.add(name, index));
  assert.ok(first && second && third);
  for (const leaver of [second, first, third]) {
    arrivals.leave(leaver);
    assert.is(leaver.before, undefined);
    assert.is(leaver.after, undefined);
  }
  assert.is(arrivals.oldest, undefined);
});

test.run();
