import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { discardPart } from "../../src/storage/part/discard-part.js";
import { killedAfter } from "./download-run.js";
import { singleFile } from "./sample-share.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("discard");
const share = singleFile(100_000);

test("what a killed run left of its lock and its mark is discarded with the rest", async () => {
  const output = scratch();
  const partPath = await killedAfter(output, share, 0);
  for (const name of ["lock.5f0c", "pause.new", "ticket"]) fs.writeFileSync(path.join(partPath, name), "");
  await discardPart(partPath, path.join(output, "big.bin"));
  assert.equal(fs.readdirSync(output), []);
});

test("what is in a part folder besides keeps all of it from being discarded", async () => {
  const output = scratch();
  const partPath = await killedAfter(output, share, 0);
  fs.writeFileSync(path.join(partPath, "diary"), "mine");
  const before = fs.readdirSync(partPath);
  const { code, message } = await errorOf(() => discardPart(partPath, path.join(output, "big.bin")));
  assert.is(code, "PART_UNUSABLE");
  assert.match(message, '"diary"');
  assert.equal(fs.readdirSync(partPath), before);
});

test.run();
