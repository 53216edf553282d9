import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeSmallFiles } from "../../bench/sample-data.js";
import { treeDigest } from "../../bench/tree-digest.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";

const LOOPBACK = ["--listen", "127.0.0.1:0"];

let folder = "";

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "goshare-cli-"));
});

test.after(async () => {
  killAll();
  await rm(folder, { recursive: true, force: true });
});

/** A tracker nobody answers at keeps these tests away from one that may run on this machine. */
const NO_TRACKER = { env: { GOSHARE_TRACKER: "127.0.0.1:1" } };

test("a folder goes from share to download by its ticket, and the last lines say how both ended", async () => {
  const source = join(folder, "photos");
  await mkdir(source);
  await writeSmallFiles(source, 60, new AbortController().signal);
  const sharer = new GoshareProcess(["share", source, ...LOOPBACK], undefined, NO_TRACKER);
  const { ticket, contentId } = await sharer.waitFor("sharing");

  const output = join(folder, "received");
  const downloader = new GoshareProcess(
    ["download", String(ticket), "--output", output],
    undefined,
    NO_TRACKER,
  );
  const done = await downloader.waitFor("done");
  assert.equal(await downloader.exited, { exitCode: 0, signal: null });
  assert.is(done["path"], join(output, "photos"));
  assert.is(done["contentId"], contentId);
  assert.is(done, downloader.events.at(-1)?.["done"], "done is the last event");
  assert.equal(await treeDigest(join(output, "photos")), await treeDigest(source));

  assert.equal(await sharer.stop("SIGINT"), { exitCode: 0, signal: null });
  const stopped = sharer.events.at(-1)?.["stopped"];
  assert.is(stopped?.["signal"], "SIGINT");
  assert.is(stopped?.["bytesSent"], done["bytesReceived"]);
});

test("a second download to the same place finds something in its way: exit code 6", async () => {
  const source = join(folder, "a.txt");
  await writeFile(source, "something");
  const sharer = new GoshareProcess(["share", source, ...LOOPBACK], undefined, NO_TRACKER);
  const { manifestPath } = await sharer.waitFor("sharing");
  const download = () =>
    new GoshareProcess(
      ["download", String(manifestPath), "--output", join(folder, "twice")],
      undefined,
      NO_TRACKER,
    );
  assert.is((await download().exited).exitCode, 0);
  await appendFile(join(folder, "twice", "a.txt"), "more");
  const second = download();
  assert.is((await second.waitFor("failed"))["code"], "TARGET_EXISTS");
  assert.is((await second.exited).exitCode, 6);
  await sharer.stop();
});

test("a path that is not there ends share with exit code 6", async () => {
  const sharer = new GoshareProcess(["share", join(folder, "nothing"), ...LOOPBACK], undefined, NO_TRACKER);
  assert.is((await sharer.waitFor("failed"))["code"], "SOURCE_UNREADABLE");
  assert.is((await sharer.exited).exitCode, 6);
});

test("a ticket with a typing error ends download with exit code 2", async () => {
  const ticket = `goshare1${"q".repeat(80)}`;
  const downloader = new GoshareProcess(["download", ticket], undefined, NO_TRACKER);
  assert.is((await downloader.waitFor("failed"))["code"], "TICKET_INVALID");
  assert.is((await downloader.exited).exitCode, 2);
});

test("nobody who has it: a download ends with exit code 3 after its timeout", async () => {
  const argv = ["download", "ab".repeat(32), "--timeout", "500ms", "--output", join(folder, "none")];
  const downloader = new GoshareProcess(argv, undefined, NO_TRACKER);
  const failed = await downloader.waitFor("failed");
  assert.is(failed["exitCode"], (await downloader.exited).exitCode);
  assert.ok([3, 4].includes(Number(failed["exitCode"])), JSON.stringify(failed));
});

test("what compares two trees sees a changed byte and a missing file", async () => {
  const one = join(folder, "one");
  await mkdir(join(one, "inner"), { recursive: true });
  await writeFile(join(one, "inner", "file"), "content");
  const before = await treeDigest(one);
  await appendFile(join(one, "inner", "file"), "!");
  const changed = await treeDigest(one);
  assert.not.equal(changed, before);
  await rm(join(one, "inner", "file"));
  assert.equal(await treeDigest(one), ["folder inner"]);
});

test.run();
