import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { GIB, KIB, MIB } from "../../src/core/units.js";
import { chooseChunkSize, computeLayout, countChunks, type Layout } from "../../src/manifest/layout.js";
import { MAX_CHUNKS, MAX_PACK_FILES } from "../../src/manifest/limits.js";
import { naiveLayout } from "./naive-layout.js";

const CHUNK = 64 * KIB;

function allSegments(layout: Layout) {
  return Array.from({ length: layout.chunkCount }, (_, index) => [...layout.segments(index)]);
}

const fileSize = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 2000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: CHUNK }) },
  { weight: 1, arbitrary: fc.constantFrom(CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK - 1) },
  { weight: 1, arbitrary: fc.integer({ min: CHUNK, max: 20 * CHUNK }) },
);

test("any files are laid out as the rule in manifest.proto says", () => {
  fc.assert(
    fc.property(fc.array(fileSize, { maxLength: 300 }), (sizes) => {
      const layout = computeLayout(sizes, CHUNK);
      const expected = naiveLayout(sizes, CHUNK);
      assert.is(layout.chunkCount, expected.length);
      assert.is(countChunks(sizes, CHUNK), expected.length);
      assert.equal(allSegments(layout), expected);
    }),
    { numRuns: 300 },
  );
});

test("every byte of every file is in exactly one chunk, and chunks have the length of their segments", () => {
  fc.assert(
    fc.property(fc.array(fileSize, { maxLength: 200 }), (sizes) => {
      const layout = computeLayout(sizes, CHUNK);
      const covered = sizes.map(() => 0);
      for (let chunk = 0; chunk < layout.chunkCount; chunk++) {
        let chunkOffset = 0;
        for (const segment of layout.segments(chunk)) {
          assert.is(segment.chunkOffset, chunkOffset);
          // Chunks of a file come in ascending order, so its bytes so far are where the next ones begin.
          assert.is(segment.fileOffset, covered[segment.fileIndex]);
          assert.ok(segment.length > 0);
          covered[segment.fileIndex] = segment.fileOffset + segment.length;
          chunkOffset += segment.length;
        }
        assert.is(layout.chunkLength(chunk), chunkOffset);
        assert.ok(chunkOffset > 0 && chunkOffset <= CHUNK);
      }
      assert.equal(covered, sizes);
    }),
    { numRuns: 200 },
  );
});

test("chunksOfFile names exactly the chunks that have segments of the file", () => {
  fc.assert(
    fc.property(fc.array(fileSize, { maxLength: 100 }), (sizes) => {
      const layout = computeLayout(sizes, CHUNK);
      const found = sizes.map((): number[] => []);
      for (let chunk = 0; chunk < layout.chunkCount; chunk++) {
        for (const { fileIndex } of layout.segments(chunk)) found[fileIndex]?.push(chunk);
      }
      sizes.forEach((_, fileIndex) => {
        const { first, count } = layout.chunksOfFile(fileIndex);
        assert.equal(
          Array.from({ length: count }, (_, index) => first + index),
          found[fileIndex],
        );
      });
    }),
    { numRuns: 200 },
  );
});

test("a pack holds 1,024 files and no more", () => {
  const layout = computeLayout(new Array<number>(2 * MAX_PACK_FILES + 1).fill(1), MIB);
  assert.equal(
    allSegments(layout).map((segments) => segments.length),
    [1024, 1024, 1],
  );
});

test("a large file does not close the open pack", () => {
  const layout = computeLayout([10, 3 * CHUNK, 10, 0, CHUNK, 10], CHUNK);
  assert.is(layout.chunkCount, 5);
  assert.equal(
    layout.segments(0).map(({ fileIndex }) => fileIndex),
    [0, 2, 5],
  );
  assert.equal(layout.chunksOfFile(4), { first: 4, count: 1 });
  assert.equal(layout.chunksOfFile(3), { first: 0, count: 0 });
});

test("a file that fills the rest of a pack exactly goes in, one byte more opens a new pack", () => {
  assert.is(computeLayout([1, CHUNK - 1], CHUNK).chunkCount, 1);
  assert.is(computeLayout([2, CHUNK - 1], CHUNK).chunkCount, 2);
});

test("a share of empty files only has no chunks", () => {
  const layout = computeLayout([0, 0, 0], CHUNK);
  assert.is(layout.chunkCount, 0);
  assert.throws(() => layout.segments(0), /chunk 0 of 0/);
});

test("a file of 3 TiB costs as little as a small one", () => {
  const size = 3 * 1024 * GIB;
  const layout = computeLayout([100, size, 100], 4 * MIB);
  assert.is(layout.chunkCount, 786_433);
  assert.equal(layout.chunksOfFile(1), { first: 1, count: 786_432 });
  const last = { fileIndex: 1, fileOffset: size - 4 * MIB, chunkOffset: 0, length: 4 * MIB };
  assert.equal(layout.segments(786_432), [last]);
});

test("more chunks than the format allows are refused", () => {
  const largest = (MAX_CHUNKS - 1) * CHUNK;
  assert.is(computeLayout([largest, 1], CHUNK).chunkCount, MAX_CHUNKS);
  assert.throws(
    () => computeLayout([largest, CHUNK, 1], CHUNK),
    (error: unknown) => error instanceof GoshareError && error.code === "LIMIT_EXCEEDED",
  );
});

test("writers take the smallest chunk size that gives at most 2^20 chunks", () => {
  const table: readonly (readonly [totalSize: number, chunkSize: number])[] = [
    [0, MIB],
    [1, MIB],
    [1024 * GIB, MIB],
    [1024 * GIB + 1, 2 * MIB],
    [2 * 1024 * GIB, 2 * MIB],
    [2 * 1024 * GIB + 1, 4 * MIB],
    [100 * 1024 * GIB, 4 * MIB],
  ];
  for (const [totalSize, chunkSize] of table) assert.is(chooseChunkSize([totalSize]), chunkSize);
  // Files of a little over half a MiB waste most of a pack, unless two fit into one.
  assert.is(chooseChunkSize(new Float64Array(2 ** 20 + 1).fill(MIB / 2 + 1)), 2 * MIB);
});

test.run();
