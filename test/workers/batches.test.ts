import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { KIB, MIB } from "../../src/core/units.js";
import { computeLayout, type Layout } from "../../src/manifest/layout.js";
import { chunkDigest, hashTasks, syncTasks, verifyTasks } from "../../src/workers/batches.js";
import type { ChunkRead } from "../../src/workers/tasks.js";
import { file } from "../manifest/craft.js";
import { CHUNK, mixedFolder, sampleShare } from "../storage/sample-share.js";

const CHUNK_BYTES = 64 * KIB;

const anySizes = fc.array(
  fc.oneof(fc.constant(0), fc.nat(3000), fc.integer({ min: CHUNK_BYTES - 1, max: 5 * MIB })),
  { maxLength: 40 },
);

const noIdentities = new BigInt64Array(0);
const noDigests = new Uint8Array(0);

/** What the runs of a chunk say, with real file indexes, as segments of the layout. */
function segmentsOf(chunk: ChunkRead, fileIndexes: readonly number[]) {
  let chunkOffset = 0;
  return chunk.runs.map(({ file: number, fileOffset, length }) => {
    const segment = { fileIndex: fileIndexes[number] ?? -1, fileOffset, chunkOffset, length };
    chunkOffset += length;
    return segment;
  });
}

function hashTasksOf(layout: Layout) {
  return [
    ...hashTasks(
      layout,
      Bitfield.full(layout.chunkCount),
      (fileIndex) => `/f${fileIndex}`,
      noIdentities,
      noDigests,
    ),
  ];
}

test("tasks that hash hold every chunk once, in order, each with its runs", () => {
  fc.assert(
    fc.property(anySizes, (sizes) => {
      const layout = computeLayout(sizes, CHUNK_BYTES);
      const seen: number[] = [];
      for (const task of hashTasksOf(layout)) {
        const fileIndexes = task.files.map((one) => one.fileIndex);
        assert.equal(
          task.files.map((one) => one.path),
          fileIndexes.map((fileIndex) => `/f${fileIndex}`),
        );
        for (const chunk of task.chunks) {
          seen.push(chunk.chunkIndex);
          assert.equal(segmentsOf(chunk, fileIndexes), layout.segments(chunk.chunkIndex));
        }
      }
      assert.equal(
        seen,
        Array.from({ length: layout.chunkCount }, (_, chunkIndex) => chunkIndex),
      );
    }),
    { numRuns: 50 },
  );
});

test("no task is larger than its bounds and one chunk more, whatever the sizes of files", () => {
  const cases = [
    Array.from({ length: 10_000 }, () => 10),
    Array.from({ length: 10_000 }, () => 60_000),
    [100 * MIB],
  ];
  for (const sizes of cases) {
    const layout = computeLayout(sizes, CHUNK_BYTES);
    const tasks = hashTasksOf(layout);
    assert.ok(tasks.length > 1);
    for (const { files, chunks } of tasks) {
      const bytes = chunks.reduce((sum, { chunkIndex }) => sum + layout.chunkLength(chunkIndex), 0);
      assert.ok(bytes <= 16 * MIB + CHUNK_BYTES);
      assert.ok(files.length <= 2 * 1024);
    }
  }
});

test("tasks are made when they are asked for", () => {
  let asked = 0;
  const layout = computeLayout([100 * MIB, 100 * MIB], CHUNK_BYTES);
  const pathOf = () => {
    asked++;
    return "/f";
  };
  hashTasks(layout, Bitfield.full(layout.chunkCount), pathOf, noIdentities, noDigests)
    [Symbol.iterator]()
    .next();
  assert.is(asked, 1);
});

test("tasks that verify hold the chunks that are asked for, with their digests and the sizes of their files", () => {
  const share = mixedFolder();
  const { manifest } = share;
  const [task, ...more] = verifyTasks(manifest, [0, 3], (filePath) => `/part/${filePath}`);
  assert.equal(more, []);
  assert.equal(task?.files, [
    { path: "/part/a/one", size: 10 },
    { path: "/part/a/two", size: 1000 },
    { path: "/part/z", size: 5000 },
    { path: "/part/b/deep/large", size: 2 * CHUNK + 123 },
  ]);
  assert.equal(
    task?.chunks.map(({ chunkIndex, runs, digest }) => ({ chunkIndex, runs, digest: Buffer.from(digest) })),
    [
      {
        chunkIndex: 0,
        runs: [
          { file: 0, fileOffset: 0, length: 10 },
          { file: 1, fileOffset: 0, length: 1000 },
          { file: 2, fileOffset: 0, length: 5000 },
        ],
        digest: Buffer.from(manifest.chunkDigests.subarray(0, 32)),
      },
      {
        chunkIndex: 3,
        runs: [{ file: 3, fileOffset: 2 * CHUNK, length: 123 }],
        digest: Buffer.from(manifest.chunkDigests.subarray(96, 128)),
      },
    ],
  );
  assert.equal([...verifyTasks(manifest, [], (filePath) => filePath)], []);
});

test("tasks that make durable hold every path once, in order, a bounded number each", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ path: fc.string() }), { maxLength: 300 }), (entries) => {
      const tasks = [...syncTasks(entries)];
      assert.equal(
        tasks.flatMap((task) => task.entries),
        entries,
      );
      for (const task of tasks) assert.ok(task.entries.length >= 1 && task.entries.length <= 64);
    }),
  );
});

test("the digest of a chunk is a copy of its own 32 bytes", () => {
  const { manifest } = sampleShare({ files: [file("a", CHUNK), file("b", CHUNK)] });
  // Digests that came over the wire are a view of what was read: a Buffer, whose slice() is a view as well.
  for (const chunkDigests of [manifest.chunkDigests, Buffer.from(manifest.chunkDigests)]) {
    const digest = chunkDigest({ ...manifest, chunkDigests }, 1);
    assert.equal(digest, Uint8Array.from(manifest.chunkDigests.subarray(32, 64)));
    assert.is(digest.buffer.byteLength, 32);
  }
});

test.run();
