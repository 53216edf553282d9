import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { MIB } from "../../src/core/units.js";
import { identityArray } from "../../src/storage/files/file-identity.js";
import { syncDirectory } from "../../src/storage/part/part-files.js";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { sourcePath, walkSource } from "../../src/storage/source/source-tree.js";
import { chunkDigest, hashTasks, syncTasks, verifyTasks } from "../../src/workers/batches.js";
import { packRuns } from "../../src/workers/packed-runs.js";
import { SlotPool, slotMemory } from "../../src/workers/slots.js";
import { WorkerPool } from "../../src/workers/worker-pool.js";
import { file } from "../manifest/craft.js";
import {
  actualTree,
  CHUNK,
  expectedTree,
  mixedFolder,
  type SampleShare,
  sampleShare,
  singleFile,
  writeSource,
} from "../storage/sample-share.js";
import {
  changeUntilSeen,
  errorOf,
  noDescriptorList,
  openBelow,
  scratchFolders,
  testUnless,
} from "../storage/scratch.js";

const scratch = scratchFolders("worker");
const never = new AbortController().signal;

const memory = slotMemory();
const slots = new SlotPool(memory, CHUNK, () => undefined);
const pool = new WorkerPool(memory, 2);
test.after(() => pool.close());

const walk = (rootPath: string) => walkSource(rootPath, () => undefined, never);

/** Walks, lets `meddle` happen, and hashes: the digests of all chunks. */
async function hashed(rootPath: string, share: SampleShare, meddle = () => {}): Promise<Uint8Array> {
  const tree = await walk(rootPath);
  meddle();
  const { layout } = share.manifest;
  const digests = new Uint8Array(new SharedArrayBuffer(layout.chunkCount * 32));
  const pathOf = (fileIndex: number) =>
    sourcePath(tree.rootPath, tree.kind, tree.files[fileIndex]?.path ?? "");
  let bytes = 0;
  await pool.runAll(
    hashTasks(layout, Bitfield.full(layout.chunkCount), pathOf, tree.identities, digests),
    (_task, result) => {
      bytes += result.bytes;
    },
    never,
  );
  assert.is(bytes, share.manifest.root.totalSize);
  return digests;
}

test("digests are those of the chunks: packs, tails, large files, several tasks", async () => {
  const manySmall = Array.from({ length: 2500 }, (_, index) => file(`s/${index}`, 1 + (index % 90)));
  const shares = [
    mixedFolder(),
    singleFile(CHUNK),
    singleFile(3 * CHUNK + 1),
    singleFile(1),
    sampleShare({ files: [file("large", 20 * MIB + 7), ...manySmall], chunkSize: MIB }),
  ];
  for (const share of shares) {
    const rootPath = path.join(scratch(), share.manifest.root.name);
    writeSource(rootPath, share);
    const digests = await hashed(rootPath, share);
    assert.ok(Buffer.from(digests).equals(share.manifest.chunkDigests));
  }
});

const CHANGES: Readonly<Record<string, (filePath: string) => void>> = {
  "is written to": (filePath) =>
    changeUntilSeen(filePath, () => fs.writeFileSync(filePath, "x", { flag: "r+" })),
  "is cut short": (filePath) => fs.truncateSync(filePath, 3),
  "is emptied": (filePath) => fs.truncateSync(filePath, 0),
  grows: (filePath) => fs.appendFileSync(filePath, "more"),
  "is touched": (filePath) => fs.utimesSync(filePath, 1, 1),
  "is removed": (filePath) => fs.rmSync(filePath),
  "becomes a folder": (filePath) => {
    fs.rmSync(filePath);
    fs.mkdirSync(filePath);
  },
  "becomes a link to an equal one": (filePath) => {
    fs.renameSync(filePath, `${filePath}.away`);
    fs.symlinkSync(`${filePath}.away`, filePath);
  },
  "becomes a pipe": (filePath) => {
    fs.rmSync(filePath);
    execFileSync("mkfifo", [filePath]);
  },
};

