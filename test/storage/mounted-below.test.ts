import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mountPointBelow } from "../../src/storage/files/mounted-below.js";
import { scratchFolders } from "./scratch.js";

const scratch = scratchFolders("mounted");

function line(mountPoint: string): string {
  return `36 35 98:0 / ${mountPoint} rw,noatime master:1 - ext3 /dev/root rw,errors=continue`;
}

test("what is mounted below a folder is found, however deep and by whatever name", () => {
  const folder = fs.realpathSync(scratch());
  for (const below of ["a", "a/b/c", "é"]) {
    const mountPoint = path.join(folder, below);
    assert.is(mountPointBelow(folder, `${line("/")}\n${line(mountPoint)}\n`), mountPoint);
  }
  assert.is(mountPointBelow(folder, line(`${folder}/two\\040words\\134`)), `${folder}/two words\\`);
});

test("the folder itself, one beside it and those above it are not below it", () => {
  const folder = fs.realpathSync(scratch());
  const others = ["/", folder, `${folder}-beside`, path.dirname(folder)];
  assert.is(mountPointBelow(folder, others.map(line).join("\n")), undefined);
  assert.is(mountPointBelow(folder, ""), undefined);
});

test("a folder that is reached by a link is looked at where it is", () => {
  const folder = fs.realpathSync(scratch());
  const link = path.join(fs.realpathSync(scratch()), "link");
  fs.symlinkSync(folder, link);
  assert.is(mountPointBelow(link, line(`${folder}/disk`)), `${folder}/disk`);
});

test.run();
