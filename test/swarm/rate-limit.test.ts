import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { RateLimit } from "../../src/swarm/rate-limit.js";

test("something of any length may begin at once, and what comes next waits until it is paid", () => {
  const limit = new RateLimit(100 * KIB, MIB, 0);
  assert.ok(limit.isReady(0));
  assert.is(limit.waitMs(0), 0);
  limit.spend(4 * MIB, 0);
  assert.is(limit.waitMs(0), 40_960);
  assert.not(limit.isReady(40_959));
  assert.ok(limit.isReady(40_960));
});

test("a pause earns nothing", () => {
  const limit = new RateLimit(MIB, MIB, 0);
  limit.spend(MIB, 3_600_000);
  assert.is(limit.waitMs(3_600_000), 1000);
});

test("who is served late loses nothing, but no more than the credit is made up for", () => {
  const limit = new RateLimit(MIB, MIB, 0);
  limit.spend(MIB, 0);
  assert.not(limit.isReady(0));
  limit.spend(MIB, 1500);
  assert.is(limit.waitMs(1500), 500, "half a second late");
  assert.not(limit.isReady(1500));
  limit.spend(MIB, 60_000);
  assert.is(limit.waitMs(60_000), 0, "all of the credit, and that is gone");
  limit.spend(MIB, 60_000);
  assert.is(limit.waitMs(60_000), 1000);
});

test("time goes by for nobody's sake once nobody waits", () => {
  const limit = new RateLimit(MIB, MIB, 0);
  limit.spend(MIB, 0);
  assert.not(limit.isReady(500));
  limit.rest(700);
  limit.spend(MIB, 5000);
  assert.is(limit.waitMs(5000), 1000);
});

test("what is given back may be spent again, without becoming a burst", () => {
  const limit = new RateLimit(MIB, MIB, 0);
  limit.spend(MIB, 0);
  limit.giveBack(MIB, 0);
  assert.is(limit.waitMs(0), 0);
  for (let count = 0; count < 10; count++) limit.giveBack(MIB, 0);
  limit.spend(MIB, 0);
  limit.spend(MIB, 0);
  assert.is(limit.waitMs(0), 1000);
});

test("a clock that goes back earns nothing", () => {
  const limit = new RateLimit(MIB, 0, 1000);
  limit.spend(MIB, 1000);
  assert.not(limit.isReady(500));
  assert.not(limit.isReady(1500));
  assert.ok(limit.isReady(2000));
});

/** What somebody does who asks after each of these pauses, and goes on to wait or gives up. */
const history = fc.record({
  bytesPerSecond: fc.integer({ min: 16 * KIB, max: 1024 * MIB }),
  maxCreditBytes: fc.integer({ min: 0, max: 4 * MIB }),
  steps: fc.array(
    fc.record({
      pauseMs: fc.double({ min: 0, max: 3000, noNaN: true }),
      bytes: fc.integer({ min: 1, max: 4 * MIB }),
      givesUp: fc.boolean(),
    }),
    { maxLength: 60 },
  ),
});

test("from the start, and in any window, no more goes than the rate, one chunk and the credit", () => {
  fc.assert(
    fc.property(history, ({ bytesPerSecond, maxCreditBytes, steps }) => {
      const limit = new RateLimit(bytesPerSecond, maxCreditBytes, 0);
      const sends: { readonly atMs: number; readonly bytes: number }[] = [];
      let nowMs = 0;
      for (const { pauseMs, bytes, givesUp } of steps) {
        nowMs += pauseMs;
        if (limit.isReady(nowMs)) {
          limit.spend(bytes, nowMs);
          sends.push({ atMs: nowMs, bytes });
        } else if (givesUp) limit.rest(nowMs);
      }
      for (const [index, first] of sends.entries()) {
        let sent = 0;
        for (const { atMs, bytes } of sends.slice(index)) {
          // Before this one there may have been no debt at all.
          const allowed = maxCreditBytes + (bytesPerSecond * (atMs - first.atMs)) / 1000;
          assert.ok(sent <= allowed + 1, `${sent} bytes before one more, where ${allowed} are allowed`);
          sent += bytes;
        }
      }
      let sent = 0;
      for (const { atMs, bytes } of sends) {
        assert.ok(sent <= (bytesPerSecond * atMs) / 1000 + 1, "from the start there is no credit");
        sent += bytes;
      }
    }),
  );
});

test("whoever waits as long as it is told gets the whole rate, however large the pieces", () => {
  const rates = fc.integer({ min: 16 * KIB, max: 256 * MIB });
  const sizes = fc.array(fc.integer({ min: 1, max: 4 * MIB }), { minLength: 1, maxLength: 100 });
  const lateness = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(rates, sizes, lateness, (bytesPerSecond, pieces, late) => {
      const limit = new RateLimit(bytesPerSecond, MIB, 0);
      let nowMs = 0;
      let sent = 0;
      for (const [index, bytes] of pieces.entries()) {
        while (!limit.isReady(nowMs)) nowMs += limit.waitMs(nowMs) + (late[index % late.length] ?? 0);
        assert.ok(nowMs <= (sent / bytesPerSecond) * 1000 + 8, `${nowMs} ms for ${sent} bytes`);
        limit.spend(bytes, nowMs);
        sent += bytes;
      }
    }),
  );
});

test.run();
