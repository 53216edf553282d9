// Downloads of a part of a share: what is laid down, what is fetched for it, and that others are not kept by it.
import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, writeRandom } from "../support/scratch-folder.js";
import {
  download,
  downloaded,
  failure,
  type StartedShare,
  startDownload,
  startShare,
  ticketVia,
} from "../support/transfer.js";
import { treeLines } from "../support/tree-lines.js";

const scratch = new ScratchFolder();
const source = join(scratch.folder(), "album");
let share: StartedShare;

test.before(async () => {
  writeRandom(join(source, "films", "long.mkv"), 8 * MIB);
  writeRandom(join(source, "films", "short.mkv"), 3 * MIB + 5);
  writeRandom(join(source, "pictures", "large.jpg"), MIB);
  for (let number = 0; number < 40; number++) {
    writeRandom(join(source, "pictures", `${number}.jpg`), 1000 + number);
    writeRandom(join(source, "pictures", `${number}.txt`), 500 + number);
  }
  writeRandom(join(source, "empty.jpg"), 0);
  symlinkSync("pictures/large.jpg", join(source, "cover.jpg"));
  share = await startShare(source, ["--chunk-size", "1MiB"]);
});

test.after(() => {
  killAll();
  scratch.remove();
});

const PART = ".album.goshare-part";

/** The lines of the source that a selection should leave, folders by what is in them. */
function expected(isMeant: (path: string) => boolean): readonly string[] {
  const lines = treeLines(source);
  const entries = lines.filter((line) => !line.startsWith("folder") && isMeant(pathOf(line)));
  const folders = lines.filter(
    (line) => line.startsWith("folder") && entries.some((entry) => pathOf(entry).startsWith(folderOf(line))),
  );
  return [...folders, ...entries].sort();
}

const pathOf = (line: string) => line.split(" ")[1] ?? "";
const folderOf = (line: string) =>
  pathOf(line) === "" || /^\d+$/.test(pathOf(line)) ? "" : `${pathOf(line)}/`;

const selecting = (...patterns: string[]) => patterns.flatMap((pattern) => ["--select", pattern]);

test("what matches is laid down and nothing else, and only its chunks are fetched", async () => {
  const output = scratch.folder();
  const { path, bytesReceived, process } = await download(share.ticket, output, selecting("*.jpg"));
  assert.equal(
    treeLines(path),
    expected((entry) => entry.endsWith(".jpg")),
  );
  // One large picture, and one pack of all the small files.
  assert.ok(bytesReceived >= MIB && bytesReceived < 1.2 * MIB, `${bytesReceived}`);
  const bytes = String(MIB + (1000 * 40 + (39 * 40) / 2));
  const [downloading] = process.all("downloading");
  assert.equal([downloading?.["bytes"], downloading?.["files"], downloading?.["chunks"]], [bytes, 42, 2]);
  const last = process.all("progress").at(-1);
  assert.equal([last?.["bytesDone"], last?.["bytesTotal"]], [bytes, bytes]);
  assert.is(process.all("done")[0]?.["bytes"], bytes);
  assert.equal(readdirSync(output), ["album"]);
});

test("a folder, and what is left out of it", async () => {
  const { path } = await download(share.ticket, scratch.folder(), selecting("films", "!short.*"));
  assert.equal(
    treeLines(path),
    expected((entry) => entry === "films/long.mkv"),
  );
});

test("where nothing matches it ends with 2, says how to see what there is, and leaves nothing", async () => {
  const output = scratch.folder();
  const { code, exitCode, message, hint } = await failure(
    startDownload(share.ticket, output, selecting("*.png", "x/y")),
  );
  assert.equal([code, exitCode], ["USAGE", 2]);
  assert.match(message, '--select "*.png" --select "x/y"');
  assert.match(hint, "goshare inspect");
  assert.equal(readdirSync(output), []);
});

