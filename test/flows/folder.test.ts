import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, writeRandom } from "../support/scratch-folder.js";
import { download, failure, startShare, startTracker } from "../support/transfer.js";
import { treeLines } from "../support/tree-lines.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

const ODD_NAMES = [
  "a name with spaces",
  " leading and trailing ",
  "äöü – Grüße",
  "e\u0301 decomposed",
  "\u00e9 composed",
  "日本語.txt",
  "🎬 film.mkv",
  "-rf",
  "--help",
  "~",
  "$HOME",
  "`id`",
  "'\"quotes\"'",
  "back\\slash",
  "semi;colon:and*star?",
  "%2e%2e",
  "...",
  ".hidden",
  "con",
  "CASE",
  "case",
  "goshare1qqq",
  "x".repeat(255),
];

/** Everything a folder can hold that is shared. */
function writeEverything(root: string): void {
  for (const [index, name] of ODD_NAMES.entries()) writeRandom(join(root, "odd", name), index * 100);
  writeRandom(join(root, "deep", ...Array.from({ length: 40 }, (_, i) => `level ${i}`), "bottom.bin"), 1);
  writeRandom(join(root, "large.bin"), 2 * MIB + 1);
  writeRandom(join(root, "exactly a chunk.bin"), MIB);
  writeRandom(join(root, "tools", "run.sh"), 500, 0o755);
  writeRandom(join(root, "tools", "large run.bin"), MIB + 5, 0o755);
  writeRandom(join(root, "tools", "empty run.sh"), 0, 0o755);
  writeRandom(join(root, "nothing in it.txt"), 0);
  mkdirSync(join(root, "empty", "very empty"), { recursive: true });
  mkdirSync(join(root, "empty too"));
  symlinkSync("run.sh", join(root, "tools", "link to a neighbour"));
  symlinkSync("../large.bin", join(root, "tools", "link up and down"));
  symlinkSync("tools", join(root, "link to a folder"));
  symlinkSync("empty/very empty", join(root, "link to an empty folder"));
  symlinkSync("nowhere/at all", join(root, "dangling"));
  symlinkSync("itself", join(root, "itself"));
  symlinkSync("..", join(root, "odd", "to the top"));
}

test("a folder arrives as it was: names, sizes, modes, empty things and links", async () => {
  const source = join(scratch.folder(), "a folder");
  writeEverything(source);
  const share = await startShare(source);
  assert.is(share.sharing["linksSkipped"], 0);
  assert.equal(share.process.all("warning"), []);
  const output = scratch.folder();
  const { path } = await download(share.ticket, output);
  assert.is(path, join(output, "a folder"));
  assert.equal(treeLines(path), treeLines(source));
  assert.equal(readdirSync(output), ["a folder"]);
  await share.process.stop();
});

test("links that lead out of the share are left out, counted and named", async () => {
  const source = join(scratch.folder(), "links");
  writeRandom(join(source, "deep", "file"), 10);
  symlinkSync("file", join(source, "deep", "inside"));
  symlinkSync("/etc/passwd", join(source, "absolute"));
  symlinkSync("../../outside", join(source, "deep", "out"));
  symlinkSync("..", join(source, "parent"));
  const share = await startShare(source);
  assert.is(share.sharing["linksSkipped"], 3);
  const named = share.process.all("warning").map((body) => body["path"]);
  assert.equal(named.sort(), ["absolute", "deep/out", "parent"]);
  const messages = share.process.all("warning").map((body) => String(body["message"]));
  for (const message of messages) assert.match(message, /^symbolic link not shared: /);
  const { path } = await download(share.ticket, scratch.folder());
  const links = treeLines(path).filter((line) => line.startsWith("link"));
  assert.equal(links, ["link deep/inside -> file"]);
  await share.process.stop();
});

test("what is neither file, folder nor link is left out and named", async () => {
  const source = join(scratch.folder(), "pipes");
  writeRandom(join(source, "file"), 10);
  execFileSync("mkfifo", [join(source, "pipe")]);
  const share = await startShare(source);
  assert.is(share.sharing["linksSkipped"], 0);
  assert.equal(
    share.process.all("warning").map((body) => body["path"]),
    ["pipe"],
  );
  await share.process.stop();
});

