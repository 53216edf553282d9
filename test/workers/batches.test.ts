import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { KIB, MIB } from "../../src/core/units.js";
import { computeLayout, type Layout } from "../../src/manifest/layout.js";
import { chunkDigest, hashTasks, syncTasks, verifyTasks } from "../../src/workers/batches.js";
import { packRuns, unpackEntries, unpackRuns } from "../../src/workers/packed-runs.js";
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
    task?.chunks.map(({ chunkIndex, runs, digest }) => ({ chunkIndex, runs, digest })),
    [
      {
        chunkIndex: 0,
        runs: [
          { file: 0, fileOffset: 0, length: 10 },
          { file: 1, fileOffset: 0, length: 1000 },
          { file: 2, fileOffset: 0, length: 5000 },
        ],
        digest: Buffer.from(manifest.chunkDigests.subarray(0, 32)).toString("latin1"),
      },
      {
        chunkIndex: 3,
        runs: [{ file: 3, fileOffset: 2 * CHUNK, length: 123 }],
        digest: Buffer.from(manifest.chunkDigests.subarray(96, 128)).toString("latin1"),
      },
    ],
  );
  assert.equal([...verifyTasks(manifest, [], (filePath) => filePath)], []);
});

const PLAIN = { noNullPrototype: true } as const;
const arbitraryPath = fc.string().map((text) => text.replaceAll("\0", ""));
const arbitrarySize = fc.nat(Number.MAX_SAFE_INTEGER);
const arbitraryEntry = fc.oneof(
  fc.record({ path: arbitraryPath }, PLAIN),
  fc.record({ path: arbitraryPath, fileBytes: arbitrarySize }, PLAIN),
);

test("where a chunk goes is the same after it was handed over", () => {
  const number = fc.nat(Number.MAX_SAFE_INTEGER);
  const run = fc.record(
    {
      ...{ fd: fc.option(fc.nat(), { nil: undefined }), path: arbitraryPath, executable: fc.boolean() },
      ...{ fileOffset: number, chunkOffset: number, length: number },
      fileBytes: fc.option(number, { nil: undefined }),
    },
    PLAIN,
  );
  fc.assert(fc.property(fc.array(run), (runs) => assert.equal(unpackRuns(packRuns(runs)), runs)));
});

test("tasks that make durable hold every path once, in order, a bounded number each", () => {
  fc.assert(
    fc.property(fc.array(arbitraryEntry, { maxLength: 3_000 }), (entries) => {
      const tasks = [...syncTasks(entries)];
      assert.equal(
        tasks.flatMap((task) => unpackEntries(task.entries)),
        entries,
      );
      for (const task of tasks) {
        const count = unpackEntries(task.entries).length;
        assert.ok(count >= 1 && count <= 512);
      }
    }),
  );
});

test("the digest of a chunk is its own 32 bytes, as characters", () => {
  const { manifest } = sampleShare({ files: [file("a", CHUNK), file("b", CHUNK)] });
  // Digests that came over the wire are a view of what was read.
  for (const chunkDigests of [manifest.chunkDigests, Buffer.from(manifest.chunkDigests)]) {
    const digest = chunkDigest({ ...manifest, chunkDigests }, 1);
    assert.equal(Buffer.from(digest, "latin1"), Buffer.from(manifest.chunkDigests.subarray(32, 64)));
  }
});

test.run();
