// The files of a download as places to read from: what is served while it is written, what is served of the
// finished share, and what is not served any more because somebody has changed it.
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Selection } from "../../src/manifest/selection.js";
import { finishedFiles, partFiles } from "../../src/storage/final/finished-files.js";
import { ShareSource } from "../../src/storage/source/share-source.js";
import { file } from "../manifest/craft.js";
import { holdLoop } from "../support/hold-loop.js";
import { downloadAll, open, writeChunk } from "./download-run.js";
import { CHUNK, mixedFolder, type SampleShare, sampleShare, singleFile } from "./sample-share.js";
import { changeUntilSeen, errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("finished-files");

async function readChunk(source: ShareSource, share: SampleShare, chunkIndex: number): Promise<Buffer> {
  const into = Buffer.alloc(share.manifest.layout.chunkLength(chunkIndex));
  await source.readChunk(chunkIndex, 0, into);
  return into;
}

async function assertServes(source: ShareSource, share: SampleShare, until: number): Promise<void> {
  for (let chunkIndex = 0; chunkIndex < until; chunkIndex++) {
    const bytes = await readChunk(source, share, chunkIndex);
    assert.ok(bytes.equals(share.chunk(chunkIndex)), `chunk ${chunkIndex}`);
  }
}

/** A download that is done, and a source that reads it. */
async function finished(share: SampleShare) {
  const output = scratch();
  await downloadAll(output, share);
  const targetPath = path.join(output, share.manifest.root.name);
  const source = new ShareSource(
    share.manifest,
    await finishedFiles(targetPath, new Selection(share.manifest)),
  );
  return { targetPath, source };
}

for (const share of [mixedFolder(), singleFile(3 * CHUNK + 1)]) {
  const { kind, chunkCount } = share.manifest.root;

  test(`chunks of a ${kind} are read back while others are written beside them`, async () => {
    const part = await open(scratch(), share);
    const source = new ShareSource(share.manifest, partFiles(part));
    for (let chunkIndex = 0; chunkIndex < chunkCount; chunkIndex++) {
      writeChunk(part, share, chunkIndex);
      await assertServes(source, share, chunkIndex + 1);
    }
    source.close();
    part.close();
  });

  test(`every chunk of a finished ${kind} is served from its final place`, async () => {
    const { source } = await finished(share);
    await assertServes(source, share, chunkCount);
    source.close();
  });
}

test("a finished file that is written to is not served any more; the others are", async () => {
  const share = sampleShare({ files: [file("a", CHUNK), file("b", CHUNK)] });
  const { targetPath, source } = await finished(share);
  const filePath = path.join(targetPath, "b");
  changeUntilSeen(filePath, () => fs.writeFileSync(filePath, share.chunk(1)));
  await assertServes(source, share, 1);
  const error = await errorOf(() => readChunk(source, share, 1));
  assert.is(error.code, "SOURCE_CHANGED");
  source.close();
});

test("a finished file that was put in the place of another is not served", async () => {
  const share = singleFile(CHUNK);
  const { targetPath, source } = await finished(share);
  fs.copyFileSync(targetPath, `${targetPath}.new`);
  fs.renameSync(`${targetPath}.new`, targetPath);
  assert.is((await errorOf(() => readChunk(source, share, 0))).code, "SOURCE_CHANGED");
  source.close();
});

test("a finished file that is gone before it was looked at is a typed error", async () => {
  const share = mixedFolder();
  const output = scratch();
  await downloadAll(output, share);
  const targetPath = path.join(output, share.manifest.root.name);
  fs.rmSync(path.join(targetPath, "z"));
  const error = await errorOf(() => finishedFiles(targetPath, new Selection(share.manifest)));
  assert.match(error.message, "z");
});

/** To look at some of the files takes long. */
class SlowSelection extends Selection {
  override hasFile(fileIndex: number): boolean {
    if (fileIndex % 200 === 3) holdLoop(11);
    return super.hasFile(fileIndex);
  }
}

test("of many files each keeps its own identity, and others have their turn meanwhile", async () => {
  const files = Array.from({ length: 600 }, (_, index) => file(`f${index}`, 1 + (index % 7)));
  const share = sampleShare({ files });
  const output = scratch();
  await downloadAll(output, share);
  const selection = new SlowSelection(share.manifest);
  const looking = finishedFiles(path.join(output, share.manifest.root.name), selection);
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const source = new ShareSource(share.manifest, await looking);
  isOver = true;
  assert.ok(turns > 0);
  await assertServes(source, share, share.manifest.root.chunkCount);
  source.close();
});

test.run();
