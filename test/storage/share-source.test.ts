import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { MIB } from "../../src/core/units.js";
import { ShareSource } from "../../src/storage/source/share-source.js";
import { walkSource } from "../../src/storage/source/source-tree.js";
import { file } from "../manifest/craft.js";
import {
  CHUNK,
  mixedFolder,
  type SampleShare,
  sampleShare,
  singleFile,
  writeSource,
} from "./sample-share.js";
import {
  changeUntilSeen,
  errorOf,
  noDescriptorList,
  openBelow,
  scratchFolders,
  testUnless,
} from "./scratch.js";

const scratch = scratchFolders("share-source");

interface Opened {
  readonly source: ShareSource;
  readonly share: SampleShare;
  /** Where the files are. */
  readonly rootPath: string;
}

async function opened(share: SampleShare): Promise<Opened> {
  const rootPath = path.join(scratch(), share.manifest.root.name);
  fs.mkdirSync(path.dirname(rootPath), { recursive: true });
  writeSource(rootPath, share);
  const tree = await walkSource(rootPath, () => undefined, new AbortController().signal);
  return { source: new ShareSource(share.manifest, tree), share, rootPath };
}

type Way = "at once" | "through the pool";
const WAYS: readonly Way[] = ["at once", "through the pool"];

/** Runs with a clock that advances by so much at each look, and a process that waits for something between any
 * two: how long reads take, and whether they waited, decides how they are done. */
function withClock<T>(stepMs: number, run: () => T): T {
  const realNow = performance.now;
  const realUsage = process.resourceUsage;
  let waits = 1;
  process.resourceUsage = () => ({ ...realUsage(), voluntaryContextSwitches: waits++ });
  let nowMs = 0;
  performance.now = () => {
    nowMs += stepMs;
    return nowMs;
  };
  try {
    return run();
  } finally {
    performance.now = realNow;
    process.resourceUsage = realUsage;
  }
}

/** Reads a chunk in this way. */
async function read({ source, share }: Opened, chunkIndex: number, way: Way): Promise<Buffer> {
  if (way === "through the pool") await readSlowly(source, share);
  const into = Buffer.alloc(share.manifest.layout.chunkLength(chunkIndex));
  const reading = withClock(0, () => source.readChunk(chunkIndex, 0, into));
  assert.is(reading === undefined ? "at once" : "through the pool", way);
  await reading;
  return into;
}

/** Reads that seem slow, and then are seen to wait, send those that follow to the pool. */
async function readSlowly(source: ShareSource, { manifest }: SampleShare): Promise<void> {
  const into = Buffer.alloc(manifest.layout.chunkLength(0));
  for (const _time of ["slow", "watched"]) await withClock(1000, () => source.readChunk(0, 0, into));
}

for (const way of WAYS) {
  test(`every chunk read ${way} has its bytes: packs, large files and tails`, async () => {
    for (const share of [mixedFolder(), singleFile(3 * CHUNK + 1), singleFile(5)]) {
      const open = await opened(share);
      for (let chunkIndex = 0; chunkIndex < share.manifest.root.chunkCount; chunkIndex++) {
        assert.ok((await read(open, chunkIndex, way)).equals(share.chunk(chunkIndex)), `chunk ${chunkIndex}`);
      }
      open.source.close();
    }
  });
}

test("a chunk read in slices of any size is the chunk", async () => {
  for (const share of [mixedFolder(), singleFile(3 * CHUNK + 1)]) {
    const { source } = await opened(share);
    for (let chunkIndex = 0; chunkIndex < share.manifest.root.chunkCount; chunkIndex++) {
      const chunk = share.chunk(chunkIndex);
      for (const sliceBytes of [997, 4096, CHUNK - 1, CHUNK]) {
        const into = Buffer.alloc(chunk.byteLength);
        for (let offset = 0; offset < chunk.byteLength; offset += sliceBytes)
          await source.readChunk(chunkIndex, offset, into.subarray(offset, offset + sliceBytes));
        assert.ok(into.equals(chunk), `chunk ${chunkIndex} by ${sliceBytes}`);
      }
    }
    source.close();
  }
});

