import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { encodeJournalRecords } from "../../src/storage/part/journal.js";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { replaceCalls } from "./crash.js";
import { downloadAll, downloadUntil, killedAfter, open, partPathOf, writeChunk } from "./download-run.js";
import { actualTree, CHUNK, expectedTree, mixedFolder, singleFile } from "./sample-share.js";
import { changeUntilSeen, errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("claims");

test("what was recorded is claimed by the next run, even if the run never paused", async () => {
  const output = scratch();
  const share = singleFile(40 * CHUNK);
  await killedAfter(output, share, 3, 0, 39);
  const part = await open(output, share);
  assert.equal([...part.claims.held], [0, 3, 39]);
  assert.is(await part.takePauseMark(share.manifest), false);
  part.close();
});

test("chunks are in the journal in groups, and all of them after a flush", async () => {
  const share = singleFile(40 * CHUNK);
  const part = await open(scratch(), share);
  const journalBytes = () => fs.statSync(path.join(part.partPath, "journal")).size;
  const empty = journalBytes();
  for (let chunkIndex = 0; chunkIndex < 40; chunkIndex++) part.record(chunkIndex);
  const inGroups = (journalBytes() - empty) / 4;
  assert.ok(inGroups >= 16 && inGroups <= 40);
  part.flushJournal();
  assert.is(journalBytes() - empty, 40 * 4);
  part.flushJournal();
  assert.is(journalBytes() - empty, 40 * 4);
  part.close();
});

test("the torn end of a journal is cut off before more is put into it", async () => {
  const output = scratch();
  const share = singleFile(8 * CHUNK);
  const partPath = await killedAfter(output, share, 1);
  fs.appendFileSync(path.join(partPath, "journal"), Buffer.from([0, 0, 7]));
  await killedAfter(output, share, 2);
  const part = await open(output, share);
  assert.equal([...part.claims.held], [1, 2]);
  part.close();
});

test("a journal that cannot be written keeps its records for the next attempt, and the lock is given up", async () => {
  const output = scratch();
  const share = singleFile(40 * CHUNK);
  const part = await open(output, share);
  writeChunk(part, share, 5);
  const realWrite = fs.writeSync;
  // A disk that takes three bytes and is full then.
  let room = 3;
  const writeSync = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
    if (room === 0)
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const count = Math.min(room, length);
    room -= count;
    return realWrite(fd, bytes, offset, count, position);
  };
  const fillDisk = () => replaceCalls({ writeSync });
  let restore = fillDisk();
  try {
    assert.throws(() => part.flushJournal(), /ENOSPC/);
    restore();
    part.record(6);
    part.flushJournal();
    part.record(7);
    restore = fillDisk();
    part.close();
  } finally {
    restore();
  }
  const next = await open(output, share);
  assert.equal([...next.claims.held], [5, 6]);
  next.close();
});

test("a clean pause is trusted, once", async () => {
  const output = scratch();
  const share = mixedFolder();
  await downloadUntil(output, share, 2);
  const part = await open(output, share);
  assert.is(await part.takePauseMark(share.manifest), true);
  assert.is(await part.takePauseMark(share.manifest), false);
  part.close();
});

const MEDDLINGS: Readonly<Record<string, (partPath: string) => void>> = {
  "with one byte edited": (partPath) => {
    const filePath = path.join(partPath, "content/b/deep/large");
    const fd = fs.openSync(filePath, "r+");
    changeUntilSeen(filePath, () => fs.writeSync(fd, "x", 70));
    fs.closeSync(fd);
  },
  "with a file touched": (partPath) => fs.utimesSync(path.join(partPath, "content/b/deep/large"), 1, 1),
  "with a file replaced by an equal one": (partPath) => {
    const filePath = path.join(partPath, "content/b/deep/large");
    fs.copyFileSync(filePath, `${filePath}.new`);
    fs.renameSync(`${filePath}.new`, filePath);
  },
  "with a file removed": (partPath) => fs.rmSync(path.join(partPath, "content/b/deep/large")),
  "with a small file touched": (partPath) => fs.utimesSync(path.join(partPath, "content/a/one"), 1, 1),
  "with a chunk added to its journal": (partPath) =>
    fs.appendFileSync(path.join(partPath, "journal"), encodeJournalRecords([3])),
  "with a chunk lost from its journal": (partPath) =>
    fs.truncateSync(path.join(partPath, "journal"), fs.statSync(path.join(partPath, "journal")).size - 4),
  "with its mark edited": (partPath) => fs.appendFileSync(path.join(partPath, "pause"), "0"),
  "with its mark removed": (partPath) => fs.rmSync(path.join(partPath, "pause")),
};

for (const [what, meddle] of Object.entries(MEDDLINGS)) {
  test(`a paused download ${what} is looked at again, and ends right`, async () => {
    const output = scratch();
    const share = mixedFolder();
    assert.equal(share.manifest.layout.chunksOfFile(2), { first: 1, count: 3 });
    await downloadUntil(output, share, 3);
    meddle(partPathOf(output, "mixed"));
    assert.is((await downloadAll(output, share)).isTrusted, false);
    assert.equal(actualTree(path.join(output, "mixed")), expectedTree(share));
  });
}

test("a pause does not vouch for what an earlier run claimed and this one found wrong", async () => {
  const output = scratch();
  const share = singleFile(4 * CHUNK);
  const partPath = await killedAfter(output, share, 0, 1, 2);
  const fd = fs.openSync(path.join(partPath, "content", "big.bin"), "r+");
  fs.writeSync(fd, "wrong", CHUNK);
  fs.closeSync(fd);
  // Chunk 1 is found wrong; the run is interrupted before it arrives again.
  await downloadUntil(output, share, 0);
  await downloadAll(output, share);
  assert.equal(actualTree(path.join(output, "big.bin")), expectedTree(share));
});

test("whoever waits for another machine at its part folder hears that it is to stop, and leaves everything", async () => {
  const output = scratch();
  const { root } = mixedFolder().manifest;
  const partPath = partPathOf(output, "mixed");
  fs.mkdirSync(partPath, { recursive: true });
  const lockPath = path.join(partPath, "lock");
  const held = JSON.stringify({ token: "x", pid: 1, started: "", place: "another machine" });
  fs.writeFileSync(lockPath, held);
  // Its clock is ahead, so it is watched for half a minute.
  const tomorrow = Date.now() / 1000 + 24 * 3600;
  fs.utimesSync(lockPath, tomorrow, tomorrow);
  const stop = new AbortController();
  const watching = () => stop.abort(new GoshareError("INTERRUPTED", "enough"));
  const opening = () => PartFolder.open(output, root, "refuse", [], { watching, signal: stop.signal });
  assert.is((await errorOf(opening)).code, "INTERRUPTED");
  assert.is(fs.readFileSync(lockPath, "utf8"), held);
});

test.run();
