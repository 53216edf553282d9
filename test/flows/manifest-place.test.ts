// Where the .goshare file of a share goes: never in the place of something else, nor into what is shared.
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { requireShareable } from "../../src/flows/share.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { failure, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

/** The refusal of `goshare share` with these arguments, before it has hashed anything. */
async function refusal(argv: readonly string[]): Promise<string> {
  const process = new GoshareProcess(["share", ...argv, "--listen", "127.0.0.1:0"]);
  const { code, exitCode, message, hint } = await failure(process);
  assert.equal([code, exitCode], ["TARGET_EXISTS", 6], message);
  assert.match(hint, "--manifest FILE");
  assert.is(
    process.all("hashing").some(({ bytesTotal }) => Number(bytesTotal) > 0),
    false,
  );
  return message;
}

test("the shared file itself is never replaced by its .goshare file", async () => {
  const source = scratch.file("x.bin", 100);
  const before = readFileSync(source);
  assert.match(await refusal([source, "--manifest", source]), /x\.bin, which is shared itself/);
  assert.equal(readFileSync(source), before);

  const share = await startShare(source);
  await share.process.stop();
  const shared = readFileSync(share.manifestPath);
  assert.match(await refusal([share.manifestPath, "--manifest", share.manifestPath]), /is shared itself/);
  assert.equal(readFileSync(share.manifestPath), shared, "nor one that is a .goshare file");
});

test("what is no .goshare file is not replaced by one, whoever has named it", async () => {
  const source = scratch.file("x.bin", 100);
  const share = await startShare(source);
  await share.process.stop();
  const cut = readFileSync(share.manifestPath).subarray(0, -10);
  for (const content of ["my notes\n", "", Buffer.alloc(5000, 8), cut]) {
    for (const name of ["notes.txt", "x.bin.goshare"]) {
      const path = join(scratch.folder(), name);
      writeFileSync(path, content);
      const beside = join(path, "..", "x.bin");
      copyFileSync(source, beside);
      const argv = name === "notes.txt" ? [beside, "--manifest", path] : [beside];
      assert.match(await refusal(argv), /is already there and is not a \.goshare file/);
      assert.equal(readFileSync(path), Buffer.from(content));
    }
  }
});

test("of several paths nothing is shared if one of them cannot be", async () => {
  const folder = scratch.folder();
  const good = join(folder, "good.bin");
  writeFileSync(good, "good");
  const other = join(folder, "other.bin");
  writeFileSync(other, "other");
  writeFileSync(`${other}.goshare`, "mine");
  const first = await startShare(good);
  await first.process.stop();
  assert.match(await refusal([first.manifestPath, good]), "which is shared itself");
  rmSync(first.manifestPath);
  for (const [bad, code] of [
    [join(folder, "nowhere"), "SOURCE_UNREADABLE"],
    ["/dev/null", "SOURCE_UNSUPPORTED"],
    [other, "TARGET_EXISTS"],
  ] as const) {
    const process = new GoshareProcess(["share", good, bad, "--listen", "127.0.0.1:0"]);
    const failed = await failure(process);
    assert.equal([failed.code, process.all("sharing").length], [code, 0]);
    assert.match(failed.message, bad);
  }
  assert.equal(readdirSync(folder).sort(), ["good.bin", "other.bin", "other.bin.goshare"]);
});

test("nor into a folder that is shared beside it, where it would be a part of what was hashed", async () => {
  const photos = join(scratch.folder(), "photos");
  mkdirSync(photos);
  writeFileSync(join(photos, "best.jpg"), "best");
  for (const paths of [
    [photos, join(photos, "best.jpg")],
    [join(photos, "best.jpg"), photos],
  ]) {
    assert.match(await refusal(paths), `best.jpg.goshare, which is in ${photos}, which is shared`);
    assert.equal(readdirSync(photos), ["best.jpg"]);
  }
});

test("nothing is written into the folder that is shared", async () => {
  const folder = scratch.folder();
  mkdirSync(join(folder, "sub"));
  writeFileSync(join(folder, "a"), "a");
  const link = join(scratch.folder(), "link");
  symlinkSync(folder, link);
  for (const place of [join(folder, "a"), join(folder, "sub", "new.goshare"), join(link, "new.goshare")]) {
    assert.match(await refusal([folder, "--manifest", place]), /which is in .*, which is shared/);
    assert.match(await refusal([link, "--manifest", place]), /which is in .*, which is shared/);
  }
  assert.equal(readdirSync(folder, { recursive: true }).sort(), ["a", "sub"]);
});

