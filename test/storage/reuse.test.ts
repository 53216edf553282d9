import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Selection } from "../../src/manifest/selection.js";
import { findReusable, requireReusable } from "../../src/storage/part/reuse.js";
import { file } from "../manifest/craft.js";
import { CHUNK, mixedFolder, sampleShare, singleFile, writeSource } from "./sample-share.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("reuse");

test("what lies at the same place may be reused, in the folder or under the share's name in it", async () => {
  const share = mixedFolder();
  for (const place of ["", "mixed"]) {
    const old = scratch();
    writeSource(path.join(old, place), share);
    const { chunks, pathOf } = await findReusable(old, new Selection(share.manifest));
    assert.ok(chunks.isFull);
    for (const [fileIndex, { path: filePath, size }] of share.manifest.files.entries())
      assert.is(pathOf(fileIndex), size === 0 ? undefined : path.join(old, place, filePath));
  }
});

test("a file elsewhere counts if it has the same size", async () => {
  const share = singleFile(3 * CHUNK + 1, { name: "v2.bin" });
  const old = scratch();
  fs.mkdirSync(path.join(old, "deep", "er"), { recursive: true });
  fs.writeFileSync(path.join(old, "other.bin"), Buffer.alloc(3 * CHUNK));
  assert.is((await findReusable(old, new Selection(share.manifest))).chunks.count, 0);
  fs.writeFileSync(path.join(old, "deep", "er", "v1.bin"), Buffer.alloc(3 * CHUNK + 1));
  const found = await findReusable(old, new Selection(share.manifest));
  assert.ok(found.chunks.isFull);
  assert.is(found.pathOf(0), path.join(old, "deep", "er", "v1.bin"));
  // Kept elsewhere, as caches of models do.
  const linked = scratch();
  fs.symlinkSync(path.join(old, "deep", "er", "v1.bin"), path.join(linked, "model"));
  assert.ok((await findReusable(linked, new Selection(share.manifest))).chunks.isFull);
});

test("a shorter file may have the chunks that end within it, and a pack all or nothing", async () => {
  const share = sampleShare({ files: [file("a", 10), file("b", 20), file("large", 4 * CHUNK)] });
  const old = scratch();
  fs.writeFileSync(path.join(old, "a"), Buffer.alloc(10));
  fs.writeFileSync(path.join(old, "large"), Buffer.alloc(2 * CHUNK + 7));
  const { chunks } = await findReusable(old, new Selection(share.manifest));
  const [first = -1] = new Selection(share.manifest, (name) => name === "large").chunks;
  assert.equal([...chunks], [first, first + 1]);
  fs.writeFileSync(path.join(old, "b"), Buffer.alloc(21));
  assert.is((await findReusable(old, new Selection(share.manifest))).chunks.count, 3);
});

test("of what is not selected nothing is looked for", async () => {
  const share = mixedFolder();
  const old = scratch();
  writeSource(path.join(old, "mixed"), share);
  const selection = new Selection(share.manifest, (name) => name === "b/deep/run");
  assert.equal([...(await findReusable(old, selection)).chunks], [...selection.chunks]);
});

test("what cannot be looked into, pipes and folders in place of files are passed over", async () => {
  const share = singleFile(CHUNK);
  const old = scratch();
  fs.mkdirSync(path.join(old, "big.bin"));
  fs.symlinkSync("itself", path.join(old, "itself"));
  assert.is((await findReusable(old, new Selection(share.manifest))).chunks.count, 0);
});

test("what is no folder is refused", async () => {
  for (const wrong of [path.join(scratch(), "nowhere"), "/dev/null"]) {
    const { code, message } = await errorOf(async () => requireReusable(wrong));
    assert.is(code, "USAGE");
    assert.match(message, "--reuse");
  }
});

test.run();
