import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HashAlgorithm, ShareKind } from "../../gen/goshare/v1/manifest_pb.js";
import { GoshareError } from "../../src/core/errors.js";
import { KIB, MIB } from "../../src/core/units.js";
import { checkManifest, checkRoot } from "../../src/manifest/check.js";
import type { Manifest } from "../../src/manifest/manifest.js";
import { bodyBytes, file, madeUpDigests, rootBytes, withField } from "./craft.js";

function errorOf(run: () => unknown): GoshareError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof GoshareError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

function assertInvalid(run: () => unknown, message: RegExp): void {
  const error = errorOf(run);
  assert.is(error.code, "MANIFEST_INVALID");
  assert.match(error.message, message);
}

function read(root: Uint8Array): Manifest {
  const checked = checkRoot(root);
  return checkManifest(checked, checked.inlineBody ?? new Uint8Array(0));
}

const GOOD_BODY = bodyBytes({
  files: [
    { path: "a", size: 100_000n },
    { path: "d/b", size: 10n, executable: true },
  ],
  emptyDirectories: ["e"],
  symbolicLinks: [{ path: "l", target: "d/b" }],
  chunkDigests: madeUpDigests(3),
});
/** A number that neither enum knows, as a newer goshare might send it. */
const UNKNOWN_NUMBER: number = 3;
const GOOD = { totalSize: 100_010n, chunkCount: 3, entryCount: 4 };

test("a good manifest passes and is what was written", () => {
  const manifest = read(rootBytes(GOOD_BODY, GOOD));
  assert.equal(manifest.files, [file("a", 100_000), file("d/b", 10, true)]);
  assert.equal(manifest.symbolicLinks, [{ path: "l", target: "d/b" }]);
  assert.is(manifest.layout.chunkCount, 3);
});

test("a checked root keeps its own copy of the bytes", () => {
  const bytes = Buffer.from(rootBytes(GOOD_BODY, GOOD));
  const root = checkRoot(bytes);
  const before = Buffer.from(root.bytes);
  bytes.fill(0);
  assert.is(Buffer.compare(root.bytes, before), 0);
  assert.is(Buffer.compare(root.inlineBody ?? new Uint8Array(0), GOOD_BODY), 0);
});

test("a root over 1 MiB is refused by its length", () => {
  assertInvalid(() => checkRoot(new Uint8Array(MIB + 1)), /more than 1048576/);
});

test("a newer format is told from damage, whatever else is in it", () => {
  const newer = errorOf(() => checkRoot(Buffer.from("0802ffffffff", "hex")));
  assert.is(newer.code, "NEWER_FORMAT");
  assert.is(newer.exitCode, 2);
  assertInvalid(() => checkRoot(new Uint8Array(0)), /not a manifest/);
  assertInvalid(() => checkRoot(Buffer.from("0800", "hex")), /not a manifest/);
  assertInvalid(() => checkRoot(Buffer.from("<!DOCTYPE html>")), /not a manifest/);
});

test("a root that breaks a rule of its own is refused with the rule", () => {
  const bad: readonly (readonly [Parameters<typeof rootBytes>[1], RegExp])[] = [
    [{ name: "" }, /name "" is empty/],
    [{ name: "a/b" }, /name "a\/b" holds/],
    [{ kind: ShareKind.UNSPECIFIED }, /kind 0/],
    [{ kind: UNKNOWN_NUMBER }, /kind 3/],
    [{ kind: ShareKind.FILE }, /one file has 4 entries/],
    [{ hashAlgorithm: HashAlgorithm.UNSPECIFIED }, /hash algorithm 0/],
    [{ hashAlgorithm: UNKNOWN_NUMBER }, /hash algorithm 3/],
    [{ chunkSize: 0 }, /chunk size is 0/],
    [{ chunkSize: 32 * KIB }, /chunk size is 32768/],
    [{ chunkSize: 8 * MIB }, /chunk size is 8388608/],
    [{ chunkSize: 65_537 }, /chunk size is 65537/],
    [{ totalSize: 2n ** 53n }, /total size is 9007199254740992/],
    [{ totalSize: 2n }, /cannot be 2 bytes/],
    [{ totalSize: 3n * 65_536n + 1n }, /cannot be 196609 bytes/],
    [{ chunkCount: 2 ** 24 + 1 }, /16777217 chunks/],
    [{ entryCount: 2 ** 23 + 1 }, /8388609 entries/],
    [{ entryCount: 1000 }, /cannot hold its entries/],
    [{ bodySize: 1n }, /cannot hold its entries/],
    [{ bodySize: BigInt(GOOD_BODY.length + 1) }, /are announced/],
    [{ bodySize: 2n ** 30n + 1n }, /more than 1073741824/],
    [{ bodyForm: { case: undefined } }, /no body/],
    [{ bodyForm: { case: "bodyDigests", value: madeUpDigests(1) } }, /must hold itself/],
    [
      { bodySize: BigInt(MIB), bodyForm: { case: "bodyDigests", value: madeUpDigests(2) } },
      /64 bytes of page digests/,
    ],
    [
      { bodySize: BigInt(MIB), bodyForm: { case: "bodyDigests", value: new Uint8Array(31) } },
      /31 bytes of page digests/,
    ],
    [
      { bodySize: BigInt(600 * KIB), bodyForm: { case: "body", value: new Uint8Array(600 * KIB) } },
      /must be paged/,
    ],
  ];
  for (const [changes, message] of bad) {
    assertInvalid(() => checkRoot(rootBytes(GOOD_BODY, { ...GOOD, ...changes })), message);
  }
});

