import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FIELDS, identityOf } from "../../src/storage/files/file-identity.js";
import { sourcePath, walkSource } from "../../src/storage/source/source-tree.js";
import { file } from "../manifest/craft.js";
import { expectedTree, mixedFolder, writeSource } from "./sample-share.js";
import { errorOf, scratchFolders, testUnless } from "./scratch.js";
import { folderMaker, never, pathsOf, walk } from "./walked-folder.js";

const scratch = scratchFolders("source");
const folderWith = folderMaker(scratch);

/** Runs as a user that is not root, so that modes count. */
async function asUnprivileged<T>(run: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await run();
  process.seteuid?.(65534);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}

test("a folder gives its files, empty folders and links, each under its path and mode", async () => {
  const share = mixedFolder();
  const folder = path.join(scratch(), "mixed");
  writeSource(folder, share);
  const tree = await walk(folder);
  assert.is(tree.name, "mixed");
  assert.is(tree.kind, "folder");
  assert.is(tree.rootPath, folder);
  assert.equal(tree.files, share.manifest.files);
  assert.equal(tree.emptyDirectories, share.manifest.emptyDirectories);
  assert.equal(tree.symbolicLinks, share.manifest.symbolicLinks);
  assert.equal(tree.skipped, []);
  const entries = tree.files.length + tree.emptyDirectories.length + tree.symbolicLinks.length;
  assert.is(entries, share.manifest.root.entryCount);
  assert.ok(Object.keys(expectedTree(share)).length > entries);
});

test("identities stand in the order of the files", async () => {
  const folder = folderWith("b", "a", "c");
  const tree = await walk(folder);
  assert.equal(pathsOf(tree), ["a", "b", "c"]);
  tree.files.forEach((entry, index) => {
    const identity = identityOf(
      fs.statSync(sourcePath(tree.rootPath, "folder", entry.path), { bigint: true }),
    );
    const at = index * IDENTITY_FIELDS;
    assert.equal([...tree.identities.subarray(at, at + IDENTITY_FIELDS)], identity);
  });
});

test("a file is shared under its name", async () => {
  const filePath = path.join(scratch(), "a file");
  fs.writeFileSync(filePath, "content", { mode: 0o755 });
  const tree = await walk(filePath);
  assert.is(tree.kind, "file");
  assert.is(tree.name, "a file");
  assert.equal(tree.files, [file("a file", 7, true)]);
  assert.is(sourcePath(tree.rootPath, tree.kind, "a file"), filePath);
  assert.is(tree.identities.length, IDENTITY_FIELDS);
});

test("a program is what its owner may execute", async () => {
  const folder = folderWith("none", "owner", "others");
  fs.chmodSync(path.join(folder, "none"), 0o644);
  fs.chmodSync(path.join(folder, "owner"), 0o744);
  fs.chmodSync(path.join(folder, "others"), 0o655);
  assert.equal((await walk(folder)).files, [file("none"), file("others"), file("owner", 0, true)]);
});

test("paths are sorted by their UTF-8 bytes, across folders", async () => {
  const names = ["a.txt", "a/b", "a-", "ä", "Z", "\u{1F600}", "\uFFFD", "aa"];
  const folder = folderWith();
  for (const name of names) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), "");
  }
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.equal(pathsOf(await walk(folder)), sorted);
});

test("a link that stays inside is shared as it is written, every other is skipped and named", async () => {
  const folder = folderWith("a");
  fs.mkdirSync(path.join(folder, "sub"));
  const links = {
    inside: "a",
    dangling: "nothing",
    "sub/up": "../a",
    absolute: "/etc/hostname",
    outside: "../a",
    "sub/far": "../../share/a",
  };
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, path.join(folder, name));
  const tree = await walk(folder);
  assert.equal(pathsOf(tree), ["a"]);
  assert.equal(tree.symbolicLinks, [
    { path: "dangling", target: "nothing" },
    { path: "inside", target: "a" },
    { path: "sub/up", target: "../a" },
  ]);
  assert.equal(tree.skipped.map((entry) => entry.path).sort(), ["absolute", "outside", "sub/far"]);
  for (const entry of tree.skipped) assert.is(entry.isLink, true);
});

