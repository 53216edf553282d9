// Downloads beside an older version: what that has already is copied, and all the rest is fetched.
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of, writeRandom } from "../support/scratch-folder.js";
import { download, failure, startDownload, startShare, ticketVia } from "../support/transfer.js";
import { treeLines } from "../support/tree-lines.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

/** A file of so many MiB and an older version of it, of which a part is different. */
function versions(mebibytes: number, changedFrom: number, changedBytes: number) {
  const source = scratch.file("model.bin", mebibytes * MIB + 11);
  const old = scratch.folder();
  const bytes = readFileSync(source);
  bytes.fill(0, changedFrom, changedFrom + changedBytes);
  writeFileSync(join(old, "model.bin"), bytes);
  return { source, old, bytes: bytes.byteLength };
}

test("of a file of which 5 % changed at most 6 % are fetched", async () => {
  const { source, old, bytes } = versions(64, 20 * MIB + 5, Math.floor(0.05 * 64 * MIB));
  const share = await startShare(source, ["--chunk-size", "256KiB"]);
  const { path, bytesReceived, process } = await download(share.ticket, scratch.folder(), ["--reuse", old]);
  assert.is(sha256Of(path), sha256Of(source));
  assert.ok(bytesReceived <= 0.06 * bytes, `${bytesReceived}`);
  const done = process.all("done")[0];
  assert.is(Number(done?.["bytesReused"]), bytes - bytesReceived);
  await share.process.stop();
});

test("an older version that is not there is refused before anybody is asked for anything", async () => {
  const share = await startShare(scratch.file("alone.bin", MIB));
  const gate = await GatedProxy.start(0);
  gate.target = share.endpoint;
  const nowhere = join(scratch.path, "nowhere");
  const what = ticketVia(share.ticket, gate.endpoint);
  const { code, message } = await failure(startDownload(what, scratch.folder(), ["--reuse", nowhere]));
  assert.is(code, "USAGE");
  assert.match(message, nowhere);
  await Promise.all([share.process.stop(), gate.close()]);
});

test("an older version of the same name is updated in its place", async () => {
  const { source, old, bytes } = versions(8, 0, MIB);
  const share = await startShare(source, ["--chunk-size", "1MiB"]);
  const { path, bytesReceived } = await download(share.ticket, old, ["--reuse", old, "--overwrite"]);
  assert.equal([path, bytesReceived], [join(old, "model.bin"), MIB]);
  assert.is(sha256Of(path), sha256Of(source));
  assert.ok(bytes > 8 * MIB);
  await share.process.stop();
});

test("a folder: what moved is found by its size, what is new is fetched, and packs are reused as they are", async () => {
  const source = join(scratch.folder(), "album");
  writeRandom(join(source, "a", "large.bin"), 5 * MIB + 3);
  writeRandom(join(source, "b", "other.bin"), 3 * MIB);
  for (let number = 0; number < 30; number++) writeRandom(join(source, "small", `${number}`), 1000 + number);
  const old = join(scratch.folder(), "yesterday");
  mkdirSync(old);
  cpSync(join(source, "small"), join(old, "small"), { recursive: true });
  copyFileSync(join(source, "a", "large.bin"), join(old, "renamed.bin"));
  const share = await startShare(source);
  const { path, bytesReceived } = await download(share.ticket, scratch.folder(), ["--reuse", old]);
  assert.equal(treeLines(path), treeLines(source));
  assert.is(bytesReceived, 3 * MIB);
  // Of one pack a single file is wanted, and it is copied out of the whole.
  const one = await download(share.ticket, scratch.folder(), ["--reuse", old, "--select", "/small/7"]);
  assert.is(one.bytesReceived, 0);
  assert.is(sha256Of(join(one.path, "small", "7")), sha256Of(join(source, "small", "7")));
  await share.process.stop();
});

test("what only looks like an older version costs nothing but the reading", async () => {
  const source = scratch.file("model.bin", 6 * MIB);
  const old = scratch.folder();
  writeRandom(join(old, "model.bin"), 6 * MIB);
  const share = await startShare(source);
  const { path, bytesReceived, process } = await download(share.ticket, scratch.folder(), ["--reuse", old]);
  assert.is(sha256Of(path), sha256Of(source));
  assert.is(bytesReceived, 6 * MIB);
  assert.is(process.all("done")[0]?.["bytesReused"], "0");
  await share.process.stop();
});

test("what was copied is kept by an interruption, and need not be there any more", async () => {
  const { source, old } = versions(12, 0, 4 * MIB);
  const share = await startShare(source, ["--chunk-size", "1MiB"]);
  const gate = await GatedProxy.start(0.5 * MIB);
  gate.target = share.endpoint;
  const output = scratch.folder();
  const process = startDownload(ticketVia(share.ticket, gate.endpoint), output, ["--reuse", old]);
  await process.waitFor("progress", (body) => body["bytesDone"] === String(8 * MIB + 11));
  await process.stop("SIGINT");
  const { path, bytesReceived } = await download(share.ticket, output);
  assert.is(sha256Of(path), sha256Of(source));
  assert.is(bytesReceived, 4 * MIB);
  await Promise.all([gate.close(), share.process.stop()]);
});

test("a folder that is not there is refused", async () => {
  const share = await startShare(scratch.file("a.bin", 10));
  const { code, exitCode, message } = await failure(
    startDownload(share.ticket, scratch.folder(), ["--reuse", join(scratch.folder(), "nowhere")]),
  );
  assert.equal([code, exitCode], ["USAGE", 2]);
  assert.match(message, "nowhere");
  await share.process.stop();
});

test.run();