test("a root is read strictly; hints are ignored", () => {
  const good = rootBytes(GOOD_BODY, GOOD);
  assertInvalid(() => checkRoot(withField(good, "08 01")), /field 1 twice/);
  assertInvalid(() => checkRoot(withField(good, "5a 01 00")), /field 11 twice/);
  assertInvalid(() => checkRoot(withField(good, "60 01")), /field 12 that its format does not know/);
  assertInvalid(() => checkRoot(good.subarray(0, -1)), /cut short/);
  assertInvalid(() => checkRoot(withField(good, "c2 3e 05 00")), /cut short/);
  // Field 1000, bytes and varint.
  const hinted = checkRoot(withField(good, "c2 3e 02 ab cd c0 3e 05"));
  assert.is(hinted.totalSize, 100_010);
  assert.is.not(hinted.contentId, checkRoot(good).contentId);
});

type BadBody = readonly [
  body: Parameters<typeof bodyBytes>[0],
  changes: Parameters<typeof rootBytes>[1],
  RegExp,
];
const files = (...paths: readonly string[]) => paths.map((path) => ({ path }));

test("a body that breaks a rule is refused with the rule and the path", () => {
  const bad: readonly BadBody[] = [
    [{ files: files("b", "a") }, {}, /"b" is out of order/],
    [{ emptyDirectories: ["b", "a"] }, {}, /"b" is out of order/],
    [{ files: files("\uffff", "😀", "\ue000") }, {}, /is out of order/],
    [{ files: files("a", "a") }, {}, /"a" appears twice/],
    [{ files: files("a"), emptyDirectories: ["a"] }, {}, /"a" appears twice/],
    [{ emptyDirectories: ["a"], symbolicLinks: [{ path: "a", target: "." }] }, {}, /"a" appears twice/],
    [{ files: files("a", "a-", "a/b") }, {}, /"a" has "a\/b" in it/],
    [
      { files: files("a/b/c/d"), symbolicLinks: [{ path: "a/b", target: "x" }] },
      {},
      /"a\/b" has "a\/b\/c\/d" in it/,
    ],
    [{ files: files("a/b"), emptyDirectories: ["a"] }, {}, /"a" has "a\/b" in it/],
    [{ files: files("../a") }, {}, /"\.\.\/a" has a component/],
    [{ files: files("", "abc") }, {}, /"" is empty/],
    [{ files: files("a//b") }, {}, /component that is empty/],
    [{ files: files("a\u202eb") }, {}, /<U\+202E>/],
    [{ files: files("x".repeat(256)) }, {}, /256 bytes/],
    [{ emptyDirectories: ["/e"] }, {}, /absolute/],
    [{ symbolicLinks: [{ path: "l", target: "../x" }] }, {}, /"l" points outside/],
    [{ symbolicLinks: [{ path: "l", target: "" }] }, {}, /"l" points nowhere/],
    [{ files: [{ path: "a", size: 2n ** 53n }] }, {}, /size of a file is 9007199254740992/],
    [
      {
        files: [
          { path: "a", size: 2n ** 53n - 1n },
          { path: "b", size: 1n },
        ],
      },
      {},
      /too many bytes/,
    ],
    [
      { files: [{ path: "a", size: 1n }], chunkDigests: madeUpDigests(1) },
      { chunkCount: 1, totalSize: 2n },
      /1 bytes, but its root says 2/,
    ],
    [
      {
        files: [
          { path: "a", size: 1n },
          { path: "b", size: 1n },
        ],
        chunkDigests: madeUpDigests(2),
      },
      { chunkCount: 2, totalSize: 2n },
      /1 chunks, but its root says 2/,
    ],
    [
      { files: [{ path: "a", size: 1n }], chunkDigests: madeUpDigests(2) },
      { chunkCount: 1, totalSize: 1n },
      /64 bytes of digests for 1/,
    ],
    [{ files: files("a") }, { entryCount: 0 }, /more entries than the 0/],
    [{ files: files("a-long-name") }, { entryCount: 2 }, /1 entries, but its root says 2/],
    [{ files: files("other") }, { kind: ShareKind.FILE }, /a name other than its own/],
    [{ emptyDirectories: ["share"] }, { kind: ShareKind.FILE }, /entries other than that file/],
  ];
  for (const [body, changes, message] of bad) {
    const entryCount =
      (body.files?.length ?? 0) + (body.emptyDirectories?.length ?? 0) + (body.symbolicLinks?.length ?? 0);
    assertInvalid(() => read(rootBytes(bodyBytes(body), { entryCount, ...changes })), message);
  }
});

