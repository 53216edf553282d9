import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { removeUnfinished, replaceFile } from "../../src/storage/files/replace-file.js";
import { scratchFolders } from "./scratch.js";

const scratch = scratchFolders("replace-file");

test("a file takes the place of another when it is whole, and not before", async () => {
  const folder = scratch();
  const filePath = path.join(folder, "file");
  fs.writeFileSync(filePath, "before");
  await replaceFile(filePath, 0o600, async (handle) => {
    await handle.writeFile("after");
    assert.is(fs.readFileSync(filePath, "utf8"), "before");
  });
  assert.is(fs.readFileSync(filePath, "utf8"), "after");
  assert.is(fs.statSync(filePath).mode & 0o777, 0o600);
  assert.equal(fs.readdirSync(folder), ["file"]);
});

test("what cannot be written leaves everything as it was", async () => {
  const folder = scratch();
  const filePath = path.join(folder, "file");
  fs.writeFileSync(filePath, "before");
  const failure = new Error("no room");
  const thrown = await replaceFile(filePath, 0o600, async () => {
    throw failure;
  }).catch((error: unknown) => error);
  assert.is(thrown, failure);
  assert.is(fs.readFileSync(filePath, "utf8"), "before");
  assert.equal(fs.readdirSync(folder), ["file"]);
});

test("what a killed process left unfinished is removed, and nothing else", async () => {
  const folder = scratch();
  for (const name of [".goshare-0123456789ab.tmp", ".goshare-film.tmp", "file", ".hidden"]) {
    fs.writeFileSync(path.join(folder, name), "");
  }
  await removeUnfinished(folder);
  assert.equal(fs.readdirSync(folder).sort(), [".goshare-film.tmp", ".hidden", "file"]);
});

test("what may still be written is left alone in a folder that others use", async () => {
  const folder = scratch();
  const [fresh, old] = [".goshare-0123456789ab.tmp", ".goshare-ba9876543210.tmp"];
  for (const name of [fresh, old, "file"]) {
    fs.writeFileSync(path.join(folder, name), "");
    if (name !== fresh) fs.utimesSync(path.join(folder, name), 0, 0);
  }
  await removeUnfinished(folder, 60_000);
  assert.equal(fs.readdirSync(folder).sort(), [fresh, "file"]);
});

test.run();
