import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { readPartSelection } from "../../src/storage/part/part-selection.js";
import { surveyPart } from "../../src/storage/part/part-survey.js";
import { file } from "../manifest/craft.js";
import { killedAfter, replaceCalls } from "./crash.js";
import { downloadAll, downloadSelected, partPathOf, writeChunk } from "./download-run.js";
import { actualTree, CHUNK, contentOf, expectedTree, mixedFolder, sampleShare } from "./sample-share.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("selection");
const share = mixedFolder();

/** What must stand there if only these files were selected. */
function expectedOf(...names: readonly string[]) {
  return expectedTree(
    sampleShare({ files: share.manifest.files.filter(({ path: name }) => names.includes(name)) }),
  );
}

test("only what was selected is laid down, out of packs and large files", async () => {
  const output = scratch();
  const { fetched } = await downloadSelected(output, share, "a/one", "deep", "!run");
  assert.equal(actualTree(path.join(output, "mixed")), expectedOf("a/one", "b/deep/large"));
  assert.equal(fetched.length, 4);
});

test("a selecting download that is killed at any step ends right, and never with more than was selected", async () => {
  const restore = replaceCalls({ fsyncSync: () => undefined });
  const wanted = expectedOf("a/one", "b/deep/large", "empty");
  const patterns = ["a/one", "large", "empty"];
  try {
    for (let step = 0; ; step++) {
      const output = scratch();
      const target = path.join(output, "mixed");
      const wasKilled = await killedAfter(step, () => downloadSelected(output, share, ...patterns));
      const tree = actualTree(target);
      if (Object.keys(tree).length > 1) assert.equal(tree, wanted, `step ${step}`);
      if (!wasKilled) break;
      fs.rmSync(path.join(partPathOf(output, "mixed"), "lock"), { force: true });
      const error = await downloadSelected(output, share, ...patterns).then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      // It may have been finished and cleaned up before.
      if (error !== undefined) assert.match(error.message, "already there", `step ${step}`);
      assert.equal(actualTree(target), wanted, `step ${step}`);
    }
  } finally {
    restore();
  }
});

test("where nothing is claimed yet another selection begins anew, and nothing of the first is left", async () => {
  const output = scratch();
  const part = await PartFolder.open(output, share.manifest.root, "refuse", ["z"]);
  part.storeSelection({ patterns: ["z"], chunks: 1 });
  fs.writeFileSync(part.filePath("z"), contentOf("z", 5000));
  // As a kill leaves it, before anything was put into the journal.
  const partPath = part.partPath;
  fs.cpSync(partPath, `${partPath}-copy`, { recursive: true });
  part.close();
  fs.renameSync(`${partPath}-copy`, partPath);
  fs.rmSync(path.join(partPath, "lock"));
  await downloadSelected(output, share, "a/one");
  assert.equal(actualTree(path.join(output, "mixed")), expectedOf("a/one"));
});

test("what is claimed of one selection is not taken for another, nor for the whole", async () => {
  const output = scratch();
  const part = await PartFolder.open(output, share.manifest.root, "refuse", ["deep"]);
  part.storeSelection({ patterns: ["deep"], chunks: 4 });
  writeChunk(part, share, 1);
  part.close();
  const before = actualTree(output);
  for (const run of [() => downloadSelected(output, share, "z"), () => downloadAll(output, share)]) {
    const { code, message } = await errorOf(run);
    assert.is(code, "PART_UNUSABLE");
    assert.match(message, '--select "deep"');
  }
  assert.equal(actualTree(output), before);
  const surveyed = surveyPart(part.partPath);
  assert.equal(
    [surveyed?.select, surveyed?.chunks, surveyed?.bytes, surveyed?.chunksDone],
    [["deep"], 4, 3 * CHUNK + 123, 1],
  );
  const { fetched } = await downloadSelected(output, share, "deep");
  assert.is(fetched.length, 3);
});

test("a selection that cannot be read is none, and whole downloads have no such file", async () => {
  const folder = scratch();
  assert.equal(readPartSelection(folder), { patterns: [], chunks: undefined });
  const selectionPath = path.join(folder, "selection");
  for (const text of [
    "",
    "{",
    "[]",
    '{"patterns":[],"chunks":1}',
    '{"patterns":["a"]}',
    '{"patterns":[1],"chunks":1}',
  ]) {
    fs.writeFileSync(selectionPath, text);
    assert.is(readPartSelection(folder), undefined, text);
  }
  fs.rmSync(selectionPath);
  fs.symlinkSync("/dev/zero", selectionPath);
  assert.is(readPartSelection(folder), undefined);
});

test("an empty file alone can be selected", async () => {
  const output = scratch();
  const one = sampleShare({ files: [file("a", 0), file("b", 10)] });
  await downloadSelected(output, one, "a");
  assert.equal(fs.readdirSync(path.join(output, "sample")), ["a"]);
});

test.run();