/** What may happen to a file at `filePath` after it was hashed. */
const CHANGES: Readonly<Record<string, (filePath: string) => void>> = {
  "that was written to": (filePath) => {
    const fd = fs.openSync(filePath, "r+");
    changeUntilSeen(filePath, () => fs.writeSync(fd, "x", 10));
    fs.closeSync(fd);
  },
  "that was cut short": (filePath) => fs.truncateSync(filePath, 20),
  "that was emptied": (filePath) => fs.truncateSync(filePath, 0),
  "that grew": (filePath) => fs.appendFileSync(filePath, "more"),
  "that was touched": (filePath) => fs.utimesSync(filePath, 1, 1),
  "that was touched and whose time was set back": (filePath) => {
    const { atime, mtime } = fs.statSync(filePath);
    changeUntilSeen(filePath, () => fs.utimesSync(filePath, atime, mtime));
  },
  "that is gone": (filePath) => fs.rmSync(filePath),
  "that was replaced by an equal one": (filePath) => {
    fs.copyFileSync(filePath, `${filePath}.new`);
    fs.renameSync(`${filePath}.new`, filePath);
  },
  "that became a folder": (filePath) => {
    fs.rmSync(filePath);
    fs.mkdirSync(filePath);
  },
  "that became a link to an equal one": (filePath) => {
    fs.copyFileSync(filePath, `${filePath}.copy`);
    fs.rmSync(filePath);
    fs.symlinkSync(`${filePath}.copy`, filePath);
  },
  "that became a link to itself": (filePath) => {
    fs.rmSync(filePath);
    fs.symlinkSync(path.basename(filePath), filePath);
  },
  "that became a pipe": (filePath) => {
    fs.rmSync(filePath);
    execFileSync("mkfifo", [filePath]);
  },
};

/** An open one is read before it changes, and so its descriptor is kept. */
const VICTIMS = [
  { label: "a small file", path: "s/small", size: 500, isOpen: false },
  { label: "a large file", path: "l/large", size: CHUNK + 5, isOpen: false },
  { label: "an open file", path: "l/large", size: CHUNK + 5, isOpen: true },
] as const;

for (const [what, change] of Object.entries(CHANGES)) {
  test(`a file ${what} is refused as changed, in whatever way it is read`, async () => {
    for (const victim of VICTIMS) {
      for (const way of WAYS) {
        const files = [file("a/first", CHUNK), file(victim.path, victim.size)];
        const open = await opened(sampleShare({ files }));
        const chunkIndex = open.share.manifest.layout.chunksOfFile(1).first;
        if (victim.isOpen) await read(open, chunkIndex, "at once");
        const filePath = path.join(open.rootPath, victim.path);
        change(filePath);
        const error = await errorOf(() => read(open, chunkIndex, way));
        assert.is(error.code, "SOURCE_CHANGED", `${victim.label}, ${way}: ${error.message}`);
        assert.ok(error.message.includes(filePath));
        assert.ok(error.hint);
        open.source.close();
      }
    }
  });
}

test("a file whose folder is gone or a file by now is refused, unless it is still open", async () => {
  for (const way of WAYS) {
    for (const isFile of [false, true]) {
      const open = await opened(sampleShare({ files: [file("a/first", CHUNK), file("l/large", CHUNK)] }));
      const other = await opened(open.share);
      await read(open, 1, "at once");
      for (const { rootPath } of [open, other]) {
        fs.renameSync(path.join(rootPath, "l"), path.join(rootPath, "away"));
        if (isFile) fs.writeFileSync(path.join(rootPath, "l"), "");
      }
      assert.ok((await read(open, 1, way)).equals(open.share.chunk(1)));
      assert.is((await errorOf(() => read(other, 1, way))).code, "SOURCE_CHANGED");
      open.source.close();
      other.source.close();
    }
  }
});

test("a changed file does not spoil the others", async () => {
  const open = await opened(sampleShare({ files: [file("a", CHUNK), file("b", CHUNK), file("c", 100)] }));
  fs.truncateSync(path.join(open.rootPath, "b"), 0);
  for (const way of WAYS) {
    assert.ok((await read(open, 0, way)).equals(open.share.chunk(0)));
    assert.ok((await read(open, 2, way)).equals(open.share.chunk(2)));
    assert.is((await errorOf(() => read(open, 1, way))).code, "SOURCE_CHANGED");
  }
  open.source.close();
});

