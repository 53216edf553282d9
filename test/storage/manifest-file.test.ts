import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EndpointSchema, ManifestFileSchema, Transport } from "../../gen/goshare/v1/endpoint_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import { GoshareError } from "../../src/core/errors.js";
import { MIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import type { Manifest } from "../../src/manifest/manifest.js";
import {
  decodeManifestFile,
  encodeManifestFile,
  MAX_MANIFEST_FILE_BYTES,
  readManifestFile,
  writeManifestFile,
} from "../../src/storage/manifest-file.js";
import { file, madeUpDigests, withField } from "../manifest/craft.js";

const TRACKERS: readonly Endpoint[] = [{ host: "tracker.example", port: 8080, transport: "tcp" }];
const PEERS: readonly Endpoint[] = [
  { host: "10.0.0.1", port: 9000, transport: "tcp" },
  { host: "2001:db8::1", port: 9000, transport: "tls", certificateSha256: "cd".repeat(32) },
];

function singleFile(chunks: number): Manifest {
  return assembleManifest({
    name: "big.bin",
    kind: "file",
    chunkSize: MIB,
    files: [file("big.bin", chunks * MIB)],
    emptyDirectories: [],
    symbolicLinks: [],
    chunkDigests: madeUpDigests(chunks),
  });
}

const SMALL = singleFile(3);
const PAGED = singleFile(20_000);

function contentOf(manifest: Manifest) {
  return { root: manifest.root.bytes, trackers: TRACKERS, peers: PEERS, body: manifest.bodyBytes };
}

function errorOf(run: () => unknown): GoshareError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof GoshareError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

async function rejectionOf(promise: Promise<unknown>): Promise<GoshareError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof GoshareError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

test("a file holds its manifest, trackers and peers", () => {
  const read = decodeManifestFile(encodeManifestFile(contentOf(SMALL)));
  assert.is(read.root.contentId, SMALL.root.contentId);
  assert.equal(read.manifest?.files, SMALL.files);
  assert.equal(read.trackers, TRACKERS);
  assert.equal(read.peers, PEERS);
});

test("a paged body stands in the file, an inline one only in its root", () => {
  const paged = encodeManifestFile(contentOf(PAGED));
  assert.ok(paged.length > PAGED.bodyBytes.length);
  assert.is(decodeManifestFile(paged).manifest?.layout.chunkCount, 20_000);
  const without = encodeManifestFile({ ...contentOf(PAGED), body: undefined });
  assert.is(decodeManifestFile(without).manifest, undefined);
  assert.is(decodeManifestFile(without).root.contentId, PAGED.root.contentId);
  assert.equal(
    encodeManifestFile(contentOf(SMALL)),
    encodeManifestFile({ ...contentOf(SMALL), body: undefined }),
  );
});

test("a body for which the file has no room is left out", () => {
  const content = { ...contentOf(PAGED), body: new Uint8Array(MAX_MANIFEST_FILE_BYTES - 100) };
  const bytes = encodeManifestFile(content);
  assert.ok(bytes.length < MIB);
  assert.is(decodeManifestFile(bytes).manifest, undefined);
});

test("what is no .goshare file, or damaged, or too large, is said to be so", () => {
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [new Uint8Array(0), /not a \.goshare file/],
    [Buffer.from("PK\u0003\u0004"), /not a \.goshare file/],
    [Buffer.from("0801", "hex"), /holds no manifest/],
    [Buffer.from("080112", "hex"), /cut short/],
    [Buffer.from("08010f", "hex"), /damaged/],
    [new Uint8Array(MAX_MANIFEST_FILE_BYTES + 1), /more than 64 MiB/],
    [withField(encodeManifestFile(contentOf(SMALL)), "2a 01 00"), /second body/],
    [withField(Buffer.from("0801", "hex"), "1a 02 0a 05"), /damaged/],
  ];
  for (const [bytes, message] of cases) {
    const error = errorOf(() => decodeManifestFile(bytes));
    assert.is(error.code, "MANIFEST_FILE_INVALID");
    assert.match(error.message, message);
  }
});

test("a newer format is said to be newer", () => {
  assert.is(errorOf(() => decodeManifestFile(Buffer.from("0802ffff", "hex"))).code, "NEWER_FORMAT");
});

test("a manifest that breaks its rules is refused as such", () => {
  const root = Buffer.from(SMALL.root.bytes);
  root[root.length - 1] = (root.at(-1) ?? 0) ^ 1;
  assert.is(decodeManifestFile(encodeManifestFile({ ...contentOf(SMALL), root })).root.name, "big.bin");
  assert.is(
    errorOf(() => encodeManifestFile({ ...contentOf(SMALL), root: root.subarray(1) })).code,
    "MANIFEST_INVALID",
  );
  const body = Buffer.from(PAGED.bodyBytes);
  body[1000] = (body[1000] ?? 0) ^ 1;
  const error = errorOf(() => decodeManifestFile(encodeManifestFile({ ...contentOf(PAGED), body })));
  assert.is(error.code, "MANIFEST_INVALID");
  assert.match(error.message, /page 1 /);
});

