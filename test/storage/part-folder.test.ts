import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { commit } from "../../src/storage/final/commit.js";
import { makeFolders } from "../../src/storage/part/part-files.js";
import { file } from "../manifest/craft.js";
import { replaceCalls } from "./crash.js";
import { downloadAll, killedAfter, open, partPathOf, syncAtOnce, writeChunk } from "./download-run.js";
import { actualTree, CHUNK, expectedTree, mixedFolder, sampleShare, singleFile } from "./sample-share.js";
import { errorOf, noDescriptorList, openBelow, scratchFolders, testUnless } from "./scratch.js";

const scratch = scratchFolders("part");

test("a fresh part folder stands beside its target, hidden, and claims nothing", async () => {
  const output = path.join(scratch(), "made", "for it");
  const share = mixedFolder();
  const part = await open(output, share);
  assert.is(part.targetPath, path.join(output, "mixed"));
  assert.is(part.partPath, partPathOf(output, "mixed"));
  assert.is(part.claims.held.count, 0);
  assert.is(part.claims.isCommitting, false);
  assert.is(fs.statSync(part.partPath).mode & 0o777, 0o700);
  assert.not.ok(fs.existsSync(part.targetPath));
  part.close();
});

test("a part folder that is moved is known to be gone, whatever is made again where it was", async () => {
  const part = await open(scratch(), mixedFolder());
  assert.is(await part.displacement(), undefined);
  fs.renameSync(part.partPath, `${part.partPath}-moved`);
  assert.is((await part.displacement())?.code, "PART_CHANGED");
  // As it happens on the way to a file.
  fs.mkdirSync(part.contentPath, { recursive: true });
  assert.match((await part.displacement())?.message ?? "", part.partPath);
  part.close();
  assert.is(await part.displacement(), undefined, "what is over is not missed");
});

test("where another run has begun in the place of a part folder that was moved, nothing of it is touched", async () => {
  const output = scratch();
  const share = mixedFolder();
  const first = await open(output, share);
  fs.renameSync(first.partPath, `${first.partPath}-moved`);
  const second = await open(output, share);
  writeChunk(second, share, 1);
  assert.match((await first.displacement())?.message ?? "", "another run");
  first.close();
  assert.is(await second.displacement(), undefined);
  second.close();
  assert.equal((await downloadAll(output, share)).fetched.includes(1), false);
});

test("a file that was replaced while it was open is not committed, though many others were opened since", async () => {
  const files = Array.from({ length: 70 }, (_, index) => file(`f${index}`.padStart(3, "0"), CHUNK + 1));
  const share = sampleShare({ files });
  const { chunkCount } = share.manifest.root;
  const part = await open(scratch(), share);
  writeChunk(part, share, 0);
  const replaced = part.filePath(share.manifest.files[0]?.path ?? "");
  fs.copyFileSync(replaced, `${replaced}.copy`);
  fs.renameSync(`${replaced}.copy`, replaced);
  for (let chunkIndex = 1; chunkIndex < chunkCount; chunkIndex++) writeChunk(part, share, chunkIndex);
  const error = await errorOf(() => commit(part, share.manifest, syncAtOnce));
  assert.is(error.code, "PART_CHANGED");
  assert.match(error.message, replaced);
  part.close();
});

test("a folder with nothing verified in it is removed when it is closed", async () => {
  const output = scratch();
  const part = await open(output, mixedFolder());
  part.storeBody(Buffer.from("body"));
  part.writeRuns(mixedFolder().manifest, mixedFolder().manifest.layout.segments(1));
  part.close();
  part.close();
  assert.equal(fs.readdirSync(output), []);
});

testUnless(
  noDescriptorList,
  "a disk that is read-only by the end does not hide why a download ends",
  async () => {
    const share = singleFile(2 * CHUNK);
    const part = await open(scratch(), share);
    writeChunk(part, share, 0);
    part.flushJournal();
    const refused = () => {
      throw Object.assign(new Error("EROFS: read-only file system, unlink"), { code: "EROFS" });
    };
    const restore = replaceCalls({ rmSync: refused, ftruncateSync: refused, writeSync: refused });
    try {
      part.close();
    } finally {
      restore();
    }
    assert.equal(openBelow(part.partPath), []);
  },
);

