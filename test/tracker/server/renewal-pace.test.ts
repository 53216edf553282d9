import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RenewalPace } from "../../../src/tracker/server/renewal-pace.js";
import { FakeClock, seededRandom } from "./stores/store-rig.js";

const LIMITS = { renewalsPerSecond: 10, minRenewMs: 5_000, maxRenewMs: 60_000 };
const idle = () => 0;

test("few peers renew as often as is allowed, and leases outlive two lost renewals", () => {
  const pace = new RenewalPace(LIMITS, new FakeClock(), idle);
  assert.is(pace.intervalMs, 5_000);
  assert.is(pace.ttlMs, 12_500);
});

test("answers are spread below the interval, never beyond it", () => {
  const clock = new FakeClock();
  const pace = new RenewalPace(LIMITS, clock, idle, seededRandom(1));
  clock.advance(3_600_000);
  const renewals = Array.from({ length: 40 }, () => pace.nextRenewalMs());
  assert.ok(Math.max(...renewals) <= 5_000);
  assert.ok(Math.min(...renewals) >= 4_000);
  assert.ok(new Set(renewals).size > 30);
});

test("the interval grows with the peers that are expected, up to the longest", () => {
  const clock = new FakeClock();
  const pace = new RenewalPace(LIMITS, clock, idle);
  clock.advance(3_600_000);
  for (let n = 0; n < 200; n++) pace.nextRenewalMs();
  assert.is(pace.expectedPeers, 200);
  assert.is(pace.intervalMs, 20_000);
  for (let n = 0; n < 2_000; n++) pace.nextRenewalMs();
  assert.is(pace.intervalMs, 60_000);
});

test("the interval grows with load beyond what the process is meant to bear, and comes back", () => {
  let load = 0.5;
  const pace = new RenewalPace(LIMITS, new FakeClock(), () => load);
  assert.is(pace.intervalMs, 5_000);
  load = 3;
  assert.is(pace.intervalMs, 15_000);
  load = 1_000;
  assert.is(pace.intervalMs, 60_000);
  load = 0;
  assert.is(pace.intervalMs, 5_000);
});

test("peers that do not come back are expected no longer", () => {
  const clock = new FakeClock();
  const pace = new RenewalPace(LIMITS, clock, idle);
  for (let n = 0; n < 500; n++) pace.nextRenewalMs();
  clock.advance(25_000);
  assert.ok(pace.expectedPeers < 500);
  clock.advance(3_600_000);
  assert.is(pace.expectedPeers, 0);
  assert.is(pace.intervalMs, 5_000);
});

test("expected are those whose second has not passed, whatever the order of calls", () => {
  const steps = fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 90_000 })), { maxLength: 300 });
  fc.assert(
    fc.property(steps, fc.integer(), (given, seed) => {
      const clock = new FakeClock();
      const pace = new RenewalPace(LIMITS, clock, idle, seededRandom(seed));
      const backAtSeconds: number[] = [];
      for (const step of given) {
        if (step >= 0) clock.advance(step);
        else backAtSeconds.push(Math.floor((clock.nowMs() + pace.nextRenewalMs()) / 1000));
        const nowSecond = Math.floor(clock.nowMs() / 1000);
        assert.is(pace.expectedPeers, backAtSeconds.filter((second) => second >= nowSecond).length);
      }
    }),
  );
});

test("a process that has just started goes by the pace at which peers come", () => {
  const clock = new FakeClock();
  const pace = new RenewalPace(LIMITS, clock, idle);
  for (let n = 0; n < 5; n++) pace.nextRenewalMs();
  assert.is(pace.intervalMs, 30_000, "five in the first second are 300 in a minute");
  clock.advance(10_000);
  for (let n = 0; n < 15; n++) pace.nextRenewalMs();
  assert.ok(pace.intervalMs <= 12_000);
});

test("after a restart, peers that come back over one interval never make twice the wanted rate", () => {
  const clock = new FakeClock();
  const limits = { renewalsPerSecond: 100, minRenewMs: 5_000, maxRenewMs: 600_000 };
  const pace = new RenewalPace(limits, clock, idle, seededRandom(7));
  const spread = seededRandom(8);
  // 6,000 peers renewed every minute when the tracker died; each comes when its renewal is due.
  let due = Array.from({ length: 6_000 }, () => clock.nowMs() + spread() * 60_000);
  const perSecond: number[] = [];
  for (let second = 0; second < 300; second++) {
    const untilMs = clock.nowMs() + 1000;
    const coming = due.filter((atMs) => atMs < untilMs);
    const later = due.filter((atMs) => atMs >= untilMs);
    // As clients do: within 20 % either way.
    due = [...later, ...coming.map((atMs) => atMs + pace.nextRenewalMs() * (0.8 + 0.4 * spread()))];
    perSecond.push(coming.length);
    clock.advance(1000);
  }
  const worst = Math.max(...perSecond);
  assert.ok(worst <= 200, `${worst} in the worst second, where 100 are wanted`);
  const settled = perSecond.slice(240).reduce((sum, count) => sum + count, 0) / 60;
  assert.ok(settled > 80 && settled < 140, `${settled} a second in the end`);
});

test.run();