for (const [what, change] of Object.entries(CHANGES)) {
  test(`a file that ${what} before it is hashed is refused as changed, by name`, async () => {
    const share = sampleShare({ files: [file("a", 500), file("b", 2 * CHUNK + 5), file("c", 500)] });
    for (const victim of ["a", "b", "c"]) {
      const rootPath = path.join(scratch(), "sample");
      writeSource(rootPath, share);
      const victimPath = path.join(rootPath, victim);
      const error = await errorOf(() => hashed(rootPath, share, () => change(victimPath)));
      assert.is(error.code, "SOURCE_CHANGED", error.message);
      assert.ok(error.message.includes(victimPath), error.message);
      assert.ok(error.hint);
    }
  });
}

/** Runs the task that verifies all chunks of what is at `rootPath`; the wrong ones. */
async function wrongChunks(rootPath: string, share: SampleShare): Promise<readonly number[]> {
  const all = Array.from({ length: share.manifest.root.chunkCount }, (_, chunkIndex) => chunkIndex);
  const wrong: number[] = [];
  const tasks = verifyTasks(share.manifest, all, (filePath) => path.join(rootPath, filePath));
  await pool.runAll(tasks, (_task, result) => wrong.push(...result.wrongChunks), never);
  return wrong.sort((a, b) => a - b);
}

testUnless(
  fs.existsSync("/proc/self/mem") ? undefined : "there is no /proc/self/mem",
  "a file that cannot be read to its end is named",
  async () => {
    const { layout } = singleFile(100).manifest;
    const digests = new Uint8Array(new SharedArrayBuffer(32));
    // Its first page is nobody's.
    const tasks = hashTasks(layout, Bitfield.full(1), () => "/proc/self/mem", identityArray(1), digests);
    const error = await errorOf(() => pool.runAll(tasks, () => undefined, never));
    assert.equal([error.code, error.message], ["DISK_FAILED", "EIO: i/o error, read '/proc/self/mem'"]);
  },
);

test("what was written right is found right, and each kind of damage in its own chunks alone", async () => {
  // Chunk 0 is the pack of a, c and d; 1 to 3 are those of b.
  const share = sampleShare({
    files: [file("a", 500), file("b", 2 * CHUNK + 5), file("c", 600), file("d", 7)],
  });
  const damages: readonly (readonly [string, (at: (name: string) => string) => void, readonly number[]])[] = [
    ["nothing", () => {}, []],
    ["a byte of a pack", (at) => fs.writeFileSync(at("c"), "x", { flag: "r+" }), [0]],
    ["a missing file of a pack", (at) => fs.rmSync(at("d")), [0]],
    ["a short file of a pack", (at) => fs.truncateSync(at("a"), 499), [0]],
    ["a file of a pack that is too long", (at) => fs.appendFileSync(at("c"), "x"), [0]],
    ["a missing large file", (at) => fs.rmSync(at("b")), [1, 2, 3]],
    ["a short large file", (at) => fs.truncateSync(at("b"), CHUNK + 5), [2, 3]],
    ["a large file that is too long", (at) => fs.appendFileSync(at("b"), "x"), [1, 2, 3]],
    ["a folder", (at) => [fs.rmSync(at("b")), fs.mkdirSync(at("b"))], [1, 2, 3]],
    ["a link", (at) => [fs.renameSync(at("b"), at("e")), fs.symlinkSync("e", at("b"))], [1, 2, 3]],
    ["a pipe", (at) => [fs.rmSync(at("b")), execFileSync("mkfifo", [at("b")])], [1, 2, 3]],
    ["nothing left", (at) => fs.rmSync(path.dirname(at("a")), { recursive: true }), [0, 1, 2, 3]],
  ];
  for (const [what, damage, wrong] of damages) {
    const rootPath = path.join(scratch(), "sample");
    writeSource(rootPath, share);
    damage((name) => path.join(rootPath, name));
    assert.equal(await wrongChunks(rootPath, share), wrong, what);
  }
});