test("a .goshare file is replaced, of whatever share, and one beside a folder whose name begins like it is written", async () => {
  const folder = scratch.folder();
  const source = join(folder, "x");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "1");
  const place = join(folder, "x-of-today.goshare");
  const first = await startShare(source, ["--manifest", place]);
  await first.process.stop();
  writeFileSync(join(source, "file"), "22");
  const second = await startShare(source, ["--manifest", place]);
  assert.is.not(second.contentId, first.contentId);
  await second.process.stop();
});

test("beside a name for an open file, such as /dev/stdin, nothing is written", async () => {
  const source = scratch.file("x.bin", 100);
  const open = openSync(source, "r");
  const folder = scratch.folder();
  const stdin = join(folder, "stdin");
  try {
    // As /dev/stdin does. The link is read by the process that has the file open: this one.
    symlinkSync(`/proc/self/fd/${open}`, stdin);
    for (const path of [stdin, `/proc/self/fd/${open}`]) {
      const error = await requireShareable([path], undefined).then(
        () => undefined,
        (thrown: unknown) => GoshareError.from(thrown),
      );
      assert.is(error?.code, "SOURCE_UNSUPPORTED");
      assert.match(error?.message ?? "", `beside ${path}, which stands for a file that a process has open`);
      assert.match(error?.hint ?? "", "--manifest FILE");
    }
    await requireShareable([stdin], join(scratch.folder(), "x.goshare"));
  } finally {
    closeSync(open);
  }
});

test("what goshare has written beside something in a folder is not shared with the folder", async () => {
  const folder = scratch.folder();
  mkdirSync(join(folder, "in", "sub"), { recursive: true });
  writeFileSync(join(folder, "in", "x.txt"), "x");
  writeFileSync(join(folder, "in", "sub", "y.txt"), "y");
  const before = await startShare(folder);
  await before.process.stop();
  for (const path of [join(folder, "in", "x.txt"), join(folder, "in", "sub")])
    await (await startShare(path)).process.stop();
  const after = await startShare(folder);
  await after.process.stop();
  assert.is(after.contentId, before.contentId);
  assert.equal(
    after.process.all("warning").map(({ message, path }) => [message, path]),
    [
      ["not shared: it is what goshare wrote when in/sub was shared", "in/sub.goshare"],
      ["not shared: it is what goshare wrote when in/x.txt was shared", "in/x.txt.goshare"],
    ],
  );
});

test("a folder without its only file, whose .goshare file is left out, is empty", async () => {
  const folder = scratch.folder();
  mkdirSync(join(folder, "in"));
  const before = await startShare(folder);
  await before.process.stop();
  writeFileSync(join(folder, "in", "x.txt"), "x");
  await (await startShare(join(folder, "in", "x.txt"))).process.stop();
  const after = await startShare(folder, ["--exclude", "x.txt"]);
  await after.process.stop();
  assert.is(after.contentId, before.contentId);
});

test("a .goshare file that names something else than what is beside it is shared like any file", async () => {
  const folder = scratch.folder();
  const first = await startShare(scratch.file("other.bin", 100));
  await first.process.stop();
  for (const name of ["alone", "x.txt", "notes"])
    copyFileSync(first.manifestPath, join(folder, `${name}.goshare`));
  // As if a folder had been shared under the name of a file.
  copyFileSync(first.manifestPath, join(folder, "other.bin.goshare"));
  mkdirSync(join(folder, "other.bin"));
  for (const name of ["x.txt", "mine"]) writeFileSync(join(folder, name), name);
  mkdirSync(join(folder, "undefined"));
  writeFileSync(join(folder, "undefined.goshare"), "no share at all");
  writeFileSync(join(folder, "mine.goshare"), "my own");
  const share = await startShare(folder);
  await share.process.stop();
  assert.equal(share.process.all("warning"), []);
  assert.is(share.sharing["files"], 8);
});

test("a link to a file has its .goshare file beside the link", async () => {
  const link = join(scratch.folder(), "latest.bin");
  symlinkSync(scratch.file("x.bin", 100), link);
  const share = await startShare(link);
  assert.is(share.manifestPath, `${link}.goshare`);
  await share.process.stop();
});

test.run();