test("a body is read strictly at every depth; hints are ignored", () => {
  const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
  const readOne = (text: string) => read(rootBytes(hex(text), { entryCount: 1 }));
  assert.equal(readOne("0a 03 0a 01 61").files, [file("a")]);
  assert.equal(readOne("0a 06 0a 01 61 c0 3e 01").files, [file("a")]);
  assert.equal(readOne("0a 03 0a 01 61 c0 3e 01").files, [file("a")]);
  assertInvalid(() => readOne("0a 05 0a 01 61 20 01"), /FileEntry has a field 4/);
  assertInvalid(() => readOne("0a 06 0a 01 61 0a 01 61"), /FileEntry has field 1 twice/);
  assertInvalid(() => readOne("0a 05 0a 01 61 10 00"), /spells out field 2/);
  assertInvalid(() => readOne("0a 04 0a 81 00 61"), /padded/);
  assertInvalid(() => readOne("0a 01 0a 01 61"), /FileEntry is cut short/);
  assertInvalid(() => readOne("0a 03 0a 01 ff"), /UTF-8/);
  assertInvalid(() => readOne("0a 05 0a 03 f0 9f 98"), /UTF-8/);
  assertInvalid(() => readOne("0a 05 0a 03 ed a0 80"), /UTF-8/);
  assert.equal(readOne("0a 05 0a 03 ef bb bf").files, [file("\ufeff")]);
});

test("a body other than the one in the root, or pages that were exchanged, are refused", () => {
  const root = checkRoot(rootBytes(GOOD_BODY, GOOD));
  const changed = Buffer.from(GOOD_BODY);
  changed[5] = (changed[5] ?? 0) ^ 1;
  assertInvalid(() => checkManifest(root, changed), /not the one that the manifest's root holds/);
  assertInvalid(() => checkManifest(root, GOOD_BODY.subarray(1)), /bytes, but its root says/);

  const chunks = 50_000;
  const large = bodyBytes({
    files: [{ path: "a", size: BigInt(chunks * 64 * KIB) }],
    chunkDigests: madeUpDigests(chunks),
  });
  const paged = checkRoot(
    rootBytes(large, { chunkCount: chunks, entryCount: 1, totalSize: BigInt(chunks * 64 * KIB) }),
  );
  assert.is(checkManifest(paged, large).layout.chunkCount, chunks);
  const damaged = Buffer.from(large);
  damaged[MIB + 5] = (damaged[MIB + 5] ?? 0) ^ 1;
  assertInvalid(() => checkManifest(paged, damaged), /page 2 /);
});

test("any damage to a root or body gives a typed error or a manifest, never another exception", () => {
  const good = rootBytes(GOOD_BODY, GOOD);
  const attempt = (bytes: Uint8Array) => {
    try {
      read(bytes);
    } catch (thrown) {
      assert.instance(thrown, GoshareError);
      assert.ok(thrown instanceof GoshareError && ["MANIFEST_INVALID", "NEWER_FORMAT"].includes(thrown.code));
    }
  };
  for (let length = 0; length < good.length; length++) {
    assert.throws(() => read(good.subarray(0, length)));
    attempt(good.subarray(0, length));
  }
  for (let offset = 0; offset < good.length; offset++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = Buffer.from(good);
      damaged[offset] = (damaged[offset] ?? 0) ^ (1 << bit);
      attempt(damaged);
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(withField(bytes, ""))),
    { numRuns: 500 },
  );
  const body = fc.uint8Array({ maxLength: 100 });
  fc.assert(
    fc.property(body, fc.nat(5), (bytes, entryCount) => attempt(rootBytes(bytes, { entryCount }))),
    { numRuns: 1000 },
  );
});

test("names that begin one another, level below level, are no conflict", () => {
  const paths: string[] = [];
  for (let depth = 0; depth < 3; depth++) {
    const parent = `${"-".repeat(251)}/`.repeat(depth);
    for (let length = 1; length <= 250; length++) paths.push(parent + "-".repeat(length));
  }
  const entryCount = paths.length;
  assert.is(
    read(rootBytes(bodyBytes({ emptyDirectories: paths }), { entryCount })).emptyDirectories.length,
    entryCount,
  );
  const inside = [...paths, `${paths.at(-1)}/x`];
  assertInvalid(
    () => read(rootBytes(bodyBytes({ emptyDirectories: inside }), { entryCount: entryCount + 1 })),
    /but is not a directory/,
  );
});

test.run();