test("the part folder of another content id is refused, named, and left as it is", async () => {
  const output = scratch();
  const partPath = await killedAfter(output, singleFile(2 * CHUNK), 1);
  const before = actualTree(partPath);
  const error = await errorOf(() => open(output, singleFile(3 * CHUNK)));
  assert.is(error.code, "PART_UNUSABLE");
  assert.ok(error.message.includes(partPath));
  assert.ok(error.hint);
  assert.equal(actualTree(partPath), before);
});

test("a journal that is empty counts as a fresh one", async () => {
  const output = scratch();
  const share = singleFile(2 * CHUNK);
  const partPath = await killedAfter(output, share, 1);
  fs.truncateSync(path.join(partPath, "journal"), 0);
  assert.equal((await downloadAll(output, share)).fetched, [0, 1]);
});

const TARGETS: Readonly<Record<string, (targetPath: string) => void>> = {
  "a file": (targetPath) => fs.writeFileSync(targetPath, "mine"),
  "an empty file": (targetPath) => fs.writeFileSync(targetPath, ""),
  "a folder": (targetPath) => fs.mkdirSync(targetPath),
  "a link to a folder": (targetPath) => fs.symlinkSync("/tmp", targetPath),
  "a dangling link": (targetPath) => fs.symlinkSync("missing", targetPath),
};

for (const [what, make] of Object.entries(TARGETS)) {
  test(`where ${what} has the name, nothing is begun and nothing is touched`, async () => {
    for (const share of [mixedFolder("taken"), singleFile(CHUNK, { name: "taken" })]) {
      const output = scratch();
      make(path.join(output, "taken"));
      const before = actualTree(output);
      const error = await errorOf(() => open(output, share));
      assert.is(error.code, "TARGET_EXISTS");
      assert.ok(error.message.includes(path.join(output, "taken")));
      assert.equal(actualTree(output), before);
    }
  });
}

test("an unfinished download stays where a target has appeared, and goes on when it is gone", async () => {
  const output = scratch();
  const share = singleFile(2 * CHUNK);
  await killedAfter(output, share, 1);
  fs.writeFileSync(path.join(output, "big.bin"), "mine");
  assert.is((await errorOf(() => open(output, share))).code, "TARGET_EXISTS");
  fs.rmSync(path.join(output, "big.bin"));
  assert.equal((await downloadAll(output, share)).fetched, [0]);
  assert.equal(actualTree(path.join(output, "big.bin")), expectedTree(share));
});

test("an output folder that is a file is said to be so", async () => {
  const output = path.join(scratch(), "file");
  fs.writeFileSync(output, "");
  const error = await errorOf(() => open(output, mixedFolder()));
  assert.is(error.exitCode, 6);
  assert.ok(error.message.includes(output));
});

test("a folder is made also where another thread makes the one above it meanwhile", () => {
  const folder = scratch();
  const inner = path.join(folder, "outer", "inner");
  const { mkdirSync } = fs;
  const restore = replaceCalls({
    mkdirSync: (made: string, mode?: number) => {
      const isThere = fs.existsSync(path.dirname(made));
      mkdirSync(path.join(folder, "outer"), { recursive: true });
      if (!isThere)
        throw Object.assign(new Error(`ENOENT: no such file or directory, mkdir '${made}'`), {
          code: "ENOENT",
        });
      mkdirSync(made, mode);
    },
  });
  try {
    makeFolders(inner);
  } finally {
    restore();
  }
  assert.ok(fs.statSync(inner).isDirectory());
});

test("a link or file in place of the part folder is refused and never followed", async () => {
  const share = mixedFolder();
  const elsewhere = scratch();
  const plants: readonly ((partPath: string) => void)[] = [
    (partPath) => fs.symlinkSync(elsewhere, partPath),
    (partPath) => fs.symlinkSync(path.join(elsewhere, "missing"), partPath),
    (partPath) => fs.writeFileSync(partPath, "file"),
  ];
  for (const plant of plants) {
    const output = scratch();
    plant(partPathOf(output, "mixed"));
    const before = actualTree(output);
    assert.is((await errorOf(() => open(output, share))).code, "PART_UNUSABLE");
    assert.equal(actualTree(output), before);
  }
  assert.equal(fs.readdirSync(elsewhere), []);
});

