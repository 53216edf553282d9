// Sizes, rates and durations as people write and read them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  formatBytes,
  formatDuration,
  formatRate,
  GIB,
  KIB,
  MIB,
  parseBytes,
  parseBytesPerSecond,
  parseDurationMs,
} from "../../src/core/units.js";

test("sizes are read with and without units", () => {
  const sizes: [string, number][] = [
    ["0", 0],
    ["4096", 4096],
    ["1KiB", KIB],
    ["64 KiB", 64 * KIB],
    [" 1MiB ", MIB],
    ["1.5MiB", 1.5 * MIB],
    ["2GiB", 2 * GIB],
    ["10MB", 10_000_000],
    ["1kB", 1000],
  ];
  for (const [text, bytes] of sizes) assert.is(parseBytes(text), bytes, text);
});

test("what is no size is not taken for one", () => {
  for (const text of [
    "",
    "much",
    "-1",
    "-1MiB",
    "1 parsec",
    "NaN",
    "Infinity",
    "9999999999999 GiB",
    "1MiB 2",
  ])
    assert.is(parseBytes(text), undefined, text);
});

test("rates are sizes, with or without the second", () => {
  for (const text of ["10MiB/s", "10MiB", " 10 MiB / s "])
    assert.is(parseBytesPerSecond(text), 10 * MIB, text);
  assert.is(parseBytesPerSecond("4096/s"), 4096);
  for (const text of ["", "/s", "s", "1MiB/min", "1MiB/s/s", "1MiBs"])
    assert.is(parseBytesPerSecond(text), undefined, text);
});

test("durations are read with units, and as seconds without", () => {
  const durations: [string, number][] = [
    ["0", 0],
    ["30", 30_000],
    ["1.5", 1500],
    ["250ms", 250],
    ["30s", 30_000],
    [" 5 min ", 300_000],
    ["1h", 3_600_000],
  ];
  for (const [text, ms] of durations) assert.is(parseDurationMs(text), ms, text);
});

test("what is no duration is not taken for one", () => {
  for (const text of ["", "soon", "-1s", "-1", "1 lightyear", "NaN", "s"])
    assert.is(parseDurationMs(text), undefined, text);
});

test("sizes and rates are written in binary units", () => {
  assert.is(formatBytes(0), "0 B");
  assert.is(formatBytes(1023), "1023 B");
  assert.is(formatBytes(KIB), "1 KiB");
  assert.is(formatBytes(1.5 * GIB), "1.5 GiB");
  assert.is(formatRate(112 * MIB), "112 MiB/s");
});

test("durations are written with at most two units, and never with 60 of one", () => {
  const durations: [number, string][] = [
    [0, "0 ms"],
    [850, "850 ms"],
    [999.4, "999 ms"],
    [999.6, "1 s"],
    [4200, "4.2 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min"],
    [65_000, "1 min 5 s"],
    [3_599_600, "1 h"],
    [7_800_000, "2 h 10 min"],
  ];
  for (const [ms, text] of durations) assert.is(formatDuration(ms), text, String(ms));
});

test.run();
