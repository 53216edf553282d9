// Somebody else takes the final name while a download is about to: what is there then is never taken for the download's
// own, whatever becomes of the part folder.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { commit } from "../../src/storage/final/commit.js";
import { discardPart } from "../../src/storage/part/discard-part.js";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { file } from "../manifest/craft.js";
import { killedAfter, replaceCalls } from "./crash.js";
import { downloadAll, partPathOf, syncAtOnce, writeChunk } from "./download-run.js";
import {
  actualTree,
  CHUNK,
  expectedTree,
  mixedFolder,
  type SampleShare,
  sampleShare,
  singleFile,
  writeSource,
} from "./sample-share.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("foreign");

const nameOf = ({ manifest }: SampleShare) => manifest.root.name;
const partOf = (output: string, share: SampleShare) => partPathOf(output, nameOf(share));

/** A download that was complete when `make` took its name. */
async function overtaken(share: SampleShare, make: (targetPath: string) => void): Promise<string> {
  const output = scratch();
  const part = await PartFolder.open(output, share.manifest.root);
  for (let chunk = 0; chunk < share.manifest.root.chunkCount; chunk++) writeChunk(part, share, chunk);
  make(path.join(output, nameOf(share)));
  assert.is((await errorOf(() => commit(part, share.manifest, syncAtOnce))).code, "TARGET_EXISTS");
  part.close();
  return output;
}

const FILE = singleFile(2 * CHUNK + 1);
const STRANGERS: readonly (readonly [string, SampleShare, (targetPath: string) => void])[] = [
  ["a file of the same size", FILE, (at) => fs.writeFileSync(at, Buffer.alloc(2 * CHUNK + 1))],
  ["a folder", mixedFolder(), (at) => fs.mkdirSync(path.join(at, "mine"), { recursive: true })],
  ["an empty file for a file", FILE, (at) => fs.writeFileSync(at, "")],
  ["an empty file for a folder", mixedFolder(), (at) => fs.writeFileSync(at, "")],
  ["an empty folder for a file", FILE, (at) => fs.mkdirSync(at)],
  ["an empty folder for a folder", mixedFolder(), (at) => fs.mkdirSync(at)],
];

for (const [what, share, make] of STRANGERS) {
  test(`${what} that has the name stays a stranger's, with the part folder whole or without its content`, async () => {
    for (const loses of [false, true]) {
      const output = await overtaken(share, make);
      const targetPath = path.join(output, nameOf(share));
      const before = actualTree(targetPath);
      if (loses) fs.rmSync(path.join(partOf(output, share), "content"), { recursive: true });
      for (let attempt = 0; attempt < 2; attempt++) {
        assert.is((await errorOf(() => downloadAll(output, share))).code, "TARGET_EXISTS");
        assert.equal(actualTree(targetPath), before);
      }
      const [, renamed] = fs.readdirSync(output).sort();
      assert.is(renamed, nameOf(share));
      await downloadAll(output, share, syncAtOnce, "rename");
      const second = fs.readdirSync(output).find((name) => name !== nameOf(share)) ?? "";
      assert.equal(actualTree(path.join(output, second)), expectedTree(share));
      assert.equal(actualTree(targetPath), before);
    }
  });

  test(`${what} that has the name stays a stranger's where discarding the download was stopped at any step`, async () => {
    const restore = replaceCalls({ fsyncSync: () => undefined });
    try {
      for (let step = 0; ; step++) {
        const output = await overtaken(share, make);
        const targetPath = path.join(output, nameOf(share));
        const before = actualTree(targetPath);
        const wasKilled = await killedAfter(step, () => discardPart(partOf(output, share), targetPath));
        fs.rmSync(path.join(partOf(output, share), "lock"), { force: true });
        assert.is((await errorOf(() => downloadAll(output, share))).code, "TARGET_EXISTS", `step ${step}`);
        assert.equal(actualTree(targetPath), before, `step ${step}`);
        if (!wasKilled) break;
      }
    } finally {
      restore();
    }
  });
}

test("a folder that was replaced and cannot be removed does not keep the new one from being done", async () => {
  const share = mixedFolder();
  const old = sampleShare({ name: nameOf(share), files: [file("kept", 3)] });
  for (const errno of ["EBUSY", "EACCES", "ENOTEMPTY"]) {
    const output = scratch();
    writeSource(path.join(output, nameOf(share)), old);
    const { rmSync } = fs;
    const restore = replaceCalls({
      rmSync: (at: string, options: fs.RmOptions) => {
        if (path.basename(at) === "outdated" && fs.existsSync(at))
          throw Object.assign(new Error(`${errno}: made up`), { code: errno });
        rmSync(at, options);
      },
    });
    try {
      const part = await PartFolder.open(output, share.manifest.root, "replace");
      for (let chunk = 0; chunk < share.manifest.root.chunkCount; chunk++) writeChunk(part, share, chunk);
      const problem = await commit(part, share.manifest, syncAtOnce);
      assert.match(problem?.message ?? "", errno);
      assert.equal(actualTree(path.join(output, nameOf(share))), expectedTree(share));
      assert.equal(fs.readdirSync(partOf(output, share)), ["outdated"]);
      await downloadAll(output, share, syncAtOnce, "replace");
      assert.is((await errorOf(() => downloadAll(output, share))).code, "TARGET_EXISTS");
    } finally {
      restore();
    }
    assert.equal(actualTree(path.join(output, nameOf(share))), expectedTree(share));
    await downloadAll(output, share, syncAtOnce, "replace");
    assert.equal(fs.readdirSync(output), [nameOf(share)], "what can be removed by now is");
  }
});

for (const name of ["root", "journal", "ticket", "lock"]) {
  test(`a named pipe in the place of "${name}" holds nothing up`, async () => {
    const output = scratch();
    const share = singleFile(CHUNK);
    fs.mkdirSync(partOf(output, share), { mode: 0o700 });
    execFileSync("mkfifo", [path.join(partOf(output, share), name)]);
    let code = "";
    try {
      const part = await PartFolder.open(output, share.manifest.root);
      try {
        part.storeTicket("goshare1x");
      } finally {
        part.close();
      }
    } catch (thrown) {
      code = GoshareError.from(thrown).code;
    }
    // What is no lock is no longer one: it is taken away like one that a crash has torn.
    assert.is(code, name === "lock" ? "" : "PART_UNUSABLE");
  });
}

test.run();