test("a link to a folder is not followed, not even into a circle", async () => {
  const folder = folderWith("a");
  fs.symlinkSync(".", path.join(folder, "again"));
  const tree = await walk(folder);
  assert.equal(pathsOf(tree), ["a"]);
  assert.equal(tree.symbolicLinks, [{ path: "again", target: "." }]);
});

test("a link whose target is not valid UTF-8 is skipped", async () => {
  const folder = folderWith();
  fs.symlinkSync(Buffer.from([0x61, 0xff]), path.join(folder, "odd"));
  const tree = await walk(folder);
  assert.equal(tree.symbolicLinks, []);
  assert.match(tree.skipped[0]?.why ?? "", /UTF-8/);
});

test("sockets and pipes are skipped and named, and never opened", async () => {
  const folder = folderWith("a");
  execFileSync("mkfifo", [path.join(folder, "pipe")]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path.join(folder, "socket"), resolve));
  try {
    const tree = await walk(folder);
    assert.equal(pathsOf(tree), ["a"]);
    assert.equal(tree.skipped.map((entry) => entry.path).sort(), ["pipe", "socket"]);
    for (const { isLink, why } of tree.skipped) {
      assert.is(isLink, false);
      assert.match(why, /not a regular file/);
    }
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("goshare's own unfinished folders are left out and named, files of such a name are shared", async () => {
  const folder = folderWith("a", ".b.goshare-part");
  const repair = ".0123456789abcdef.goshare-repair";
  fs.mkdirSync(path.join(folder, "sub", ".c.goshare-part", "content"), { recursive: true });
  fs.writeFileSync(path.join(folder, "sub", ".c.goshare-part", "journal"), "");
  fs.mkdirSync(path.join(folder, "sub", repair, "content"), { recursive: true });
  fs.mkdirSync(path.join(folder, ".0123.goshare-repair"));
  const tree = await walk(folder);
  assert.equal(pathsOf(tree), [".b.goshare-part", "a"]);
  assert.equal(tree.emptyDirectories, [".0123.goshare-repair", "sub"]);
  assert.equal(tree.skipped.map((entry) => `${entry.path}: ${entry.why}`).sort(), [
    `sub/${repair}: it is an unfinished goshare repair`,
    "sub/.c.goshare-part: it is an unfinished goshare download",
  ]);
});

test("a folder in which everything was skipped is still there, empty", async () => {
  const folder = folderWith("a");
  fs.mkdirSync(path.join(folder, "sub", "deeper"), { recursive: true });
  fs.symlinkSync("/etc", path.join(folder, "sub", "deeper", "absolute"));
  const tree = await walk(folder);
  assert.equal(tree.emptyDirectories, ["sub/deeper"]);
  assert.is(tree.skipped.length, 1);
});

test("a name that cannot be shared ends the walk, and is told with the folder that is shared", async () => {
  const names: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from([0x66, 0xff, 0x6f]), /not valid UTF-8/],
    [Buffer.from("caf\xe9", "latin1"), /not valid UTF-8/],
    [Buffer.from([0xed, 0xa0, 0x80]), /not valid UTF-8/],
    [Buffer.from("a\nb"), /U\+000A/],
    [Buffer.from("a\x1bb"), /U\+001B/],
    [Buffer.from("a\u202eb"), /U\+202E/],
    [Buffer.from("a\u0085b"), /U\+0085/],
  ];
  for (const [name, message] of names) {
    const folder = folderWith("before", name);
    const error = await errorOf(() => walk(folder));
    assert.is(error.code, "SOURCE_UNSUPPORTED");
    assert.match(error.message, message);
    assert.ok(error.message.includes(folder));
    assert.not.match(error.message, /\n/);
  }
});

test("all names that cannot be shared are told at once, the first twenty of them by name", async () => {
  const folder = folderWith("a", "Icon\r", Buffer.from("caf\xe9", "latin1"));
  fs.mkdirSync(path.join(folder, "sub"));
  fs.writeFileSync(path.join(folder, "sub", "b\u0007"), "");
  const few = await errorOf(() => walk(folder));
  assert.match(few.message, `3 names in ${folder} cannot be shared: `);
  for (const told of [
    '"Icon\\r" holds the character U+000D',
    '"caf\ufffd" is not valid UTF-8',
    '"sub/b\\u0007" holds the character U+0007',
  ])
    assert.ok(few.message.includes(told), few.message);
  assert.is(few.hint, "rename them and share again, or leave them out with --exclude");
  const many = await errorOf(() =>
    walk(folderWith(...Array.from({ length: 1_000 }, (_, index) => `${index}\r`))),
  );
  assert.match(many.message, /^1000 names in .*, and 980 more$/);
  assert.is(many.message.split("U+000D").length - 1, 20);
});