test("on a disk that says that all is somebody else's a part folder is still this user's, and no other folder is", async () => {
  const { lstatSync, fstatSync } = fs;
  const foreign = (stats: fs.Stats | undefined) => {
    if (stats !== undefined) stats.uid = Number(stats.uid) + 1;
    return stats;
  };
  const isFolder = (stats: fs.Stats | undefined) => stats?.isDirectory() === true;
  for (const isDiskForeign of [true, false]) {
    const output = scratch();
    const share = singleFile(CHUNK + 1);
    fs.mkdirSync(partPathOf(output, share.manifest.root.name));
    const restore = replaceCalls({
      lstatSync: (place: string, options: fs.StatSyncOptions) => {
        const stats = lstatSync(place, options) as fs.Stats | undefined;
        return isFolder(stats) ? foreign(stats) : stats;
      },
      ...(isDiskForeign && { fstatSync: (fd: number) => foreign(fstatSync(fd)) }),
    });
    try {
      if (isDiskForeign) await downloadAll(output, share);
      else assert.is((await errorOf(() => open(output, share))).code, "PART_UNUSABLE");
    } finally {
      restore();
    }
    const left = isDiskForeign
      ? [share.manifest.root.name]
      : [path.basename(partPathOf(output, share.manifest.root.name))];
    assert.equal(fs.readdirSync(output), left);
    if (!isDiskForeign) assert.equal(fs.readdirSync(partPathOf(output, share.manifest.root.name)), []);
  }
});

test("a link in place of any file of the part folder is never written through", async () => {
  const share = mixedFolder();
  const names = ["journal", "root", "body", "pause.new", "content", "content/a/one", "content/b/deep/large"];
  for (const name of names) {
    for (const isDangling of [false, true]) {
      const output = scratch();
      const elsewhere = scratch();
      const outside = path.join(elsewhere, name.includes("content") ? "folder" : "file");
      if (!isDangling) {
        if (name === "content") fs.mkdirSync(outside);
        else fs.writeFileSync(outside, "precious");
      }
      const planted = path.join(partPathOf(output, "mixed"), name);
      fs.mkdirSync(path.dirname(planted), { recursive: true });
      fs.symlinkSync(outside, planted);
      const before = actualTree(elsewhere);
      const label = `${name}${isDangling ? ", dangling" : ""}`;
      const error = await errorOf(async () => {
        const part = await open(output, share);
        try {
          part.storeBody(Buffer.from("body"));
          for (let chunkIndex = 0; chunkIndex < 3; chunkIndex++) writeChunk(part, share, chunkIndex);
          await part.pause(share.manifest, part.claims.held);
        } catch (thrown) {
          throw GoshareError.from(thrown);
        } finally {
          part.close();
        }
        throw new Error(`${label} was followed`);
      });
      assert.is(error.exitCode, 6, `${label}: ${error.message}`);
      assert.equal(actualTree(elsewhere), before, label);
    }
  }
});

testUnless(
  process.geteuid?.() === 0 ? undefined : "only root can make what belongs to somebody else",
  "a part folder of another user is refused",
  async () => {
    const output = scratch();
    const partPath = partPathOf(output, "mixed");
    fs.mkdirSync(partPath);
    fs.chownSync(partPath, 65534, 65534);
    assert.is((await errorOf(() => open(output, mixedFolder()))).code, "PART_UNUSABLE");
  },
);

test("names as long as a disk allows, in any script, have a part folder of their own", async () => {
  const names = ["x".repeat(255), "ä".repeat(127), "\u{1F600}".repeat(63), "y".repeat(241), "y".repeat(242)];
  for (const name of names) {
    const output = scratch();
    const share = singleFile(CHUNK + 1, { name });
    const other = singleFile(CHUNK + 2, { name });
    await killedAfter(output, share, 0);
    const [partName = ""] = fs.readdirSync(output);
    assert.ok(Buffer.byteLength(partName) <= 255);
    assert.match(partName, /^\..*\.goshare-part$/);
    assert.not.match(partName, /\uFFFD/);
    if (Buffer.byteLength(`.${name}.goshare-part`) > 255) {
      await killedAfter(output, other, 1);
      assert.is(fs.readdirSync(output).length, 2, "two shares of one long name do not meet");
    }
    assert.equal((await downloadAll(output, share)).fetched, [1]);
    assert.equal(actualTree(path.join(output, name)), expectedTree(share));
  }
});