test("unknown fields are ignored and endpoints that cannot be used are skipped", () => {
  const bytes = toBinary(
    ManifestFileSchema,
    create(ManifestFileSchema, {
      format: 1,
      manifest: SMALL.root.bytes,
      peers: [
        create(EndpointSchema, { host: "10.0.0.1", port: 9000 }),
        create(EndpointSchema, { host: "10.0.0.2", port: 0, transport: Transport.TCP }),
        create(EndpointSchema, { host: "10.0.0.3", port: 9000, transport: Transport.TCP }),
      ],
    }),
  );
  const read = decodeManifestFile(withField(bytes, "30 05 3a 02 61 62 c0 3e 01"));
  assert.equal(read.peers, [{ host: "10.0.0.3", port: 9000, transport: "tcp" }]);
});

test("a file full of empty endpoints costs no memory", () => {
  const many = Buffer.alloc(8 * MIB);
  for (let offset = 0; offset < many.length; offset += 2) many[offset] = 0x22;
  const read = decodeManifestFile(Buffer.concat([encodeManifestFile(contentOf(SMALL)), many]));
  assert.equal(read.peers, PEERS);
});

test("a file cut short anywhere, or with a bit turned, gives a typed error or what it held", () => {
  const good = encodeManifestFile(contentOf(SMALL));
  const attempt = (bytes: Uint8Array) => {
    try {
      decodeManifestFile(bytes);
    } catch (thrown) {
      assert.ok(thrown instanceof GoshareError);
      assert.ok(
        ["MANIFEST_FILE_INVALID", "MANIFEST_INVALID", "NEWER_FORMAT"].includes(thrown.code),
        thrown.code,
      );
    }
  };
  for (let length = 0; length < good.length; length++) attempt(good.subarray(0, length));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (offset, value) => {
      const damaged = Buffer.from(good);
      damaged[offset] = value;
      attempt(damaged);
    }),
    { numRuns: 1000 },
  );
});

let folder = "";
test.before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "goshare-manifest-file-"));
});
test.after(async () => {
  await rm(folder, { recursive: true });
});

test("a file is written whole, replaces an earlier one and leaves nothing beside it", async () => {
  const filePath = path.join(folder, "a.goshare");
  await writeManifestFile(filePath, contentOf(SMALL));
  await writeManifestFile(filePath, contentOf(PAGED));
  const read = await readManifestFile(filePath);
  assert.is(read.manifest?.root.contentId, PAGED.root.contentId);
  assert.equal(new Uint8Array(await readFile(filePath)), encodeManifestFile(contentOf(PAGED)));
  assert.equal(await readdir(folder), ["a.goshare"]);
});

test("what a share that was killed has left is removed with the next, unless it may still be written", async () => {
  const shared = path.join(folder, "killed");
  await mkdir(shared);
  const [fresh, old] = [".goshare-0123456789ab.tmp", ".goshare-ba9876543210.tmp"];
  for (const name of [fresh, old]) await writeFile(path.join(shared, name), "half of a .goshare file");
  await utimes(path.join(shared, old), 0, 0);
  await writeManifestFile(path.join(shared, "a.goshare"), contentOf(SMALL));
  assert.equal((await readdir(shared)).sort(), [fresh, "a.goshare"]);
});

test("errors name the path", async () => {
  const filePath = path.join(folder, "cut.goshare");
  await writeManifestFile(filePath, contentOf(PAGED));
  await truncate(filePath, 500_000);
  const cut = await rejectionOf(readManifestFile(filePath));
  assert.is(cut.code, "MANIFEST_FILE_INVALID");
  assert.match(cut.message, /cut\.goshare: the \.goshare file is cut short/);

  const missing = await rejectionOf(readManifestFile(path.join(folder, "missing.goshare")));
  assert.is(missing.exitCode, 6);
  assert.match(missing.message, /missing\.goshare/);
  const directory = await rejectionOf(readManifestFile(folder));
  assert.is(directory.code, "MANIFEST_FILE_INVALID");
  assert.match(directory.message, /: it is a folder, not a \.goshare file$/);
  assert.match(directory.hint, /^give a ticket/);
});

test("a file over the limit is refused before it is read", async () => {
  const filePath = path.join(folder, "huge.goshare");
  await writeManifestFile(filePath, contentOf(SMALL));
  await truncate(filePath, 2 ** 40);
  assert.match((await rejectionOf(readManifestFile(filePath))).message, /huge\.goshare: .* more than 64 MiB/);
  const other = path.join(folder, "film.bin");
  await writeFile(other, "a film");
  await truncate(other, 2 ** 40);
  assert.match(
    (await rejectionOf(readManifestFile(other))).message,
    /film\.bin: it is not a \.goshare file$/,
  );
});

test("a write that fails leaves nothing behind", async () => {
  const target = path.join(folder, "folder.goshare");
  await mkdir(target);
  const before = (await readdir(folder)).sort();
  const error = await rejectionOf(writeManifestFile(target, contentOf(SMALL)));
  assert.match(error.message, /cannot write .*folder\.goshare/);
  assert.equal((await readdir(folder)).sort(), before);
  const nowhere = await rejectionOf(
    writeManifestFile(path.join(folder, "no", "a.goshare"), contentOf(SMALL)),
  );
  assert.match(nowhere.message, /cannot write .*a\.goshare/);
});

test.run();
