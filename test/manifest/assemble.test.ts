import { createHash } from "node:crypto";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { KIB, MIB } from "../../src/core/units.js";
import { assembleManifest, type ShareContent } from "../../src/manifest/assemble.js";
import {
  bodyPageBytes,
  bodyPageCount,
  checkBodyPage,
  checkManifest,
  checkRoot,
} from "../../src/manifest/check.js";
import { chooseChunkSize, computeLayout } from "../../src/manifest/layout.js";
import type { FileEntry, Manifest } from "../../src/manifest/manifest.js";
import { sortEntries } from "../../src/manifest/names.js";
import { file, madeUpDigests } from "./craft.js";

function folder(files: readonly FileEntry[], rest: Partial<ShareContent> = {}): ShareContent {
  const sorted = sortEntries(files);
  const sizes = sorted.map(({ size }) => size);
  const chunkSize = rest.chunkSize ?? 64 * KIB;
  return {
    name: "share",
    kind: "folder",
    chunkSize,
    files: sorted,
    emptyDirectories: [],
    symbolicLinks: [],
    chunkDigests: madeUpDigests(computeLayout(sizes, chunkSize).chunkCount),
    ...rest,
  };
}

/** Reads a manifest back as a stranger would; everything but the layout's inside must be the same. */
function assertReadsBack(manifest: Manifest): Manifest {
  const root = checkRoot(manifest.root.bytes);
  const read = checkManifest(root, root.inlineBody ?? manifest.bodyBytes);
  const { layout, bodyBytes, root: _, ...fields } = read;
  const { layout: wantedLayout, bodyBytes: wantedBody, root: wantedRoot, ...wantedFields } = manifest;
  assert.is(Buffer.compare(bodyBytes, wantedBody), 0);
  assert.equal(
    { ...fields, chunkDigests: Buffer.from(fields.chunkDigests) },
    {
      ...wantedFields,
      chunkDigests: Buffer.from(wantedFields.chunkDigests),
    },
  );
  assert.is(root.contentId, wantedRoot.contentId);
  assert.is(root.totalSize, wantedRoot.totalSize);
  assert.is(layout.chunkCount, wantedLayout.chunkCount);
  return read;
}

