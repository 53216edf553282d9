import { test } from "uvu";
import * as assert from "uvu/assert";
import { LOAD_TICK_MS, LoadMeter } from "../../../src/tracker/server/load-meter.js";
import { FakeClock } from "./stores/store-rig.js";

function meter() {
  const clock = new FakeClock();
  const load = new LoadMeter({ callsPerSecond: 1_000, maxLagMs: 50 }, clock);
  const run = (seconds: number, callsPerTick: number, lateMs = 0): void => {
    for (let ticks = 0; ticks < (seconds * 1000) / LOAD_TICK_MS; ticks++) {
      for (let calls = 0; calls < callsPerTick; calls++) load.called();
      clock.advance(LOAD_TICK_MS + lateMs);
      load.tick();
    }
  };
  return { load, run };
}

test("load is calls a second beside what is meant to be borne", () => {
  const { load, run } = meter();
  assert.is(load.load, 0);
  run(100, 500);
  assert.ok(Math.abs(load.callsPerSecond - 2_000) < 10, `${load.callsPerSecond}`);
  assert.ok(Math.abs(load.load - 2) < 0.01);
  run(100, 0);
  assert.ok(load.load < 0.01);
});

test("an event loop that is late is load, even without calls", () => {
  const { load, run } = meter();
  run(100, 0, 150);
  assert.ok(Math.abs(load.lagMs - 150) < 1, `${load.lagMs}`);
  assert.ok(Math.abs(load.load - 3) < 0.05);
});

test("one burst and one pause are soon forgotten", () => {
  const { load, run } = meter();
  run(100, 10);
  run(0.25, 1_000, 500);
  run(30, 10);
  assert.ok(load.load < 0.1, `${load.load}`);
});

test.run();