test("a name that cannot be shared stops nothing if it is excluded", async () => {
  const folder = folderWith("a", "Icon\r", Buffer.from("caf\xe9", "latin1"));
  const tree = await walkSource(
    folder,
    () => undefined,
    never,
    (child) => child !== "a",
  );
  assert.equal(pathsOf(tree), ["a"]);
});

test("a folder whose name is not valid UTF-8 stops the walk", async () => {
  const folder = folderWith();
  fs.mkdirSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xc0, 0x80])]));
  assert.is((await errorOf(() => walk(folder))).code, "SOURCE_UNSUPPORTED");
});

test("a folder or file that may not be read stops the walk and is named", async () => {
  const folder = folderWith("a");
  fs.mkdirSync(path.join(folder, "closed"));
  for (const part of [path.dirname(path.dirname(folder)), path.dirname(folder), folder])
    fs.chmodSync(part, 0o755);
  fs.chmodSync(path.join(folder, "closed"), 0o000);
  const error = await errorOf(() => asUnprivileged(() => walk(folder)));
  assert.is(error.code, "SOURCE_UNREADABLE");
  assert.match(error.message, /share\/closed: permission denied/);
  assert.match(error.hint, /, or leave it out with --exclude$/);
});

test("a path that does not exist is named as it was given", async () => {
  const missing = path.join(scratch(), "missing");
  const error = await errorOf(() => walk(missing));
  assert.is(error.code, "SOURCE_UNREADABLE");
  assert.ok(error.message.includes(`${missing}: it does not exist`));
  const behindFile = await errorOf(() => walk(path.join(folderWith("a"), "a", "b")));
  assert.is(behindFile.code, "SOURCE_UNREADABLE");
});

test("a link that is shared itself gives what it points to, under its own name", async () => {
  const folder = folderWith("a", "b");
  const link = path.join(scratch(), "other name");
  fs.symlinkSync(folder, link);
  const tree = await walk(link);
  assert.is(tree.name, "other name");
  assert.is(tree.rootPath, fs.realpathSync(folder));
  assert.equal(pathsOf(tree), ["a", "b"]);

  const fileLink = path.join(scratch(), "to-a");
  fs.symlinkSync(path.join(folder, "a"), fileLink);
  const single = await walk(fileLink);
  assert.equal(pathsOf(single), ["to-a"]);
  assert.is(sourcePath(single.rootPath, single.kind, "to-a"), path.join(fs.realpathSync(folder), "a"));

  const nowhere = path.join(scratch(), "nowhere");
  fs.symlinkSync("missing", nowhere);
  assert.is((await errorOf(() => walk(nowhere))).code, "SOURCE_UNREADABLE");
});

test('"." and a slash at the end give the folder under its real name', async () => {
  const folder = folderWith("a");
  assert.is((await walk(`${folder}/`)).name, "share");
  assert.is((await walk(`${folder}/./x/..`)).name, "share");
  const before = process.cwd();
  process.chdir(folder);
  try {
    const tree = await walk(".");
    assert.is(tree.name, "share");
    assert.equal(pathsOf(tree), ["a"]);
  } finally {
    process.chdir(before);
  }
});

test("the root of the disk has no name to be shared under", async () => {
  const error = await errorOf(() => walk("/"));
  assert.is(error.code, "SOURCE_UNSUPPORTED");
  assert.ok(error.hint);
});

testUnless(
  fs.existsSync("/dev/null") ? undefined : "there is no /dev/null",
  "a device is neither a file nor a folder",
  async () => {
    assert.is((await errorOf(() => walk("/dev/null"))).code, "SOURCE_UNSUPPORTED");
  },
);

test("an empty folder is a share of nothing", async () => {
  const tree = await walk(folderWith());
  assert.equal(tree.files, []);
  assert.equal(tree.emptyDirectories, []);
  assert.is(tree.identities.length, 0);
});

test.run();
