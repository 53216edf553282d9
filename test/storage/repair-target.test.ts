import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RepairTarget } from "../../src/storage/final/repair-target.js";
import { compareTarget } from "../../src/storage/final/target-comparison.js";
import { openForWriting } from "../../src/storage/part/part-files.js";
import { replaceCalls } from "./crash.js";
import { syncAtOnce } from "./download-run.js";
import {
  actualTree,
  expectedTree,
  mixedFolder,
  type SampleShare,
  singleFile,
  writeSource,
} from "./sample-share.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("repair");

/** Writes these chunks as the workers do, and finishes; what was made durable, in its order. */
async function repair(rootPath: string, share: SampleShare, ...chunks: number[]): Promise<readonly string[]> {
  const { manifest } = share;
  const comparison = await compareTarget(rootPath, manifest, new AbortController().signal);
  const target = await RepairTarget.open(rootPath, manifest, comparison);
  const synced: string[] = [];
  try {
    for (const chunkIndex of chunks) {
      const segments = manifest.layout.segments(chunkIndex);
      for (const run of target.writeRuns(manifest, segments)) {
        const fd = run.fd ?? openForWriting(run.path, run.executable, fs.constants.O_TRUNC);
        fs.writeSync(fd, share.chunk(chunkIndex), run.chunkOffset, run.length, run.fileOffset);
        if (run.fd === undefined) fs.closeSync(fd);
      }
      target.releaseRuns(manifest, segments);
      target.record(chunkIndex);
    }
    await target.finish(comparison, async (entries) => {
      const all = [...entries];
      synced.push(...all.map((entry) => entry.path));
      await syncAtOnce(all);
    });
  } finally {
    target.close();
  }
  assert.equal(actualTree(rootPath), expectedTree(share));
  return synced.map((syncedPath) => path.relative(rootPath, syncedPath));
}

test("folders that a repair makes are made durable with all above them", async () => {
  const share = mixedFolder();
  const root = path.join(scratch(), "mixed");
  writeSource(root, share);
  for (const name of ["b", "nested", "links"]) fs.rmSync(path.join(root, name), { recursive: true });
  const { chunkCount } = share.manifest.root;
  const synced = await repair(root, share, ...Array.from({ length: chunkCount }, (_, index) => index));
  for (const folder of ["", "b", "b/deep", "nested", "links"])
    assert.ok(synced.includes(folder), `${folder || "the folder itself"} is synced`);
});

test("nothing of a repair lies outside the folder, and nothing stays in it", async () => {
  const share = mixedFolder();
  const parent = scratch();
  const root = path.join(parent, "mixed");
  writeSource(root, share);
  fs.rmSync(path.join(root, "z"));
  const { mtimeNs } = fs.statSync(parent, { bigint: true });
  await repair(root, share, 0);
  assert.is(fs.statSync(parent, { bigint: true }).mtimeNs, mtimeNs);
});

test("a disk that knows no modes is repaired as well", async () => {
  const share = mixedFolder();
  const root = path.join(scratch(), "mixed");
  writeSource(root, share);
  const [first] = share.manifest.files;
  const filePath = path.join(root, first?.path ?? "");
  fs.appendFileSync(filePath, "more");
  fs.chmodSync(filePath, 0o711);
  const before = actualTree(root);
  const comparison = await compareTarget(root, share.manifest, new AbortController().signal);
  assert.equal(comparison.modes, [0]);
  const target = await RepairTarget.open(root, share.manifest, comparison);
  const restore = replaceCalls({
    chmodSync: () => {
      throw Object.assign(new Error("EPERM: operation not permitted, chmod"), { code: "EPERM" });
    },
  });
  try {
    await target.finish(comparison, syncAtOnce);
  } finally {
    restore();
    target.close();
  }
  assert.not.equal(actualTree(root), before);
  fs.chmodSync(filePath, 0o644);
  assert.equal(actualTree(root), expectedTree(share));
});

test("who repairs a folder keeps others off it, who are told that it is repaired", async () => {
  const share = mixedFolder();
  const root = path.join(scratch(), "mixed");
  writeSource(root, share);
  fs.rmSync(path.join(root, "z"));
  const comparison = await compareTarget(root, share.manifest, new AbortController().signal);
  const first = await RepairTarget.open(root, share.manifest, comparison);
  const { code, message, hint } = await errorOf(() => RepairTarget.open(root, share.manifest, comparison));
  assert.equal([code, message], ["TARGET_BUSY", `process ${process.pid} is already repairing ${root}`]);
  assert.not.match(hint, "--output");
  first.close();
  await repair(root, share, 0);
});

test("a file is repaired where it is, whatever the length of its name", async () => {
  for (const size of [1_000, 100_000]) {
    const share = singleFile(size, { name: "x".repeat(255) });
    const parent = scratch();
    const target = path.join(parent, "x".repeat(255));
    fs.writeFileSync(target, "damaged", { mode: 0o600 });
    const before = [fs.statSync(parent, { bigint: true }).mtimeNs, fs.statSync(target).ino];
    await repair(
      target,
      share,
      ...Array.from({ length: share.manifest.root.chunkCount }, (_, index) => index),
    );
    assert.equal([fs.statSync(parent, { bigint: true }).mtimeNs, fs.statSync(target).ino], before);
    assert.is(fs.statSync(target).mode & 0o777, 0o600);
  }
});

test.run();
