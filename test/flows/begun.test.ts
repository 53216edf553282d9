import {
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { type Halfway, startHalfway } from "../support/halfway-download.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { failure, type StartedShare, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
const film = scratch.file("film.bin", 8 * MIB);
const song = scratch.file("song.bin", 5 * MIB);
let filmShare: StartedShare;
let songShare: StartedShare;

test.before(async () => {
  [filmShare, songShare] = await Promise.all([startShare(film), startShare(song)]);
});

test.after(() => {
  killAll();
  scratch.remove();
});

const ON_LOOPBACK = ["--listen", "127.0.0.1:0"];
const partOf = (output: string, name: string) => join(output, `.${name}.goshare-part`);

/** Both downloads, stopped in the middle; whoever goes on with them gets the rest. */
async function begunBoth(output: string): Promise<readonly Halfway[]> {
  const both = [await startHalfway(filmShare, output), await startHalfway(songShare, output)];
  for (const { process, gate } of both) {
    await process.stop("SIGINT");
    gate.open();
  }
  return both;
}

async function closeGates(both: readonly Halfway[]): Promise<void> {
  for (const { gate } of both) await gate.close();
}

test("resume goes on with one that is named by name, path or content id, and leaves the others", async () => {
  const output = scratch.folder();
  const both = await begunBoth(output);
  for (const name of [
    "film.bin",
    join(output, "film.bin"),
    partOf(output, "film.bin"),
    filmShare.contentId,
  ]) {
    const process = new GoshareProcess([
      "resume",
      name,
      "--output",
      output,
      "--timeout",
      "1ms",
      ...ON_LOOPBACK,
    ]);
    assert.is((await failure(process)).code, "USAGE", "it is found, and its options reach the download");
  }
  const process = new GoshareProcess(["resume", join(output, "film.bin"), ...ON_LOOPBACK]);
  const done = await process.waitFor("done");
  assert.equal([done["path"], done["bytesReceived"]], [join(output, "film.bin"), String(5 * MIB)]);
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  assert.is(sha256Of(join(output, "film.bin")), sha256Of(film));
  assert.ok(existsSync(partOf(output, "song.bin")));
  await closeGates(both);
});

test("resume without a name goes on with all, one after another, and the last line says how it ended", async () => {
  const cwd = scratch.folder();
  const both = await begunBoth(join(cwd, "downloads"));
  const process = new GoshareProcess(["resume", ...ON_LOOPBACK], undefined, { cwd });
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  const paths = process.all("done").map(({ path }) => path);
  assert.equal(
    paths,
    ["film.bin", "song.bin", ""].map((name) => name && join(cwd, "downloads", name)),
  );
  assert.is(process.events.at(-1)?.["done"]?.["bytesReceived"], String(7 * MIB));
  const again = await runGoshare(["resume"], { cwd });
  assert.equal(again, {
    ...{ exitCode: 0, signal: null, stdout: "" },
    stderr: "nothing to resume in downloads\n",
  });
  await closeGates(both);
});

test("of several that are gone on with, one that fails does not keep the others, and ends it with 7", async () => {
  const output = scratch.folder();
  const both = await begunBoth(output);
  writeFileSync(join(output, "film.bin"), "in the way");
  const process = new GoshareProcess(["resume", "--output", output, ...ON_LOOPBACK]);
  const { code, exitCode } = await failure(process);
  assert.equal([code, exitCode], ["INCOMPLETE", 7]);
  assert.equal(
    process.all("warning").map((warning) => warning["code"]),
    ["TARGET_EXISTS"],
  );
  assert.is(sha256Of(join(output, "song.bin")), sha256Of(song));
  await closeGates(both);
});

test("resume is interrupted like a download, with the line that goes on", async () => {
  const output = scratch.folder();
  const halfway = await startHalfway(filmShare, output);
  await halfway.process.stop("SIGINT");
  const argv = ["resume", "film.bin", "--output", output, ...ON_LOOPBACK];
  const process = new GoshareProcess(argv);
  await process.waitFor("waiting");
  process.kill("SIGINT");
  const { code, exitCode, hint } = await failure(process);
  assert.equal([code, exitCode], ["INTERRUPTED", 130]);
  assert.match(hint, `what is verified is kept; to resume, run: goshare ${argv.join(" ")}`);
  await halfway.gate.close();
});

test("what was never begun is not found, for resume and discard alike", async () => {
  const output = scratch.folder();
  for (const command of ["resume", "discard"]) {
    const process = new GoshareProcess([command, "nothing.bin", "--output", output]);
    const { code, exitCode, hint } = await failure(process);
    assert.equal([code, exitCode], ["DOWNLOAD_NOT_FOUND", 3]);
    assert.match(hint, "goshare status");
  }
});

test("a folder that is named and not there is an error, not nothing to do", async () => {
  const output = join(scratch.folder(), "mispelt");
  for (const argv of [["resume"], ["discard", "--all"]]) {
    const { code, message, exitCode } = await failure(new GoshareProcess([...argv, "--output", output]));
    assert.equal([code, message, exitCode], ["DOWNLOAD_NOT_FOUND", `there is no folder ${output}`, 3]);
    const { exitCode: byDefault } = await runGoshare(argv, { cwd: scratch.folder() });
    assert.is(byDefault, 0);
  }
});

test("discard removes what is named and nothing else, not even what is finished", async () => {
  const output = scratch.folder();
  const both = await begunBoth(output);
  writeFileSync(join(output, "film.bin"), "finished, and mine");
  const process = new GoshareProcess(["discard", "film.bin", "--output", output]);
  const discarded = await process.waitFor("discarded");
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  const { contentId } = filmShare;
  const path = partOf(output, "film.bin");
  assert.equal(discarded, { contentId, name: "film.bin", path, bytes: String(3 * MIB) });
  assert.equal(readdirSync(output).sort(), [".song.bin.goshare-part", "film.bin"]);
  const text = await runGoshare(["discard", join(output, "song.bin")]);
  assert.equal(text, { exitCode: 0, signal: null, stdout: "discarded song.bin: 3 MiB\n", stderr: "" });
  assert.equal(readdirSync(output), ["film.bin"]);
  await closeGates(both);
});

test("of all downloads resume leaves those alone that another process goes on with meanwhile", async () => {
  for (const shares of [[filmShare], [filmShare, songShare]]) {
    const output = scratch.folder();
    const begun = await Promise.all(shares.map((share) => startHalfway(share, output)));
    for (const { process, gate } of begun) {
      await process.stop("SIGINT");
      gate.open();
    }
    const both = [0, 1].map(() => new GoshareProcess(["resume", "--output", output, ...ON_LOOPBACK]));
    for (const process of both) assert.equal(await process.exited, { exitCode: 0, signal: null });
    assert.is(sha256Of(join(output, "film.bin")), sha256Of(film));
    await closeGates(begun);
  }
});

test("discard never takes what a process downloads now", async () => {
  const output = scratch.folder();
  const running = await startHalfway(filmShare, output);
  const other = await startHalfway(songShare, output);
  await other.process.stop("SIGKILL");
  const named = await failure(new GoshareProcess(["discard", "film.bin", "--output", output]));
  assert.equal([named.code, named.exitCode], ["TARGET_BUSY", 6]);
  const changedNs = () => statSync(partOf(output, "film.bin"), { bigint: true }).mtimeNs;
  const before = changedNs();
  const all = new GoshareProcess(["discard", "--all", "--output", output]);
  assert.equal(await all.exited, { exitCode: 0, signal: null });
  assert.equal([all.all("discarded").length, all.all("warning")[0]?.["code"]], [1, "TARGET_BUSY"]);
  assert.is(changedNs(), before, "its lock is not even asked for");
  running.gate.open();
  await running.process.waitFor("done");
  await running.process.exited;
  assert.is(sha256Of(join(output, "film.bin")), sha256Of(film));
  assert.equal(readdirSync(output), ["film.bin"]);
  await closeGates([running, other]);
});

test("discard removes what is damaged, but never what is somebody else's", async () => {
  const output = scratch.folder();
  const begun = await startHalfway(filmShare, output);
  await begun.process.stop("SIGINT");
  await begun.gate.close();
  truncateSync(join(partOf(output, "film.bin"), "root"), 11);
  const elsewhere = scratch.folder();
  writeFileSync(join(elsewhere, "diary"), "dear diary");
  symlinkSync(elsewhere, partOf(output, "link"));
  mkdirSync(partOf(output, "odd"));
  writeFileSync(join(partOf(output, "odd"), "diary"), "dear diary");
  writeFileSync(join(partOf(output, "odd"), "journal"), "");
  const process = new GoshareProcess(["discard", "--all", "--output", output]);
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  assert.is(process.all("discarded")[0]?.["path"], partOf(output, "film.bin"));
  assert.equal(
    process.all("warning").map((warning) => [warning["code"], warning["path"]]),
    ["link", "odd"].map((name) => ["PART_UNUSABLE", partOf(output, name)]),
  );
  assert.equal(readdirSync(elsewhere), ["diary"]);
  assert.equal(readdirSync(partOf(output, "odd")).sort(), ["diary", "journal"]);
});

test("discard asks for names or --all, never for both", async () => {
  for (const argv of [["discard"], ["discard", "film.bin", "--all"]]) {
    const { code, exitCode } = await failure(new GoshareProcess(argv));
    assert.equal([code, exitCode], ["USAGE", 2]);
  }
});

test.run();