function throwsCode(run: () => unknown, code: string, message: RegExp): void {
  assert.throws(run, (error: unknown) => {
    if (!(error instanceof GoshareError)) return false;
    assert.is(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

const component = fc
  .string({ unit: fc.constantFrom("a", "b", "-", ".", "é", "😀"), minLength: 1, maxLength: 6 })
  .filter((name) => name !== "." && name !== "..");
const content = fc
  .record({
    paths: fc.uniqueArray(
      fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
      {
        maxLength: 40,
      },
    ),
    size: fc.integer({ min: 0, max: 300_000 }),
    salt: fc.nat(),
  })
  .map(({ paths, size, salt }) => {
    // No path may lie in another: drop those that have one of the others above them.
    const kept = paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
    return folder(
      kept
        .filter((_, index) => index % 5 < 3)
        .map((path, index) => file(path, (size * index + salt) % 300_000, index % 3 === 0)),
      {
        emptyDirectories: kept.filter((_, index) => index % 5 === 3),
        symbolicLinks: kept.filter((_, index) => index % 5 === 4).map((path) => ({ path, target: "." })),
      },
    );
  });

test("what is assembled is read back the same", () => {
  fc.assert(
    fc.property(content, (share) => {
      assertReadsBack(assembleManifest(share));
    }),
    { numRuns: 200 },
  );
});

test("the content id is the SHA-256 of the root's bytes and does not depend on the order of links and directories", () => {
  const share = folder([file("b", 10), file("a", 20)], {
    emptyDirectories: ["z", "y"],
    symbolicLinks: [
      { path: "m", target: "a" },
      { path: "l", target: "b" },
    ],
  });
  const one = assembleManifest(share);
  const other = assembleManifest({
    ...share,
    emptyDirectories: [...share.emptyDirectories].reverse(),
    symbolicLinks: [...share.symbolicLinks].reverse(),
  });
  assert.is(one.root.contentId, createHash("sha256").update(one.root.bytes).digest("hex"));
  assert.is(one.root.contentId, other.root.contentId);
  assert.equal(one.emptyDirectories, ["y", "z"]);
});

test("an empty folder has an empty body and no chunks", () => {
  const manifest = assembleManifest(folder([]));
  assert.is(manifest.bodyBytes.length, 0);
  assert.is(manifest.layout.chunkCount, 0);
  assertReadsBack(manifest);
});

test("a single file is a share of its own kind", () => {
  const manifest = assembleManifest(folder([file("share", 100_000)], { kind: "file" }));
  assert.is(assertReadsBack(manifest).root.kind, "file");
  throwsCode(
    () => assembleManifest(folder([file("other", 1)], { kind: "file" })),
    "SOURCE_UNSUPPORTED",
    /file/,
  );
});

test("a body over 512 KiB is paged, and each page has its digest", () => {
  const files = Array.from({ length: 60_000 }, (_, index) =>
    file(`directory-${index % 100}/file-${index}`, index),
  );
  const manifest = assembleManifest(folder(files));
  const { root, bodyBytes } = manifest;
  assert.is(root.inlineBody, undefined);
  assert.is(bodyPageCount(root), Math.ceil(bodyBytes.length / MIB));
  for (let page = 1; page <= bodyPageCount(root); page++) {
    const bytes = bodyBytes.slice((page - 1) * MIB, page * MIB);
    assert.is(bodyPageBytes(root, page), bytes.length);
    assert.ok(checkBodyPage(root, page, bytes));
    assert.not(checkBodyPage(root, page, bytes.subarray(1)));
    bytes[17] = (bytes[17] ?? 0) ^ 1;
    assert.not(checkBodyPage(root, page, bytes));
  }
  assert.throws(() => bodyPageBytes(root, 0));
  assert.throws(() => checkBodyPage(root, bodyPageCount(root) + 1, bodyBytes));
  assertReadsBack(manifest);
});

test("what no manifest may hold is refused with the path it is about", () => {
  const cases: readonly (readonly [ShareContent, RegExp])[] = [
    [folder([], { name: ".." }), /the share's name "\.\." is "\.\."/],
    [folder([file("bad\u0007name", 1)]), /bad<U\+0007>name/],
    [folder([file("a\ud800", 1)]), /<U\+D800>/],
    [folder([file("same", 1), file("same", 1)]), /"same" appears twice/],
    [folder([file("d", 1), file("d/f", 1)]), /"d" has "d\/f" in it/],
    [folder([], { symbolicLinks: [{ path: "l", target: "../x" }] }), /link "l" points outside/],
    [folder([], { emptyDirectories: ["/e"] }), /"\/e" is absolute/],
  ];
  for (const [share, message] of cases)
    throwsCode(() => assembleManifest(share), "SOURCE_UNSUPPORTED", message);
});

test("a share larger than the format allows is refused", () => {
  const huge = [file("a", Number.MAX_SAFE_INTEGER), file("b", 1)];
  throwsCode(
    () => assembleManifest({ ...folder([]), files: huge }),
    "LIMIT_EXCEEDED",
    /more than 2\^53 - 1 bytes/,
  );
  throwsCode(
    () => assembleManifest({ ...folder([]), files: [file("a", 2 ** 50)] }),
    "LIMIT_EXCEEDED",
    /chunks of 65536 bytes/,
  );
});

test("files out of order and digests that do not match the layout are bugs of the caller", () => {
  assert.throws(() => assembleManifest({ ...folder([]), files: [file("b"), file("a")] }), /is out of order/);
  assert.throws(
    () => assembleManifest(folder([file("a", 1)], { chunkDigests: new Uint8Array(31) })),
    /one digest/,
  );
});

test("200,000 small files are laid out, assembled and checked", () => {
  const files = sortEntries(
    Array.from({ length: 200_000 }, (_, index) =>
      file(`d${index % 500}/file-${index}`, 4096 + (index % 100)),
    ),
  );
  const sizes = files.map(({ size }) => size);
  const chunkSize = chooseChunkSize(sizes);
  const { chunkCount } = computeLayout(sizes, chunkSize);
  const chunkDigests = madeUpDigests(chunkCount);
  const manifest = assembleManifest(folder([], { files, chunkSize, chunkDigests }));
  const root = checkRoot(manifest.root.bytes);
  const read = checkManifest(root, manifest.bodyBytes);
  assert.is(read.files.length, 200_000);
  assert.ok(chunkCount < 1000);
});

test("a file of 3 TiB with its 786,432 digests is assembled and checked in memory of their order", () => {
  const size = 3 * 1024 ** 4;
  const chunkSize = chooseChunkSize([size]);
  assert.is(chunkSize, 4 * MIB);
  const chunkDigests = madeUpDigests(786_432);
  const before = process.memoryUsage().rss;
  const manifest = assembleManifest(
    folder([], { kind: "file", files: [file("share", size)], chunkSize, chunkDigests }),
  );
  const root = checkRoot(manifest.root.bytes);
  const read = checkManifest(root, manifest.bodyBytes);
  const grown = process.memoryUsage().rss - before;
  assert.is(read.layout.chunkCount, 786_432);
  assert.is(bodyPageCount(root), 25);
  // 24 MiB of digests, held by the maker, the body and its encoder's buffers.
  assert.ok(grown < 256 * MIB, `${Math.round(grown / MIB)} MiB`);
});

test.run();
