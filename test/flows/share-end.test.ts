// A share that ends by itself when enough others have it, what it tells of them, and what it leaves out.
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { download, startDownload, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

test("with --once it ends when one peer has everything, and that one is complete", async () => {
  const file = scratch.file("data", 8 * MIB);
  const share = await startShare(file, ["--once"]);
  const { path } = await download(share.ticket, scratch.folder());
  assert.is((await share.process.exited).exitCode, 0);
  assert.is(sha256Of(path), sha256Of(file));
  const copied = await share.process.waitFor("copied");
  assert.is(copied["copies"], 1);
  assert.equal(Object.keys(share.process.events.at(-1) ?? {}), ["stopped"]);
});

test("with --once it ends too when nothing was missing where it was downloaded", async () => {
  const bare = join(scratch.folder(), "bare");
  mkdirSync(join(bare, "empty"), { recursive: true });
  writeFileSync(join(bare, "nothing"), "");
  for (const source of [scratch.file("data", 3 * MIB), bare]) {
    const output = scratch.folder();
    for (let runs = 0; runs < 2; runs++) {
      const share = await startShare(source, ["--once"]);
      await download(share.ticket, output);
      assert.is((await share.process.exited).exitCode, 0);
    }
  }
});

test("with --until-copies it serves until so many have everything, each counted once", async () => {
  const share = await startShare(scratch.file("data", 3 * MIB), ["--until-copies", "3"]);
  for (let n = 0; n < 2; n++) await download(share.ticket, scratch.folder());
  await Promise.all([startDownload(share.ticket, scratch.folder()).exited, share.process.exited]);
  const copies = share.process.events.map((event) => event["copied"]?.["copies"]).filter(Boolean);
  assert.equal(copies, [1, 2, 3]);
});

test("a download that gives up is no copy", async () => {
  const share = await startShare(scratch.file("data", 32 * MIB), ["--once", "--upload-limit", "4MiB/s"]);
  const first = startDownload(share.ticket, scratch.folder());
  const serving = await share.process.waitFor("serving");
  assert.is(serving["peers"], 1);
  await first.stop();
  const hasCopied = () => share.process.events.some((event) => event["copied"] !== undefined);
  await share.process.waitFor("peerDisconnected");
  assert.is(hasCopied(), false);
  await download(share.ticket, scratch.folder());
  assert.is((await share.process.exited).exitCode, 0);
  assert.is(hasCopied(), true);
});

test("who downloads, and how much of it each has, is told while it goes on", async () => {
  const share = await startShare(scratch.file("data", 12 * MIB), ["--upload-limit", "4MiB/s"]);
  await download(share.ticket, scratch.folder());
  const told = share.process.events.map((event) => event["serving"]).filter((event) => event !== undefined);
  await share.process.stop();
  assert.ok(told.length >= 2, `${told.length}`);
  const held = told.flatMap((event) => (Array.isArray(event["neighbours"]) ? event["neighbours"] : []));
  assert.ok(held.some(({ chunksHeld }) => chunksHeld > 0 && chunksHeld < 12));
  assert.is(told.at(-1)?.["chunks"], 12);
  assert.is(told.at(-1)?.["name"], "data");
});

test("what --exclude names is not shared, nor what is below it", async () => {
  const folder = scratch.folder();
  for (const name of ["src", "node_modules", "src/node_modules"]) mkdirSync(join(folder, name));
  for (const name of ["a.txt", "a.tmp", "src/b.txt", "node_modules/x", "src/node_modules/y"])
    writeFileSync(join(folder, name), name);
  symlinkSync("a.tmp", join(folder, "link.tmp"));
  const share = await startShare(folder, ["--exclude", "node_modules", "--exclude", "*.tmp"]);
  const { path } = await download(share.ticket, scratch.folder());
  await share.process.stop();
  assert.equal(readdirSync(path, { recursive: true }).sort(), ["a.txt", "src", "src/b.txt"]);
});

test("a share of which --exclude leaves nothing says so, and one that was empty by itself does not", async () => {
  const folder = scratch.folder();
  const empty = await startShare(folder, ["--exclude", "*"]);
  assert.equal(empty.process.all("warning"), []);
  await empty.process.stop();
  writeFileSync(join(folder, "a"), "a");
  const excluded = await startShare(folder, ["--exclude", "*"]);
  const [warning] = excluded.process.all("warning");
  assert.match(String(warning?.["message"]), "nothing is left");
  assert.is(warning?.["path"], folder);
  await excluded.process.stop();
});

test.run();
