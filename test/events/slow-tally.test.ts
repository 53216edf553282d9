import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { SlowReason } from "../../src/events/event.js";
import { SlowTally } from "../../src/events/slow-tally.js";

test("the time from one reason to the next is that of the first, the longest stands first", () => {
  const tally = new SlowTally("noPeer", 100);
  tally.turn("network", 130);
  tally.turn("disk", 180);
  tally.turn("network", 181);
  assert.is(tally.reason, "network");
  assert.equal(tally.times(200), [
    { reason: "network", ms: 69 },
    { reason: "noPeer", ms: 30 },
    { reason: "disk", ms: 1 },
  ]);
  assert.equal(new SlowTally("noPeer", 5).times(5), [], "what took no time is no reason");
});

test("the times of all reasons are together the time that has passed, however often it turns", () => {
  const reason = fc.constantFrom<SlowReason>("noPeer", "network", "disk", "uploadLimit");
  fc.assert(
    fc.property(fc.array(fc.tuple(reason, fc.nat(1_000))), fc.nat(1_000), (turns, lastMs) => {
      let nowMs = 7;
      const tally = new SlowTally("network", nowMs);
      for (const [next, ms] of turns) {
        nowMs += ms;
        tally.turn(next, nowMs);
      }
      const times = tally.times(nowMs + lastMs);
      assert.is(
        times.reduce((sum, { ms }) => sum + ms, 0),
        nowMs + lastMs - 7,
      );
      assert.is(new Set(times.map((time) => time.reason)).size, times.length);
    }),
  );
});

test.run();
