import * as fs from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { numberedName, partPaths } from "../../src/storage/part/part-paths.js";
import { surveyPart } from "../../src/storage/part/part-survey.js";
import { replaceCalls } from "./crash.js";
import { downloadAll, killedAfter, partPathOf, syncAtOnce, writeChunk } from "./download-run.js";
import { actualTree, expectedTree, mixedFolder, singleFile } from "./sample-share.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("taken");
const share = singleFile(100_000);
const NAME = "big.bin";

test("a number stands before the extension of a file, and at the end of a folder's name", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["film.mkv", "film (1).mkv"],
    ["backup.tar.gz", "backup (1).tar.gz"],
    ["README", "README (1)"],
    [".bashrc", ".bashrc (1)"],
    ["..", ".. (1)"],
    ["a.b.c", "a.b (1).c"],
    ["ends with.", "ends with. (1)"],
    ["Mr. Smith goes", "Mr. Smith goes (1)"],
  ];
  for (const [name, numbered] of cases) assert.is(numberedName({ name, kind: "file" }, 1), numbered);
  assert.is(numberedName({ name: "v1.2", kind: "folder" }, 12), "v1.2 (12)");
  assert.is(numberedName({ name: "film.mkv", kind: "file" }, 0), "film.mkv");
});

test("numbered names fit a disk, keep to one folder and differ from each other", () => {
  const names = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 300 })
    .map((text) => text.replaceAll("/", "_"))
    .filter((name) => Buffer.byteLength(name) <= 255 && name !== "." && name !== "..");
  fc.assert(
    fc.property(names, fc.constantFrom("file", "folder"), (name, kind) => {
      const numbered = [0, 1, 2, 10, 999].map((number) => numberedName({ name, kind }, number));
      for (const one of numbered) assert.ok(Buffer.byteLength(one) <= 255 && !one.includes("/"), one);
      assert.is(new Set(numbered).size, numbered.length);
    }),
  );
});

test("a taken name is left alone, and the first free one is used", async () => {
  const output = scratch();
  for (const [round, name] of [NAME, "big (1).bin", "big (2).bin"].entries()) {
    await downloadAll(output, share, syncAtOnce, "rename");
    assert.equal(actualTree(path.join(output, name)), expectedTree(share), `round ${round}`);
  }
  assert.equal(fs.readdirSync(output).sort(), ["big (1).bin", "big (2).bin", NAME]);
  const folder = mixedFolder();
  fs.writeFileSync(path.join(output, "mixed"), "mine");
  await downloadAll(output, folder, syncAtOnce, "rename");
  assert.equal(actualTree(path.join(output, "mixed (1)")), expectedTree(folder));
});

test("the name that was chosen is kept when the download goes on, whatever is free by then", async () => {
  const output = scratch();
  fs.writeFileSync(path.join(output, NAME), "mine");
  const part = await PartFolder.open(output, share.manifest.root, "rename");
  assert.is(part.targetPath, path.join(output, "big (1).bin"));
  writeChunk(part, share, 0);
  part.close();
  const surveyed = surveyPart(part.partPath);
  assert.equal([surveyed?.targetPath, surveyed?.isRenamed], [part.targetPath, true]);
  fs.rmSync(path.join(output, NAME));
  const { fetched } = await downloadAll(output, share, syncAtOnce, "rename");
  assert.equal(fetched, [1]);
  assert.equal(fs.readdirSync(output), ["big (1).bin"]);
});

test("a download whose name was taken meanwhile goes on under another, with what it has", async () => {
  const output = scratch();
  await killedAfter(output, share, 0);
  fs.writeFileSync(path.join(output, NAME), "mine");
  assert.is((await errorOf(() => downloadAll(output, share))).code, "TARGET_EXISTS");
  const { fetched } = await downloadAll(output, share, syncAtOnce, "rename");
  assert.equal(fetched, [1]);
  assert.equal(fs.readdirSync(output).sort(), ["big (1).bin", NAME]);
  assert.is(fs.readFileSync(path.join(output, NAME), "utf8"), "mine");
});

test("a download that cannot be begun under another name leaves nothing there", async () => {
  const output = scratch();
  fs.writeFileSync(path.join(output, NAME), "mine");
  const openSync = fs.openSync;
  const restore = replaceCalls({
    openSync: (...given: Parameters<typeof openSync>) => {
      if (String(given[0]).endsWith("/root")) {
        throw Object.assign(new Error("ENOSPC: made up"), { code: "ENOSPC" });
      }
      return openSync(...given);
    },
  });
  try {
    const { code } = await errorOf(() => downloadAll(output, share, syncAtOnce, "rename"));
    assert.is(code, "DISK_FULL");
  } finally {
    restore();
  }
  assert.equal(fs.readdirSync(output), [NAME]);
});

test("the part folder of another share counts as a taken name", async () => {
  const output = scratch();
  fs.writeFileSync(path.join(output, NAME), "mine");
  const other = singleFile(70_000);
  const part = await PartFolder.open(output, other.manifest.root, "rename");
  writeChunk(part, other, 0);
  part.close();
  assert.is(part.partPath, partPathOf(output, "big (1).bin"));
  await downloadAll(output, share, syncAtOnce, "rename");
  assert.equal(actualTree(path.join(output, "big (2).bin")), expectedTree(share));
});

test("names as long as a disk allows have numbers as well", async () => {
  const output = scratch();
  const long = singleFile(10, { name: `${"x".repeat(250)}.bin` });
  for (let round = 0; round < 3; round++) await downloadAll(output, long, syncAtOnce, "rename");
  assert.is(fs.readdirSync(output).length, 3);
  const parts = [0, 1, 2].map((number) => partPaths(output, long.manifest.root, number).part);
  assert.is(new Set(parts).size, 3);
});

test("a file is not replaced by a folder nor a folder by a file, a link by either", async () => {
  const replacing = (output: string, what: typeof share) => downloadAll(output, what, syncAtOnce, "replace");
  const folder = mixedFolder();
  const output = scratch();
  fs.writeFileSync(path.join(output, "mixed"), "mine");
  fs.mkdirSync(path.join(output, NAME));
  for (const what of [folder, share]) {
    const { code, message, hint } = await errorOf(() => replacing(output, what));
    assert.is(code, "TARGET_EXISTS");
    assert.match(message, /is a (file|folder), and would be replaced with a (file|folder)/);
    assert.match(hint, "move it away");
  }
  assert.equal(fs.readdirSync(output).sort(), [NAME, "mixed"]);
  fs.rmSync(path.join(output, "mixed"));
  fs.rmdirSync(path.join(output, NAME));
  fs.mkdirSync(path.join(output, "elsewhere"));
  fs.writeFileSync(path.join(output, "elsewhere", "file"), "mine");
  fs.symlinkSync("elsewhere", path.join(output, "mixed"));
  fs.symlinkSync("elsewhere/file", path.join(output, NAME));
  for (const what of [folder, share]) await replacing(output, what);
  assert.equal(actualTree(path.join(output, "mixed")), expectedTree(folder));
  assert.equal(actualTree(path.join(output, NAME)), expectedTree(share));
  assert.is(fs.readFileSync(path.join(output, "elsewhere", "file"), "utf8"), "mine");
});

test.run();
