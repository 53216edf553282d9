// Growth of memory is told from memory that is taken once.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MemorySamples } from "../../bench/transfer/memory-samples.js";
import { GIB, MIB } from "../../src/core/units.js";

/** Samples at every tenth of a GiB up to 5. */
function samplesOf(residentMibAt: (gib: number) => number): MemorySamples {
  const samples = new MemorySamples();
  for (let tenth = 0; tenth <= 50; tenth++) samples.take((tenth / 10) * GIB, residentMibAt(tenth / 10) * MIB);
  return samples;
}

test("what is taken for each GiB is the slope, whatever is taken beside", () => {
  const samples = samplesOf((gib) => 100 + 3 * gib);
  assert.is(samples.slope(GIB).toFixed(6), "3.000000");
  assert.is(samples.peakMib.toFixed(6), "115.000000");
});

test("what is taken at the start does not count as growth", () => {
  assert.is(samplesOf((gib) => (gib < 1 ? 50 * gib : 90)).slope(GIB), 0);
});

test("too little to say is no growth, and a process that is gone is no sample", () => {
  const samples = new MemorySamples();
  samples.take(2 * GIB, 100 * MIB);
  samples.take(3 * GIB, 0);
  assert.is(samples.slope(GIB), 0);
  assert.is(samples.peakMib, 100);
});

test.run();