/** Writes a chunk through a slot; `bytes` stand in for those a peer sent. */
async function write(
  part: PartFolder,
  { manifest, chunk }: SampleShare,
  chunkIndex: number,
  bytes: Uint8Array = chunk(chunkIndex),
) {
  const segments = manifest.layout.segments(chunkIndex);
  const slot = slots.acquire();
  assert.ok(slot);
  slot.bytes.set(bytes);
  try {
    const runs = part.writeRuns(manifest, segments);
    const digest = chunkDigest(manifest, chunkIndex);
    return await pool.run({
      kind: "write",
      chunks: [{ slotOffset: slot.offset, length: bytes.byteLength, digest, runs: packRuns(runs) }],
    });
  } finally {
    part.releaseRuns(manifest, segments);
    slots.release(slot);
  }
}

test("chunks with the right digest are written where they belong, all at once and in any order", async () => {
  const base = mixedFolder();
  const share = { ...base, manifest: { ...base.manifest, emptyDirectories: [], symbolicLinks: [] } };
  const part = await PartFolder.open(scratch(), share.manifest.root);
  const order = [4, 2, 0, 3, 1];
  const results = await Promise.all(order.map((chunkIndex) => write(part, share, chunkIndex)));
  results.forEach((result, at) => {
    assert.equal(result.wrongChunks, []);
    assert.ok(result.spent !== undefined && result.spent.hashMs > 0 && result.spent.writeMs > 0);
    assert.is(result.bytes, share.chunk(order[at] ?? -1).byteLength);
  });
  const written = actualTree(part.contentPath);
  const { empty: _, "empty-run": __, ...expected } = expectedTree(share);
  assert.equal(written, expected);
  assert.equal(await wrongChunks(part.contentPath, share), []);
  part.close();
});

test("of a chunk with a wrong digest not a byte is written, and no file made or emptied", async () => {
  const share = mixedFolder();
  const part = await PartFolder.open(scratch(), share.manifest.root);
  const fresh = actualTree(part.contentPath);
  const damaged = (chunkIndex: number) => {
    const bytes = Buffer.from(share.chunk(chunkIndex));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    return bytes;
  };
  assert.equal((await write(part, share, 0, damaged(0))).wrongChunks, [0]);
  assert.equal((await write(part, share, 0, share.chunk(0).subarray(1))).wrongChunks, [0]);
  assert.equal(actualTree(part.contentPath), fresh);

  for (let chunkIndex = 0; chunkIndex < 5; chunkIndex++) await write(part, share, chunkIndex);
  const before = actualTree(part.contentPath);
  for (let chunkIndex = 0; chunkIndex < 5; chunkIndex++) {
    const result = await write(part, share, chunkIndex, damaged(chunkIndex));
    assert.equal([result.bytes, result.wrongChunks], [0, [0]]);
    assert.is(result.spent?.writeMs, 0);
  }
  assert.equal(actualTree(part.contentPath), before);
  part.close();
});

test("a small file written again has its size again, whatever stood there", async () => {
  const share = mixedFolder();
  const part = await PartFolder.open(scratch(), share.manifest.root);
  fs.mkdirSync(part.filePath("a"));
  fs.writeFileSync(part.filePath("a/one"), Buffer.alloc(9999));
  await write(part, share, 0);
  assert.is(fs.statSync(part.filePath("a/one")).size, 10);
  assert.equal(actualTree(part.filePath("a/one")), { "": expectedTree(share)["a/one"] });
  part.close();
});

test("a link in place of a small file is not written through", async () => {
  const share = mixedFolder();
  const part = await PartFolder.open(scratch(), share.manifest.root);
  const outside = path.join(scratch(), "precious");
  fs.writeFileSync(outside, "precious");
  fs.mkdirSync(part.filePath("a"));
  fs.symlinkSync(outside, part.filePath("a/one"));
  const error = await errorOf(() => write(part, share, 0));
  assert.is(error.code, "DISK_FAILED");
  assert.is(fs.readFileSync(outside, "utf8"), "precious");
  part.close();
});