/** A download that is stopped, by `signal`, when some of it is there. */
async function stopped(output: string, signal: NodeJS.Signals, args: readonly string[]): Promise<number> {
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const process = startDownload(ticketVia(share.ticket, gate.endpoint), output, args);
  await process.waitFor("progress", (body) => Number(body["bytesDone"]) > MIB);
  process.kill(signal);
  await process.exited;
  await gate.close();
  return Number(process.all("progress").at(-1)?.["bytesDone"]);
}

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(`after ${signal} the same selection goes on, and status says how`, async () => {
    const output = scratch.folder();
    const args = selecting("*.mkv", "1*.jpg");
    const done = await stopped(output, signal, args);
    const status = new GoshareProcess(["status", output]);
    const resumable = await status.waitFor("resumable");
    assert.equal(resumable["moreArguments"], ["--select=*.mkv", "--select=1*.jpg"]);
    const total = 11 * MIB + 5 + 11_000 + 1 + 145;
    assert.is(resumable["bytesTotal"], String(total));
    // In another order it is the same.
    const { path, bytesReceived } = await download(share.ticket, output, selecting("1*.jpg", "*.mkv"));
    assert.equal(
      treeLines(path),
      expected((entry) => entry.endsWith(".mkv") || /\/1\d*\.jpg$/.test(entry)),
    );
    // The pack, of which some was dropped, cannot be verified again after a kill.
    assert.ok(bytesReceived <= total - done + 100 * KIB, `${bytesReceived} of ${total} with ${done}`);
    assert.equal(readdirSync(output), ["album"]);
  });
}

test("another selection does not go on with what one has left", async () => {
  const output = scratch.folder();
  await stopped(output, "SIGINT", selecting("*.mkv"));
  for (const args of [[], selecting("*.jpg"), selecting("*.mkv", "*.jpg")]) {
    const { code, exitCode, message, hint } = await failure(startDownload(share.ticket, output, args));
    assert.equal([code, exitCode], ["PART_UNUSABLE", 6]);
    assert.match(message, '--select "*.mkv"');
    assert.match(hint, join(output, PART));
  }
  await download(share.ticket, output, selecting("*.mkv"));
  const whole = scratch.folder();
  await stopped(whole, "SIGINT", []);
  const { code, message } = await failure(startDownload(share.ticket, whole, selecting("*.mkv")));
  assert.is(code, "PART_UNUSABLE");
  assert.match(message, "the whole share");
});

test("two that select different things at the same time end when they have them, and wait for nobody", async () => {
  const both = [selecting("films"), selecting("long.mkv", "*.txt")].map((args) =>
    startDownload(share.ticket, scratch.folder(), [...args, "--download-limit", "6MiB/s"]),
  );
  const [first, second] = await Promise.all(both.map(downloaded));
  for (const process of both)
    assert.not(process.all("waiting").some(({ waitingFor }) => waitingFor === "others"));
  assert.equal(
    treeLines(first?.path ?? ""),
    expected((entry) => entry.startsWith("films/")),
  );
  assert.equal(
    treeLines(second?.path ?? ""),
    expected((entry) => entry.endsWith("long.mkv") || entry.endsWith(".txt")),
  );
});

test("who has selected something gives no more than it has whole", async () => {
  const tracker = new GoshareProcess(["tracker", "--listen", "127.0.0.1:0"]);
  const { endpoint } = await tracker.waitFor("listening");
  const trackers = ["--tracker", String(endpoint)];
  const seeding = [...selecting("films", "7.jpg"), "--seed", ...trackers];
  const seed = startDownload(share.ticket, scratch.folder(), seeding);
  await seed.waitFor("done");
  // The tracker knows the seed alone: from it everything comes but the pack and what was not selected.
  const films = await download(share.contentId, scratch.folder(), [...selecting("films"), ...trackers]);
  assert.equal(
    treeLines(films.path),
    expected((entry) => entry.startsWith("films/")),
  );
  const lone = startDownload(share.contentId, scratch.folder(), [
    ...[...selecting("7.jpg"), ...trackers],
    ...["--timeout", "2s"],
  ]);
  assert.is((await failure(lone)).exitCode, 7);
  assert.equal(await seed.stop("SIGINT"), { exitCode: 0, signal: null });
  await tracker.stop();
});

test("a file beside the selection does not stand in the way, but the name does", async () => {
  const output = scratch.folder();
  writeFileSync(join(output, "album"), "mine");
  const { code } = await failure(startDownload(share.ticket, output, selecting("films")));
  assert.is(code, "TARGET_EXISTS");
});

test.run();