test("a name that is no UTF-8 stops the share and is named", async () => {
  const source = join(scratch.folder(), "latin");
  mkdirSync(source);
  writeFileSync(Buffer.concat([Buffer.from(`${source}/gr`), Buffer.from([0xfc]), Buffer.from("n")]), "");
  const process = new GoshareProcess(["share", source, "--listen", "127.0.0.1:0"]);
  const { code, exitCode, message } = await failure(process);
  assert.equal([code, exitCode], ["SOURCE_UNSUPPORTED", 1]);
  assert.match(message, "UTF-8");
});

test("an empty folder and an empty file are shares of no chunk", async () => {
  const folder = join(scratch.folder(), "void");
  mkdirSync(folder);
  for (const source of [folder, scratch.file("void.bin", 0)]) {
    const share = await startShare(source);
    assert.is(share.sharing["chunks"], 0);
    const { path, bytesReceived } = await download(share.ticket, scratch.folder());
    assert.is(bytesReceived, 0);
    assert.equal(treeLines(path), treeLines(source));
    await share.process.stop();
  }
});

for (const [bytes, chunks] of [
  [MIB - 1, 1],
  [MIB, 1],
  [MIB + 1, 2],
] as const) {
  test(`a file of ${bytes} bytes is ${chunks} ${chunks === 1 ? "chunk" : "chunks"} of 1 MiB`, async () => {
    const source = scratch.file("edge.bin", bytes);
    chmodSync(source, 0o755);
    const share = await startShare(source);
    assert.is(share.sharing["chunks"], chunks);
    const { path, bytesReceived } = await download(share.ticket, scratch.folder());
    assert.is(bytesReceived, bytes);
    assert.equal(treeLines(path), treeLines(source));
    await share.process.stop();
  });
}

test("--chunk-size cuts smaller or larger chunks, and is part of the content id", async () => {
  const source = scratch.file("cut.bin", 600 * KIB);
  const ids = new Set<string>();
  for (const [size, chunks] of [
    ["64KiB", 10],
    ["4MiB", 1],
  ] as const) {
    const share = await startShare(source, ["--chunk-size", size]);
    assert.is(share.sharing["chunks"], chunks);
    ids.add(share.contentId);
    const { path } = await download(share.ticket, scratch.folder());
    assert.equal(treeLines(path), treeLines(source));
    await share.process.stop();
  }
  assert.is(ids.size, 2);
});

test("a folder through a link to it, with a slash at its end, has the link's name", async () => {
  const parent = scratch.folder();
  writeRandom(join(parent, "real", "file"), 5);
  symlinkSync("real", join(parent, "alias"));
  const share = await startShare(`${join(parent, "alias")}/`);
  assert.is(share.sharing["name"], "alias");
  assert.is(share.manifestPath, join(parent, "alias.goshare"));
  const { path } = await download(share.ticket, scratch.folder());
  assert.equal(treeLines(path), treeLines(join(parent, "real")));
  await share.process.stop();
});

test("a manifest of many pages comes from the tracker and the peer, or from the .goshare file", async () => {
  const source = join(scratch.folder(), "long names");
  for (let i = 0; i < 3_000; i++) writeRandom(join(source, `${i} `.padEnd(250, "x")), i % 3);
  const tracker = await startTracker();
  const at = ["--tracker", tracker.endpoint];
  const share = await startShare(source, at);
  for (const [what, args] of [
    [share.ticket, []],
    [share.contentId, at],
    [share.manifestPath, []],
  ] as const) {
    const { path } = await download(what, scratch.folder(), args);
    assert.equal(treeLines(path), treeLines(source));
  }
  await Promise.all([share.process.stop(), tracker.process.stop()]);
});

test("a folder of 20,000 files", async () => {
  const source = join(scratch.folder(), "many");
  for (let i = 0; i < 20_000; i++) {
    const folder = join(source, `folder ${Math.floor(i / 500)}`);
    if (i % 500 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `a file with a long name, number ${i}.txt`), `${i}`.repeat(i % 50));
  }
  const share = await startShare(source);
  assert.is(share.sharing["files"], 20_000);
  const { path } = await download(share.ticket, scratch.folder());
  assert.equal(treeLines(path), treeLines(source));
  await share.process.stop();
});

test.run();
