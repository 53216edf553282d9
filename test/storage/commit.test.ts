import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { commit } from "../../src/storage/final/commit.js";
import type { SyncFiles } from "../../src/storage/part/part-folder.js";
import { PartFolder } from "../../src/storage/part/part-folder.js";
import { file } from "../manifest/craft.js";
import { replaceCalls } from "./crash.js";
import { downloadAll, syncAtOnce, writeChunk } from "./download-run.js";
import {
  actualTree,
  CHUNK,
  expectedTree,
  mixedFolder,
  type SampleShare,
  sampleShare,
  singleFile,
} from "./sample-share.js";
import { errorOf, noDescriptorList, openBelow, scratchFolders, testUnless } from "./scratch.js";

const scratch = scratchFolders("commit");

/** A part folder with every chunk written. */
async function complete(output: string, share: SampleShare): Promise<PartFolder> {
  const part = await PartFolder.open(output, share.manifest.root);
  for (let chunkIndex = 0; chunkIndex < share.manifest.root.chunkCount; chunkIndex++) {
    writeChunk(part, share, chunkIndex);
  }
  return part;
}

function assertDone(output: string, share: SampleShare): void {
  const { name } = share.manifest.root;
  assert.equal(actualTree(path.join(output, name)), expectedTree(share));
  assert.equal(fs.readdirSync(output), [name], "the part folder is gone");
}

const refusing =
  (errno: string): (() => never) =>
  () => {
    throw Object.assign(new Error(`${errno}: made up`), { code: errno });
  };

test("a folder ends under its name: packs, large and empty files, folders, links, and no more", async () => {
  const output = scratch();
  const share = mixedFolder();
  await downloadAll(output, share);
  assertDone(output, share);
});

test("a file ends under its name, alone", async () => {
  for (const share of [singleFile(3 * CHUNK + 5), singleFile(7, { executable: true }), singleFile(0)]) {
    const output = scratch();
    await downloadAll(output, share);
    assertDone(output, share);
    assert.is(fs.statSync(path.join(output, "big.bin")).nlink, 1);
  }
});

test("shares without chunks are complete at once", async () => {
  const shares = [
    sampleShare({}),
    sampleShare({ files: [file("a/empty"), file("b", 0, true)] }),
    sampleShare({ emptyDirectories: ["a/b/c"] }),
    sampleShare({ symbolicLinks: [{ path: "a/b", target: "../c" }] }),
  ];
  for (const share of shares) {
    assert.is(share.manifest.root.chunkCount, 0);
    const output = scratch();
    await downloadAll(output, share);
    assertDone(output, share);
  }
});

test("modes are those of the user's umask, and only of programs executable", async () => {
  const output = scratch();
  const before = process.umask(0o027);
  try {
    await downloadAll(output, mixedFolder());
  } finally {
    process.umask(before);
  }
  const modeOf = (name: string) => fs.statSync(path.join(output, "mixed", name)).mode & 0o777;
  assert.equal(
    ["", "a", "a/one", "b/deep/large", "empty", "a/two", "b/deep/run", "empty-run"].map(modeOf),
    [0o750, 0o750, 0o640, 0o640, 0o640, 0o750, 0o750, 0o750],
  );
});

test("everything is made durable before the name is claimed: files, then links, then folders from below", async () => {
  const output = scratch();
  const share = mixedFolder();
  const part = await complete(output, share);
  const calls: string[][] = [];
  const record: SyncFiles = async (entries) => {
    const relative = [...entries].map((one) => path.relative(part.contentPath, one.path));
    calls.push(relative);
    assert.is(fs.existsSync(part.targetPath), false);
    const links = share.manifest.symbolicLinks.map((link) =>
      fs.lstatSync(part.filePath(link.path), { throwIfNoEntry: false }),
    );
    for (const link of links) assert.is(link !== undefined, calls.length === 2);
  };
  await commit(part, share.manifest, record);
  const [files = [], folders = []] = calls;
  assert.is(calls.length, 2);
  assert.equal(
    files,
    share.manifest.files.map((entry) => entry.path),
  );
  assert.equal([...folders].sort(), ["", "a", "b", "b/deep", "hollow", "links", "nested", "nested/hollow"]);
  folders.forEach((folder, index) => {
    for (const later of folders.slice(index + 1)) assert.not(folder !== "" && later.startsWith(`${folder}/`));
  });
  assert.is(folders.at(-1), "");
});

const LATECOMERS: Readonly<Record<string, (targetPath: string) => void>> = {
  "a file": (targetPath) => fs.writeFileSync(targetPath, "mine"),
  "an empty file": (targetPath) => fs.writeFileSync(targetPath, ""),
  "an empty folder": (targetPath) => fs.mkdirSync(targetPath),
  "a folder with something in it": (targetPath) =>
    fs.mkdirSync(path.join(targetPath, "a"), { recursive: true }),
  "a dangling link": (targetPath) => fs.symlinkSync("missing", targetPath),
};

for (const [what, make] of Object.entries(LATECOMERS)) {
  test(`${what} that appears under the name is not touched, and nothing is fetched twice`, async () => {
    for (const share of [mixedFolder("late"), singleFile(CHUNK + 1, { name: "late" })]) {
      for (const hasHardLinks of [true, false]) {
        const output = scratch();
        const targetPath = path.join(output, "late");
        const part = await complete(output, share);
        make(targetPath);
        const before = actualTree(targetPath);
        const restore = replaceCalls(hasHardLinks ? {} : { linkSync: refusing("EPERM") });
        const error = await errorOf(() => commit(part, share.manifest, syncAtOnce)).finally(restore);
        assert.is(error.code, "TARGET_EXISTS");
        assert.ok(error.message.includes(targetPath));
        assert.ok(error.hint);
        part.close();
        assert.equal(actualTree(targetPath), before);

        fs.rmSync(targetPath, { recursive: true });
        assert.equal((await downloadAll(output, share)).fetched, []);
        assertDone(output, share);
      }
    }
  });
}