/** Enough turns of the event loop, and reads through the pool are done. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("a read that failed writes nothing into its buffer any more", async () => {
  const files = Array.from({ length: 8 }, (_, index) => file(`f${index}`, MIB / 2 - 1));
  const share = sampleShare({ files: [...files, file("large", 4 * MIB)], chunkSize: 4 * MIB });
  assert.is(share.manifest.layout.segments(0).length, 8);
  for (let round = 0; round < 5; round++) {
    const open = await opened(share);
    await readSlowly(open.source, share);
    fs.rmSync(path.join(open.rootPath, "f0"));
    const into = Buffer.alloc(share.manifest.layout.chunkLength(0));
    const reading = open.source.readChunk(0, 0, into);
    assert.ok(reading);
    await reading.then(
      () => assert.unreachable(),
      () => into.fill(0xaa),
    );
    await turns(300);
    assert.is(
      into.findIndex((byte) => byte !== 0xaa),
      -1,
      "the buffer is somebody else's by now",
    );
    open.source.close();
  }
});

testUnless(noDescriptorList, "descriptors of large files are kept, a bounded number of them", async () => {
  const files = Array.from({ length: 50 }, (_, index) => file(`f${index}`, CHUNK));
  const open = await opened(sampleShare({ files }));
  for (let chunkIndex = 0; chunkIndex < files.length; chunkIndex++) await read(open, chunkIndex, "at once");
  assert.is(openBelow(open.rootPath).length, 32);
  await readSlowly(open.source, open.share);
  const into = files.map(() => Buffer.alloc(CHUNK));
  await Promise.all(into.map((bytes, chunkIndex) => open.source.readChunk(chunkIndex, 0, bytes)));
  into.forEach((bytes, chunkIndex) => {
    assert.ok(bytes.equals(open.share.chunk(chunkIndex)));
  });
  assert.ok(openBelow(open.rootPath).length <= 32);
  open.source.close();
  assert.equal(openBelow(open.rootPath), []);
});

testUnless(noDescriptorList, "the file used longest ago is the first to be closed", async () => {
  const files = Array.from({ length: 33 }, (_, index) => file(`f${String(index).padStart(2, "0")}`, CHUNK));
  const open = await opened(sampleShare({ files }));
  for (let chunkIndex = 0; chunkIndex < 32; chunkIndex++) await read(open, chunkIndex, "at once");
  await read(open, 0, "at once");
  await read(open, 32, "at once");
  const names = openBelow(open.rootPath).map((name) => path.basename(name));
  assert.ok(names.includes("f00"));
  assert.not.ok(names.includes("f01"));
  open.source.close();
});

testUnless(noDescriptorList, "one file read many times at once is opened once", async () => {
  const open = await opened(singleFile(12 * CHUNK));
  await readSlowly(open.source, open.share);
  const into = Array.from({ length: 12 }, () => Buffer.alloc(CHUNK));
  await Promise.all(into.map((bytes, chunkIndex) => open.source.readChunk(chunkIndex, 0, bytes)));
  assert.ok(Buffer.concat(into).equals(Buffer.concat(into.map((_, index) => open.share.chunk(index)))));
  assert.is(openBelow(open.rootPath).length, 1);
  open.source.close();
});

testUnless(
  noDescriptorList,
  "no descriptor stays open after packs, failures, or a close while reads run",
  async () => {
    const open = await opened(mixedFolder());
    const { chunkCount } = open.share.manifest.root;
    for (const way of WAYS) await read(open, 0, way);
    await readSlowly(open.source, open.share);
    const into = Array.from({ length: chunkCount }, (_, chunkIndex) =>
      Buffer.alloc(open.share.manifest.layout.chunkLength(chunkIndex)),
    );
    const readings = into.map((bytes, chunkIndex) => open.source.readChunk(chunkIndex, 0, bytes));
    open.source.close();
    const results = await Promise.allSettled(readings);
    results.forEach((result, chunkIndex) => {
      if (result.status === "fulfilled") assert.ok(into[chunkIndex]?.equals(open.share.chunk(chunkIndex)));
      else assert.instance(result.reason, GoshareError);
    });
    await turns(20);
    assert.equal(openBelow(open.rootPath), []);

    const broken = await opened(mixedFolder());
    for (const { path: filePath } of broken.share.manifest.files) {
      fs.utimesSync(path.join(broken.rootPath, filePath), 1, 1);
    }
    for (let chunkIndex = 0; chunkIndex < chunkCount; chunkIndex++) {
      await errorOf(() => read(broken, chunkIndex, "at once"));
    }
    broken.source.close();
    assert.equal(openBelow(broken.rootPath), []);
  },
);

test.run();
