// How much of a chunk goes at a time: little for who is new or slow, more the faster a peer takes it, less the less
// memory is free.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { defaultServerOptions } from "../../src/swarm/options.js";
import { SliceSize } from "../../src/swarm/uploading/slice-size.js";

const POOL_BYTES = defaultServerOptions.uploadBufferBytes;
const { minSliceBytes, maxSliceBytes, firstSliceBytes } = defaultServerOptions;

/** One that has sent `bytes` at `bytesPerSecond`, slice by slice, from `fromMs` on; and the time then. */
function send(size: SliceSize, bytes: number, bytesPerSecond: number, fromMs = 0): number {
  let nowMs = fromMs;
  for (let sent = 0; sent < bytes; ) {
    const slice = size.next(MIB, 0, POOL_BYTES, POOL_BYTES);
    size.waiting(nowMs);
    nowMs += (slice / bytesPerSecond) * 1000;
    size.taken(slice, nowMs);
    sent += slice;
  }
  return nowMs;
}

function sliceAt(bytesPerSecond: number): number {
  const size = new SliceSize(defaultServerOptions);
  send(size, 10 * MIB, bytesPerSecond);
  return size.next(4 * MIB, 0, POOL_BYTES, POOL_BYTES);
}

test("one of which nothing is known holds one slice of modest size, whatever a kernel takes for it at once", () => {
  const size = new SliceSize(defaultServerOptions);
  send(size, 7 * MIB, Number.POSITIVE_INFINITY);
  assert.is(size.next(MIB, 0, POOL_BYTES, POOL_BYTES), firstSliceBytes);
  assert.is(size.next(MIB, 1, POOL_BYTES, POOL_BYTES), 0);
  assert.is(
    size.next(MIB, 0, POOL_BYTES / 2, POOL_BYTES),
    minSliceBytes,
    "less where others have taken much",
  );
});

test("one that is slow from the start has smaller slices before it is measured", () => {
  const size = new SliceSize(defaultServerOptions);
  send(size, MIB, 500 * KIB);
  assert.is(size.next(MIB, 0, POOL_BYTES, POOL_BYTES), minSliceBytes);
});

test("a slice takes about 50 ms, within bounds", () => {
  assert.is(sliceAt(20 * KIB), 64 * KIB);
  assert.is(sliceAt(2 * MIB), 64 * KIB);
  assert.is(sliceAt(3 * MIB), 128 * KIB);
  assert.is(sliceAt(6 * MIB), 256 * KIB);
  assert.is(sliceAt(12 * MIB), 512 * KIB);
  assert.is(sliceAt(1000 * MIB), MIB);
  assert.is(sliceAt(Number.POSITIVE_INFINITY), MIB);
});

test("one that becomes slow is noticed within a second or a slice, one that becomes fast too", () => {
  const size = new SliceSize(defaultServerOptions);
  let nowMs = send(size, 10 * MIB, 1000 * MIB);
  assert.is(size.next(MIB, 0, POOL_BYTES, POOL_BYTES), MIB);
  nowMs = send(size, MIB, 500 * KIB, nowMs);
  assert.is(size.next(MIB, 0, POOL_BYTES, POOL_BYTES), minSliceBytes);
  nowMs = send(size, 16 * MIB, 1000 * MIB, nowMs);
  assert.is(size.next(MIB, 0, POOL_BYTES, POOL_BYTES), MIB);
});

test("time in which nothing waits for the kernel does not count", () => {
  const size = new SliceSize(defaultServerOptions);
  for (let sent = 0, nowMs = 0; sent < 20 * MIB; sent += 64 * KIB, nowMs += 10_000) {
    size.waiting(nowMs);
    size.taken(64 * KIB, nowMs + 0.1);
  }
  assert.is(size.next(MIB, 0, POOL_BYTES, POOL_BYTES), MIB);
});

test("a second slice goes beside the first while half of the memory is free", () => {
  const size = new SliceSize(defaultServerOptions);
  send(size, 10 * MIB, 1000 * MIB);
  assert.is(size.next(MIB, 1, POOL_BYTES - MIB, POOL_BYTES), MIB);
  assert.is(size.next(MIB, 2, POOL_BYTES - 2 * MIB, POOL_BYTES), 0);
  assert.is(size.next(MIB, 1, POOL_BYTES / 2 - 1, POOL_BYTES), 0);
});

test("no more memory is taken than the rest of a chunk needs", () => {
  const size = new SliceSize(defaultServerOptions);
  send(size, 10 * MIB, 1000 * MIB);
  assert.is(size.next(300_000, 0, POOL_BYTES, POOL_BYTES), 512 * KIB);
  assert.is(size.next(1, 0, POOL_BYTES, POOL_BYTES), minSliceBytes);
});

test("slices are powers of two within bounds, and more than 150 that stand still leave memory for others", () => {
  const rates = fc.array(fc.integer({ min: 1, max: 4000 * MIB }), { minLength: 150, maxLength: 150 });
  fc.assert(
    fc.property(rates, (all) => {
      let freeBytes = POOL_BYTES;
      for (const rate of all) {
        const size = new SliceSize(defaultServerOptions);
        send(size, 9 * MIB, rate);
        for (let inFlight = 0; ; inFlight++) {
          const bytes = size.next(4 * MIB, inFlight, freeBytes, POOL_BYTES);
          if (bytes === 0) break;
          assert.ok(bytes >= minSliceBytes && bytes <= maxSliceBytes && Number.isInteger(Math.log2(bytes)));
          freeBytes -= bytes;
        }
      }
      assert.ok(freeBytes >= minSliceBytes, `${freeBytes} bytes`);
    }),
    { numRuns: 20 },
  );
});

test.run();
