import { test } from "uvu";
import * as assert from "uvu/assert";
import { RateMeter } from "../../src/events/rate.js";

const MIB = 1024 * 1024;

test("a steady flow has its rate and its remaining time", () => {
  const meter = new RateMeter(1_000);
  for (let second = 1; second <= 20; second++) meter.record(1_000 + second * 1_000, second * MIB);
  assert.is(Math.round(meter.bytesPerSecond(21_000)), MIB);
  assert.is(Math.round(meter.etaMs(21_000, 30 * MIB)), 10_000);
});

test("nothing is known at the first moment", () => {
  const meter = new RateMeter(5);
  assert.is(meter.bytesPerSecond(5), 0);
  assert.is(meter.etaMs(5, MIB), 0);
});

test("bytes of an earlier run are not counted as speed", () => {
  const meter = new RateMeter(0, 100 * MIB);
  meter.record(1_000, 101 * MIB);
  assert.is(Math.round(meter.bytesPerSecond(1_000)), MIB);
});

test("a stall brings the rate down to nothing, and the remaining time becomes unknown", () => {
  const meter = new RateMeter(0);
  meter.record(1_000, 10 * MIB);
  meter.record(2_000, 20 * MIB);
  assert.ok(meter.bytesPerSecond(4_000) < meter.bytesPerSecond(2_000));
  assert.is(meter.bytesPerSecond(60_000), 0);
  assert.is(meter.etaMs(60_000, 100 * MIB), 0);
});

test("speed of long ago does not count", () => {
  const meter = new RateMeter(0);
  for (let ms = 100; ms <= 10_000; ms += 100) meter.record(ms, ms * 1_000);
  for (let ms = 10_100; ms <= 30_000; ms += 100) meter.record(ms, 10_000_000 + (ms - 10_000) * 10);
  assert.is(Math.round(meter.bytesPerSecond(30_000)), 10_000);
});

test("what comes after a stall has its own rate soon, and not that of the stall", () => {
  const meter = new RateMeter(0);
  let bytes = 0;
  for (let ms = 200; ms <= 30_000; ms += 200) {
    const isStalled = ms > 10_000 && ms <= 20_000;
    if (!isStalled) bytes += 2 * MIB;
    meter.record(ms, bytes);
    const rate = meter.bytesPerSecond(ms) / MIB;
    if (ms > 16_200 && ms <= 20_000) assert.is(rate, 0);
    if (ms > 21_400) assert.ok(Math.abs(rate - 10) < 0.5, `${rate} at ${ms}`);
    assert.ok(rate < 10.5, `${rate} at ${ms}`);
  }
});

test("chunks that take longer than a rate looks back have the rate at which they came", () => {
  const meter = new RateMeter(0);
  for (let ms = 200; ms <= 180_000; ms += 200) {
    const chunks = Math.floor(ms / 51_200);
    meter.record(ms, chunks * MIB);
    const rate = meter.bytesPerSecond(ms) / 1024;
    assert.ok(rate < 20.1, `${rate} at ${ms}`);
    if (ms % 51_200 < 5_000 && chunks > 0) assert.ok(rate > 18, `${rate} at ${ms}`);
  }
});

test("a million readings in one second give the same rate as ten", () => {
  const meter = new RateMeter(0);
  for (let i = 1; i <= 1_000_000; i++) meter.record(i / 1_000, i);
  assert.is(Math.round(meter.bytesPerSecond(1_000)), 1_000_000);
});

test("what is done has no time left", () => {
  const meter = new RateMeter(0);
  meter.record(1_000, MIB);
  assert.is(meter.etaMs(1_000, MIB), 0);
});

test.run();