test("what still has the name at the next attempt is not touched either", async () => {
  for (const share of [mixedFolder("late"), singleFile(CHUNK + 1, { name: "late" })]) {
    const output = scratch();
    const part = await complete(output, share);
    fs.mkdirSync(path.join(output, "late", "mine"), { recursive: true });
    await errorOf(() => commit(part, share.manifest, syncAtOnce));
    part.close();
    for (let attempt = 0; attempt < 2; attempt++) {
      assert.is((await errorOf(() => downloadAll(output, share))).code, "TARGET_EXISTS");
      assert.equal(fs.readdirSync(path.join(output, "late")), ["mine"]);
    }
  }
});

test("a disk without hard links takes files and folders as well", async () => {
  for (const share of [mixedFolder(), singleFile(CHUNK + 1), singleFile(0)]) {
    for (const errno of ["EPERM", "EINVAL", "ENOTSUP"]) {
      const output = scratch();
      const restore = replaceCalls({ linkSync: refusing(errno) });
      try {
        await downloadAll(output, share);
      } finally {
        restore();
      }
      assertDone(output, share);
    }
  }
});

test("a disk that renames nothing over what is there takes files and folders as well", async () => {
  const { renameSync } = fs;
  for (const share of [mixedFolder(), singleFile(CHUNK + 1), singleFile(0)]) {
    for (const errno of ["EEXIST", "EPERM"]) {
      const output = scratch();
      const restore = replaceCalls({
        linkSync: refusing("EPERM"),
        renameSync: (from: string, to: string) => {
          if (fs.existsSync(to)) refusing(errno)();
          renameSync(from, to);
        },
      });
      try {
        await downloadAll(output, share);
      } finally {
        restore();
      }
      assertDone(output, share);
    }
  }
});

test("if a file cannot be made durable the name is not claimed and the part folder stays", async () => {
  for (const failingCall of [1, 2]) {
    for (const share of [mixedFolder(), singleFile(CHUNK + 1)]) {
      const output = scratch();
      const part = await complete(output, share);
      let calls = 0;
      const failing: SyncFiles = async (entries) => {
        if (++calls === failingCall) throw new GoshareError("DISK_FAILED", "EIO: i/o error, fsync");
        await syncAtOnce(entries);
      };
      assert.is((await errorOf(() => commit(part, share.manifest, failing))).code, "DISK_FAILED");
      part.close();
      assert.not.ok(fs.existsSync(part.targetPath));
      await downloadAll(output, share);
      assertDone(output, share);
    }
  }
});

test("where the disk tells only at the close that it has lost something, nothing is committed nor kept", async () => {
  const lose = (fd: number, done: fs.NoParamCallback) => {
    fs.closeSync(fd);
    done(Object.assign(new Error("EDQUOT: disk quota exceeded, close"), { code: "EDQUOT" }));
  };
  for (const ends of ["commit", "pause"]) {
    const output = scratch();
    const share = singleFile(3 * CHUNK);
    const part = await complete(output, share);
    const own = { path: part.filePath(share.manifest.root.name) };
    const restore = replaceCalls({ close: lose });
    const error = await errorOf(() =>
      ends === "commit" ? commit(part, share.manifest, syncAtOnce) : part.makeDurable([own], syncAtOnce),
    ).finally(restore);
    assert.is(error.code, "SYNC_FAILED");
    assert.match(error.message, own.path);
    part.close();
    assert.equal(fs.readdirSync(output), []);
    assert.equal((await downloadAll(output, share)).fetched, [0, 1, 2]);
    assertDone(output, share);
  }
});

test("a failing disk during the claim ends with its code, and the next run ends right", async () => {
  for (const [call, errno, code] of [
    ["renameSync", "EIO", "DISK_FAILED"],
    ["renameSync", "ENOSPC", "DISK_FULL"],
    ["mkdirSync", "EACCES", "PERMISSION_DENIED"],
    ["symlinkSync", "EROFS", "PERMISSION_DENIED"],
    ["fsyncSync", "EIO", "DISK_FAILED"],
  ] as const) {
    const output = scratch();
    const share = mixedFolder();
    const part = await complete(output, share);
    const restore = replaceCalls({ [call]: refusing(errno) });
    const error = await errorOf(() => commit(part, share.manifest, async () => undefined)).finally(restore);
    assert.is(error.code, code, `${call} ${errno}`);
    part.close();
    assert.equal((await downloadAll(output, share)).fetched, []);
    assertDone(output, share);
  }
});

testUnless(noDescriptorList, "no descriptor stays open after a commit, or one that failed", async () => {
  const output = scratch();
  await downloadAll(output, mixedFolder());
  await downloadAll(output, singleFile(3 * CHUNK));
  const part = await complete(output, singleFile(CHUNK, { name: "other" }));
  fs.writeFileSync(part.targetPath, "mine");
  await errorOf(() => commit(part, singleFile(CHUNK, { name: "other" }).manifest, syncAtOnce));
  part.close();
  assert.equal(openBelow(output), []);
});

test.run();
