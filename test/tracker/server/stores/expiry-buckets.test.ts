import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Expiring, ExpiryBuckets } from "../../../../src/tracker/server/stores/expiry-buckets.js";

interface Item extends Expiring {
  readonly name: string;
}

function item(name: string): Item {
  return { name, dueSecond: undefined };
}

function takeAll(buckets: ExpiryBuckets<Item>, nowMs: number): string[] {
  const names: string[] = [];
  for (let due = buckets.takeDue(nowMs); due !== undefined; due = buckets.takeDue(nowMs))
    names.push(due.name);
  return names.sort();
}

test("something is due from the first full second after its time, once", () => {
  const buckets = new ExpiryBuckets<Item>(0);
  buckets.arm(item("a"), 1500);
  assert.equal(takeAll(buckets, 1999), []);
  assert.equal(takeAll(buckets, 2000), ["a"]);
  assert.equal(takeAll(buckets, 99_000), []);
});

test("arming again moves, disarming forgets", () => {
  const buckets = new ExpiryBuckets<Item>(0);
  const [a, b] = [item("a"), item("b")];
  buckets.arm(a, 1000);
  buckets.arm(b, 1000);
  buckets.arm(a, 3000);
  buckets.disarm(b);
  buckets.disarm(b);
  assert.equal(takeAll(buckets, 2000), []);
  assert.equal(takeAll(buckets, 3000), ["a"]);
});

test("what is armed for a time that has passed is due at once, even while that second is being emptied", () => {
  const buckets = new ExpiryBuckets<Item>(0);
  buckets.arm(item("a"), 5000);
  assert.is(buckets.takeDue(5000)?.name, "a");
  buckets.arm(item("late"), 100);
  buckets.arm(item("now"), 5000);
  assert.equal(takeAll(buckets, 5000), ["late", "now"]);
  buckets.arm(item("later"), 100);
  assert.equal(takeAll(buckets, 5999), []);
  assert.equal(takeAll(buckets, 6000), ["later"]);
});

test("any sequence of arming, disarming and passing time agrees with a plain list", () => {
  const step = fc.record({
    n: fc.nat(5),
    action: fc.constantFrom("arm", "disarm", "pass"),
    ms: fc.nat(5000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const buckets = new ExpiryBuckets<Item>(0);
      const items = Array.from({ length: 6 }, (_, n) => item(`${n}`));
      const dueAt = new Map<string, number>();
      let nowMs = 0;
      for (const { n, action, ms } of steps) {
        const one = items[n];
        if (one === undefined) continue;
        if (action === "arm") {
          buckets.arm(one, nowMs + ms);
          dueAt.set(one.name, nowMs + ms);
        } else if (action === "disarm") {
          buckets.disarm(one);
          dueAt.delete(one.name);
        } else {
          nowMs += ms;
          for (const name of takeAll(buckets, nowMs)) {
            assert.ok((dueAt.get(name) ?? Number.POSITIVE_INFINITY) <= nowMs);
            dueAt.delete(name);
          }
          // Nothing that was due a second ago or more is left behind.
          for (const dueMs of dueAt.values()) assert.ok(dueMs > nowMs - 1000);
        }
      }
    }),
  );
});

test.run();