test("a body is kept for the next run, and only one of the right size is taken", async () => {
  const output = scratch();
  const share = singleFile(2 * CHUNK);
  const part = await open(output, share);
  assert.is(part.storedBody(), undefined);
  part.storeBody(share.manifest.bodyBytes);
  writeChunk(part, share, 0);
  part.close();
  const next = await open(output, share);
  assert.equal(next.storedBody(), Buffer.from(share.manifest.bodyBytes));
  next.storeBody(share.manifest.bodyBytes.subarray(1));
  assert.is(next.storedBody(), undefined);
  next.close();
});

test("runs of a chunk name every file with its place; only large files are opened for them", async () => {
  const share = mixedFolder();
  const part = await open(scratch(), share);
  const pack = part.writeRuns(share.manifest, share.manifest.layout.segments(0));
  assert.equal(
    pack.map((run) => [path.relative(part.contentPath, run.path), run.fd, run.executable, run.length]),
    [
      ["a/one", undefined, false, 10],
      ["a/two", undefined, true, 1000],
      ["z", undefined, false, 5000],
    ],
  );
  const tail = part.writeRuns(share.manifest, share.manifest.layout.segments(3));
  assert.equal([tail[0]?.fileOffset, tail[0]?.length, typeof tail[0]?.fd], [2 * CHUNK, 123, "number"]);
  const large = part.filePath("b/deep/large");
  assert.is(fs.statSync(large).size, 2 * CHUNK + 123, "a large file has its size from the start");
  part.releaseRuns(share.manifest, share.manifest.layout.segments(0));
  part.releaseRuns(share.manifest, share.manifest.layout.segments(3));
  part.close();
});

testUnless(noDescriptorList, "open files are bounded, and those in use stay open", async () => {
  const files = Array.from({ length: 100 }, (_, index) => file(`f${index}`, CHUNK + 1));
  const share = sampleShare({ files });
  const output = scratch();
  const part = await open(output, share);
  const before = openBelow(output).length;
  const inUse = share.manifest.layout.segments(0);
  const [run] = part.writeRuns(share.manifest, inUse);
  for (let chunkIndex = 2; chunkIndex < share.manifest.root.chunkCount; chunkIndex++) {
    const segments = share.manifest.layout.segments(chunkIndex);
    part.writeRuns(share.manifest, segments);
    part.releaseRuns(share.manifest, segments);
    assert.ok(openBelow(output).length - before <= 64);
  }
  assert.is(fs.writeSync(run?.fd ?? -1, "still open", 0), 10);
  part.releaseRuns(share.manifest, inUse);
  part.close();
  assert.equal(openBelow(output), []);
});

testUnless(noDescriptorList, "no descriptor stays open after an attempt that failed", async () => {
  const output = scratch();
  await killedAfter(output, singleFile(2 * CHUNK), 1);
  await errorOf(() => open(output, singleFile(3 * CHUNK)));
  const other = scratch();
  fs.mkdirSync(path.join(partPathOf(other, "mixed"), "root"), { recursive: true });
  await errorOf(() => open(other, mixedFolder()));
  assert.equal([...openBelow(output), ...openBelow(other)], []);
});

test("two downloads to one target exclude each other; the second is not disturbed by the end of the first", async () => {
  const output = scratch();
  const share = singleFile(2 * CHUNK);
  const first = await open(output, share);
  const error = await errorOf(() => open(output, share));
  assert.is(error.code, "TARGET_BUSY");
  assert.ok(error.message.includes(first.targetPath));
  // The second waits for the lock while the first removes its folder.
  const second = open(output, share);
  await new Promise((resolve) => setImmediate(resolve));
  first.close();
  const part = await second;
  writeChunk(part, share, 0);
  part.close();
  assert.equal((await downloadAll(output, share)).fetched, [1]);
});

test.run();
