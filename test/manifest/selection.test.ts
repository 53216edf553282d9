import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Selection } from "../../src/manifest/selection.js";
import { CHUNK, mixedFolder, sampleShare } from "../storage/sample-share.js";
import { file } from "./craft.js";
import { naiveLayout } from "./naive-layout.js";

test("all of a share is all of its entries, and every chunk whole", () => {
  const { manifest } = mixedFolder();
  const selection = new Selection(manifest);
  assert.is(selection.files, manifest.files);
  assert.equal(selection.symbolicLinks, manifest.symbolicLinks);
  assert.equal(selection.emptyDirectories, manifest.emptyDirectories);
  assert.equal([selection.bytes, selection.chunks.isFull], [manifest.root.totalSize, true]);
  assert.equal([selection.hasAllChunks, selection.hasPartialChunks, selection.isEmpty], [true, false, false]);
});

test("files, empty folders and links are selected by their own paths", () => {
  const { manifest } = mixedFolder();
  const selection = new Selection(manifest, (path) => ["a/one", "hollow", "a/to-large"].includes(path));
  assert.equal(
    selection.files.map(({ path }) => path),
    ["a/one"],
  );
  assert.equal(selection.emptyDirectories, ["hollow"]);
  assert.equal(
    selection.symbolicLinks.map(({ path }) => path),
    ["a/to-large"],
  );
  assert.equal([selection.bytes, selection.chunks.count], [10, 1]);
  // It shares its chunk with others.
  assert.equal([selection.hasPartialChunks, selection.hasAllChunks], [true, false]);
  assert.ok(new Selection(manifest, () => false).isEmpty);
});

const anySizes = fc.array(
  fc.oneof(fc.constant(0), fc.nat(30_000), fc.integer({ min: CHUNK, max: 3 * CHUNK })),
  {
    maxLength: 25,
  },
);

test("chunks and bytes are those of the selected files, whatever their sizes", () => {
  fc.assert(
    fc.property(anySizes, fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), (sizes, meant) => {
      const files = sizes.map((size, index) => file(`f${String(index).padStart(2, "0")}`, size));
      const { manifest } = sampleShare({ files });
      const isMeant = (fileIndex: number) => meant[fileIndex] === true;
      const selection = new Selection(manifest, (path) => isMeant(Number(path.slice(1))));
      const wanted = naiveLayout(sizes, CHUNK).map((segments) =>
        segments.filter(({ fileIndex }) => isMeant(fileIndex)),
      );
      const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
      assert.is(selection.bytes, sum(sizes.filter((_, fileIndex) => isMeant(fileIndex))));
      let partial = false;
      for (const [chunkIndex, segments] of wanted.entries()) {
        assert.equal(selection.segments(chunkIndex), segments);
        const bytes = sum(segments.map(({ length }) => length));
        assert.is(selection.bytesIn(chunkIndex), bytes);
        assert.is(selection.chunks.has(chunkIndex), bytes > 0);
        const isWhole = bytes === manifest.layout.chunkLength(chunkIndex);
        assert.is(selection.isWholeChunk(chunkIndex), isWhole);
        if (bytes > 0 && !isWhole) partial = true;
      }
      assert.is(selection.hasPartialChunks, partial);
      assert.is(
        selection.hasAllChunks,
        wanted.every((_, index) => selection.isWholeChunk(index)),
      );
    }),
    { numRuns: 200 },
  );
});

test.run();
