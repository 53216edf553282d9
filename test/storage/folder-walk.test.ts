// A walk through a folder that is to be shared: in turns, by many looks at a time, and to an end whatever becomes of what it
// looks at.
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lookAtFiles } from "../../src/storage/files/file-looks.js";
import { walkSource } from "../../src/storage/source/source-tree.js";
import { file } from "../manifest/craft.js";
import { errorOf, scratchFolders } from "./scratch.js";
import { folderMaker, never, pathsOf, walk } from "./walked-folder.js";

const scratch = scratchFolders("walk");
const folderWith = folderMaker(scratch);

test("a walk gives the event loop its turns, tells how far it is, and stops on abort", async () => {
  const folder = folderWith(...Array.from({ length: 50 }, (_, index) => `${index}`));
  const realNow = performance.now;
  let nowMs = 0;
  // Every look at the clock finds it much later: a turn after each entry.
  performance.now = () => {
    nowMs += 1000;
    return nowMs;
  };
  try {
    const abort = new AbortController();
    const seen: number[] = [];
    const reason = new Error("enough");
    const walking = walkSource(
      folder,
      (files) => {
        seen.push(files);
        if (files === 3) abort.abort(reason);
      },
      abort.signal,
    );
    await walking.then(
      () => assert.unreachable(),
      (thrown: unknown) => assert.is(thrown, reason),
    );
    assert.equal(seen, [1, 2, 3]);
  } finally {
    performance.now = realNow;
  }
  const counts: (readonly [number, number])[] = [];
  await walkSource(folder, (files, bytes) => counts.push([files, bytes]), never);
  assert.equal(counts.at(-1), [50, 0]);
});

test("files are looked at many at a time, whoever is done first, and stand in their order", async () => {
  const names = Array.from({ length: 3_000 }, (_, index) => `${index}`);
  const folder = folderWith(...names);
  fs.mkdirSync(path.join(folder, "below"));
  fs.writeFileSync(path.join(folder, "below", "one"), "12345", { mode: 0o755 });
  const looks: (() => void)[] = [];
  let isBegun = false;
  const look = async (paths: readonly string[]) => {
    // The last of those in the folder itself is answered first.
    await new Promise<void>((resolve) => {
      looks.push(resolve);
      isBegun ||= looks.length === 6;
      if (isBegun) for (const answer of looks.splice(0).reverse()) answer();
    });
    return lookAtFiles(paths);
  };
  const tree = await walkSource(folder, () => undefined, never, undefined, look);
  const atOnce = await walk(folder);
  assert.equal(tree.files, atOnce.files);
  assert.equal(tree.identities, atOnce.identities);
  assert.equal(tree.files.at(-1), file("below/one", 5, true));
});

test("what is no file any more when it is looked at is taken for what it is, or named", async () => {
  const folder = folderWith("a", "b", "c", "d");
  const at = (name: string) => path.join(folder, name);
  const change = (damage: () => void) => {
    let isDone = false;
    const look = async (paths: readonly string[]) => {
      if (!isDone) damage();
      isDone = true;
      return lookAtFiles(paths);
    };
    return walkSource(folder, () => undefined, never, undefined, look);
  };
  const tree = await change(() => {
    for (const name of ["a", "b"]) fs.rmSync(at(name));
    fs.mkdirSync(at("a"));
    fs.writeFileSync(at("a/below"), "");
    fs.symlinkSync("c", at("b"));
  });
  assert.equal(pathsOf(tree), ["a/below", "c", "d"]);
  assert.equal(tree.symbolicLinks, [{ path: "b", target: "c" }]);
  const error = await errorOf(() => change(() => fs.rmSync(at("d"))));
  assert.is(error.code, "SOURCE_UNREADABLE");
  assert.ok(error.message.includes(at("d")));
});

test("a walk that waits for looks stops on abort, and tells how far it is meanwhile", async () => {
  const folder = folderWith("a", "b");
  const abort = new AbortController();
  const reason = new Error("enough");
  const counts: number[] = [];
  const look = () => {
    queueMicrotask(() => abort.abort(reason));
    return new Promise<never>(() => {});
  };
  const walking = walkSource(folder, (files) => counts.push(files), abort.signal, undefined, look);
  await walking.then(
    () => assert.unreachable(),
    (thrown: unknown) => assert.is(thrown, reason),
  );
  assert.is(counts.at(-1), 2);
});

test("deep folders are walked to their ends, and the empty ones among them are there", async () => {
  const folder = folderWith();
  const deep = Array.from({ length: 40 }, (_, depth) => `d${depth}`);
  fs.mkdirSync(path.join(folder, ...deep), { recursive: true });
  for (let depth = 1; depth <= deep.length; depth += 3)
    fs.mkdirSync(path.join(folder, ...deep.slice(0, depth), "aside"));
  fs.writeFileSync(path.join(folder, ...deep.slice(0, 20), "file"), "1");
  const tree = await walk(folder);
  assert.equal(pathsOf(tree), [[...deep.slice(0, 20), "file"].join("/")]);
  // The innermost has one in it, since 40 - 1 is divisible by 3.
  assert.is(tree.emptyDirectories.length, 14);
  assert.ok(tree.emptyDirectories.includes([...deep, "aside"].join("/")));
});

test("a walk ends with why files cannot be looked at, and leaves nothing behind that fails", async () => {
  const folder = folderWith(...Array.from({ length: 1_100 }, (_, index) => `${index}`));
  const reason = new Error("no thread is left");
  const look = () => Promise.reject(reason);
  await walkSource(folder, () => undefined, never, undefined, look).then(
    () => assert.unreachable(),
    (thrown: unknown) => assert.is(thrown, reason),
  );
});

test.run();
