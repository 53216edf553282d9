import {
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { actualTree } from "../storage/sample-share.js";
import { GoshareProcess, type JsonBody, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { startHalfway, VERIFIED_BYTES } from "../support/halfway-download.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { failure, type StartedShare, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
const bytes = 8 * MIB;
const source = scratch.file("film.bin", bytes);

let share: StartedShare;

test.before(async () => {
  share = await startShare(source);
});

test.after(() => {
  killAll();
  scratch.remove();
});

/** What `status --json` says; it ends with `done` and 0. */
async function statusOf(
  ...argv: string[]
): Promise<{ found: readonly JsonBody[]; warnings: readonly JsonBody[] }> {
  const process = new GoshareProcess(["status", ...argv], undefined, { cwd: scratch.path });
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  assert.equal(Object.keys(process.events.at(-1) ?? {}), ["done"]);
  assert.is(process.stderr, "");
  return { found: process.all("resumable"), warnings: process.all("warning") };
}

test("a download is running, then paused or interrupted, and goes on with the line that status prints", async () => {
  for (const [signal, state] of [
    ["SIGINT", "paused"],
    ["SIGKILL", "interrupted"],
  ] as const) {
    const output = scratch.folder();
    const { gate, ticket, process } = await startHalfway(share, output);
    const common = {
      ...{ contentId: share.contentId, name: "film.bin", path: join(output, "film.bin") },
      ...{ bytesDone: String(VERIFIED_BYTES), bytesTotal: String(bytes), chunksDone: 3, chunks: 8 },
      ...{ what: ticket, outputDirectory: output, moreArguments: [] },
    };
    const [running] = (await statusOf(output)).found;
    assert.equal(running, { ...common, state: "running", pid: running?.["pid"] });
    assert.ok(Number(running?.["pid"]) > 0);
    await process.stop(signal);
    const before = actualTree(output);
    assert.equal(await statusOf(output, `${output}/.`), {
      found: [{ ...common, path: join(output, "film.bin"), outputDirectory: `${output}/.`, state, pid: 0 }],
      warnings: [],
    });
    const { exitCode, stdout, stderr } = await runGoshare(["status", output]);
    assert.equal([exitCode, stderr], [0, ""]);
    const [first, id, line = ""] = stdout.split("\n");
    assert.match(first ?? "", `film.bin: 3 MiB of 8 MiB verified, 3 of 8 chunks; ${state}`);
    assert.is(id, `  content id ${share.contentId}`);
    assert.is(line, `  goshare download ${ticket} --output ${output}`);
    assert.equal(actualTree(output), before);

    gate.open();
    const again = await runGoshare(line.trim().split(" ").slice(1));
    assert.equal([again.exitCode, again.stdout], [0, `${join(output, "film.bin")}\n`]);
    assert.is(sha256Of(join(output, "film.bin")), sha256Of(source));
    assert.equal(await statusOf(output), { found: [], warnings: [] });
    await gate.close();
  }
});

test("what cannot be gone on with is a warning each, and the rest is listed all the same", async () => {
  const output = scratch.folder();
  const { gate, process } = await startHalfway(share, output);
  await process.stop("SIGINT");
  await gate.close();
  const good = join(output, ".film.bin.goshare-part");
  const elsewhere = scratch.folder();
  const part = (name: string) => join(output, `.${name}.goshare-part`);
  cpSync(good, join(elsewhere, "part"), { recursive: true });
  symlinkSync(join(elsewhere, "part"), part("link"));
  cpSync(good, part("renamed"), { recursive: true });
  mkdirSync(part("empty"));
  writeFileSync(part("file"), "");
  cpSync(good, part("giant"), { recursive: true });
  truncateSync(join(part("giant"), "root"), 2 ** 40);
  cpSync(good, part("torn"), { recursive: true });
  truncateSync(join(part("torn"), "root"), 11);
  writeFileSync(join(output, ".esc\u001b[2J.goshare-part"), "");

  const { found, warnings } = await statusOf(output);
  assert.equal(
    found.map(({ name }) => name),
    ["film.bin"],
  );
  assert.equal(
    warnings.map(({ path }) => path).sort(),
    [
      join(output, ".esc\u001b[2J.goshare-part"),
      ...["empty", "file", "giant", "link", "renamed", "torn"].map(part),
    ].sort(),
  );
  const { exitCode, stdout, stderr } = await runGoshare(["status", output]);
  assert.is(exitCode, 0);
  assert.is(stdout.trimEnd().split("\n").length, 3);
  assert.is(stderr.trimEnd().split("\n").length, 7);
  assert.not.match(stderr, "\u001b");
});

test("a folder that is named and cannot be read is a failure once the others are listed, but for one of a setting", async () => {
  const output = scratch.folder();
  const { gate, process } = await startHalfway(share, output);
  await process.stop("SIGINT");
  await gate.close();
  const nowhere = join(scratch.path, "nowhere");
  for (const [wrong, why] of [
    [nowhere, /nowhere: it does not exist$/],
    [source, /film\.bin: it is not a folder/],
  ] as const) {
    const listing = new GoshareProcess(["status", wrong, nowhere, output]);
    const { code, exitCode, message, hint } = await failure(listing);
    assert.equal([code, exitCode, hint], ["DISK_FAILED", 6, "check the path"]);
    assert.match(message, why);
    assert.is(listing.all("resumable").length, 1);
    assert.is(listing.all("warning").length, wrong === nowhere ? 0 : 1);
  }
  assert.is((await failure(new GoshareProcess(["status", "--output", nowhere]))).exitCode, 6);
  const { exitCode } = await runGoshare(["status"], { env: { GOSHARE_OUTPUT: nowhere } });
  assert.is(exitCode, 0);
});

test("nothing to go on with is a line on stderr and no failure, and nothing is made", async () => {
  const cwd = scratch.folder();
  const { exitCode, stdout, stderr } = await runGoshare(["status"], { cwd });
  assert.equal([exitCode, stdout, stderr], [0, "", "nothing to resume in downloads\n"]);
  assert.equal(readdirSync(cwd), []);
});

test("a part folder without a ticket goes on by its content id", async () => {
  const output = scratch.folder();
  const { gate, process } = await startHalfway(share, output);
  await process.stop("SIGINT");
  await gate.close();
  renameSync(join(output, ".film.bin.goshare-part", "ticket"), join(scratch.folder(), "ticket"));
  const [found] = (await statusOf(output)).found;
  assert.is(found?.["what"], share.contentId);
});

test.run();
