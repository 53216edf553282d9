import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OpenCalls } from "../../../src/tracker/server/open-calls.js";

const LIMITS = [5, 2] as const;

test("so many calls are open from one address, and so many in all", () => {
  const calls = new OpenCalls(...LIMITS);
  const begin = (...hosts: readonly string[]) => hosts.map((host) => calls.begin(host));
  assert.equal(begin("192.0.2.1", "192.0.2.1", "192.0.2.1"), [true, true, false]);
  calls.ended("192.0.2.1");
  assert.equal(begin("192.0.2.1", "192.0.2.1"), [true, false]);
  assert.equal(begin("2001:db8::1", "2001:db8::2", "2001:db8::3"), [true, true, false]);
  assert.equal(begin("192.0.2.9", "192.0.2.9"), [true, false]);
  calls.ended("2001:db8::2");
  assert.equal(begin("192.0.2.9"), [true]);
});

test("loopback may have all of them", () => {
  const calls = new OpenCalls(...LIMITS);
  const begun = Array.from({ length: 7 }, () => calls.begin("127.0.0.1"));
  assert.is(begun.filter((isBegun) => isBegun).length, 5);
});

test("whatever begins and ends, the limits hold and nothing is lost", () => {
  const hosts = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.boolean()), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (given) => {
      const calls = new OpenCalls(...LIMITS);
      const open = new Map<string, number>();
      const count = (host: string): number => open.get(host) ?? 0;
      for (const [index, isBeginning] of given) {
        const host = hosts[index] ?? "";
        const all = hosts.reduce((sum, one) => sum + count(one), 0);
        if (isBeginning) {
          const isExpected = all < 5 && count(host) < 2;
          assert.is(calls.begin(host), isExpected);
          if (isExpected) open.set(host, count(host) + 1);
        } else if (count(host) > 0) {
          calls.ended(host);
          open.set(host, count(host) - 1);
        }
      }
    }),
  );
});

test.run();