test("files and folders are made durable; one that is not there is a failure of the disk that names it", async () => {
  const folder = scratch();
  const names = Array.from({ length: 130 }, (_, index) => path.join(folder, `f${index}`));
  for (const name of names) fs.writeFileSync(name, "x");
  let tasks = 0;
  await pool.runAll(syncTasks([...names, folder].map((name) => ({ path: name }))), () => tasks++, never);
  assert.is(tasks, 3);
  fs.rmSync(names[70] ?? "");
  const error = await errorOf(() =>
    pool.runAll(syncTasks(names.map((name) => ({ path: name }))), () => undefined, never),
  );
  assert.is(error.code, "DISK_FAILED");
  assert.ok(error.message.includes(names[70] ?? "?"));
});

testUnless(
  fs.existsSync("/proc/self/mem") ? undefined : "there is no /proc",
  "folders of a file system that cannot make them durable are left to it",
  async () => {
    await pool.runAll(syncTasks([{ path: "/proc" }]), () => undefined, never);
    syncDirectory("/proc");
  },
);

test("a file that something else has cut is not lengthened again, nor made durable", async () => {
  const share = singleFile(3 * CHUNK);
  const part = await PartFolder.open(scratch(), share.manifest.root);
  await write(part, share, 0);
  const filePath = part.filePath(share.manifest.root.name);
  fs.truncateSync(filePath, CHUNK - 1);
  await write(part, share, 1);
  const error = await errorOf(() => write(part, share, 2));
  assert.is(error.code, "PART_CHANGED");
  assert.ok(error.message.includes(filePath) && error.hint !== "", error.message);
  assert.is(fs.statSync(filePath).size, 2 * CHUNK);
  const entries = [{ path: filePath, fileBytes: 3 * CHUNK }];
  const unsynced = await errorOf(() => pool.runAll(syncTasks(entries), () => undefined, never));
  assert.is(unsynced.code, "PART_CHANGED");
  part.close();
});

test("what stands in the place of a file that was written is told of, and not waited for", async () => {
  const folder = scratch();
  const entry = (name: string) => ({ path: path.join(folder, name), fileBytes: 0 });
  execFileSync("mkfifo", [entry("pipe").path]);
  fs.symlinkSync("pipe", entry("link").path);
  for (const name of ["pipe", "link", "gone"]) {
    const error = await errorOf(() => pool.runAll(syncTasks([entry(name)]), () => undefined, never));
    assert.is(error.code, "PART_CHANGED", name);
    assert.ok(error.message.includes(entry(name).path) && error.hint !== "", error.message);
  }
});

testUnless(
  fs.existsSync("/dev/full") ? undefined : "there is no /dev/full",
  "a full disk is told from others, with what to do",
  async () => {
    const share = singleFile(100);
    const digest = chunkDigest(share.manifest, 0);
    const slot = slots.acquire();
    assert.ok(slot);
    slot.bytes.set(share.chunk(0));
    const fd = fs.openSync("/dev/full", "w");
    const place = { fileOffset: 0, chunkOffset: 0, length: 100, fileBytes: undefined };
    const run = { fd, path: "/dev/full", executable: false, ...place };
    const chunk = { slotOffset: slot.offset, length: 100, digest, runs: packRuns([run]) };
    const task = { kind: "write", chunks: [chunk] } as const;
    const error = await errorOf(() => pool.run(task));
    fs.closeSync(fd);
    slots.release(slot);
    assert.is(error.code, "DISK_FULL");
    assert.match(error.hint, /run the same command again/);
  },
);

testUnless(noDescriptorList, "workers leave no descriptor open, whatever became of their tasks", async () => {
  const share = mixedFolder();
  const rootPath = path.join(scratch(), "mixed");
  writeSource(rootPath, share);
  await hashed(rootPath, share);
  await wrongChunks(rootPath, share);
  await errorOf(() => hashed(rootPath, share, () => fs.truncateSync(path.join(rootPath, "b/deep/large"), 5)));
  fs.appendFileSync(path.join(rootPath, "z"), "x");
  await wrongChunks(rootPath, share);
  assert.equal(openBelow(rootPath), []);
});

test.run();
