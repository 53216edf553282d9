import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { type GoshareProcess, type JsonBody, killAll } from "../support/goshare-process.js";
import { GoshareText } from "../support/goshare-text.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import {
  download,
  downloaded,
  failure,
  type StartedShare,
  startDownload,
  startShare,
  startTracker,
  ticketVia,
} from "../support/transfer.js";

const scratch = new ScratchFolder();
const CHUNKS = 8;
const bytes = CHUNKS * MIB;
const source = scratch.file("film.bin", bytes);
const digest = sha256Of(source);
/** What the gate lets through before a download is in its middle, and the verified part of it. */
const MIDDLE_BYTES = 3.5 * MIB;
const VERIFIED_BYTES = 3 * MIB;

let share: StartedShare;

test.before(async () => {
  share = await startShare(source);
});

test.after(async () => {
  killAll();
  scratch.remove();
});

interface Halfway {
  readonly gate: GatedProxy;
  readonly ticket: string;
  readonly process: GoshareProcess;
}

/** A gate before the sharer that lets `allowedBytes` through, and the ticket that leads there. */
async function gateBefore(allowedBytes: number): Promise<{ gate: GatedProxy; ticket: string }> {
  const gate = await GatedProxy.start(allowedBytes);
  gate.target = share.endpoint;
  return { gate, ticket: ticketVia(share.ticket, gate.endpoint) };
}

const hasVerified = (body: JsonBody) => body["bytesDone"] === String(VERIFIED_BYTES);

/** A download that stands still with 3 of 8 chunks verified. */
async function startHalfway(output: string): Promise<Halfway> {
  const { gate, ticket } = await gateBefore(MIDDLE_BYTES);
  const process = startDownload(ticket, output);
  await process.waitFor("progress", hasVerified);
  return { gate, ticket, process };
}

/** Runs the same command again and checks that no verified chunk came a second time. */
async function finish({ gate, ticket }: Halfway, output: string, keptBytes: number): Promise<void> {
  gate.open();
  const process = startDownload(ticket, output);
  const downloading = await process.waitFor("downloading");
  assert.is(downloading["resumedBytes"], String(VERIFIED_BYTES));
  const { path, bytesReceived } = await downloaded(process);
  assert.is(path, join(output, "film.bin"));
  assert.is(sha256Of(path), digest);
  assert.is(bytesReceived, bytes - keptBytes);
  assert.is(process.all("progress").at(-1)?.["bytesDone"], String(bytes));
  assert.equal(readdirSync(output), ["film.bin"]);
  await gate.close();
}

for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`${signal} in the middle ends with ${exitCode} and the command that goes on; it fetches nothing twice`, async () => {
    const output = scratch.folder();
    const { gate, ticket, process } = await startHalfway(output);
    process.kill(signal);
    const failed = await failure(process);
    assert.equal([failed.code, failed.exitCode], ["INTERRUPTED", exitCode]);
    assert.match(failed.hint, `goshare download ${ticket} --output ${output}`);
    assert.not(existsSync(join(output, "film.bin")));

    gate.open();
    const again = startDownload(ticket, output);
    const downloading = await again.waitFor("downloading");
    assert.is(downloading["resumedBytes"], String(VERIFIED_BYTES));
    const { bytesReceived, path } = await downloaded(again);
    assert.is(bytesReceived, bytes - VERIFIED_BYTES);
    assert.is(sha256Of(path), digest);
    assert.equal(readdirSync(output), ["film.bin"]);
    await gate.close();
  });
}

test("after kill -9 the same command goes on, and what was written is verified before it counts", async () => {
  const output = scratch.folder();
  const halfway = await startHalfway(output);
  await halfway.process.stop("SIGKILL");
  await finish(halfway, output, VERIFIED_BYTES);
});

test("after kill -9 a chunk that was damaged meanwhile is fetched again", async () => {
  const output = scratch.folder();
  const halfway = await startHalfway(output);
  await halfway.process.stop("SIGKILL");
  const written = join(output, ".film.bin.goshare-part", "content", "film.bin");
  const part = readFileSync(written);
  // A download begins anywhere: the first byte that is there is in a chunk that was verified.
  part.write(
    "damage",
    part.findIndex((byte) => byte !== 0),
  );
  writeFileSync(written, part, { flag: "r+" });
  await finish(halfway, output, VERIFIED_BYTES - MIB);
});

test("an interrupted download goes on by another way to name the share", async () => {
  const output = scratch.folder();
  const { gate, process } = await startHalfway(output);
  await process.stop("SIGINT");
  const { bytesReceived } = await download(share.manifestPath, output);
  assert.is(bytesReceived, bytes - VERIFIED_BYTES);
  await gate.close();
});

test("an interrupted download goes on in a folder that was moved", async () => {
  const output = scratch.folder();
  const halfway = await startHalfway(output);
  await halfway.process.stop("SIGINT");
  const moved = join(scratch.folder(), "moved");
  renameSync(output, moved);
  await finish(halfway, moved, VERIFIED_BYTES);
});

test("an interruption before anything has arrived leaves nothing behind", async () => {
  const output = scratch.folder();
  const { gate, ticket } = await gateBefore(0);
  const process = startDownload(ticket, output);
  await process.waitFor("waiting");
  process.kill("SIGINT");
  const { code, exitCode } = await failure(process);
  assert.equal([code, exitCode], ["INTERRUPTED", 130]);
  assert.equal(readdirSync(output), []);
  await gate.close();
});

test("people are told how to go on", async () => {
  const output = scratch.folder();
  const { gate, ticket } = await gateBefore(MIDDLE_BYTES);
  const process = new GoshareText(["download", ticket, "--output", output]);
  await process.says(/37%/);
  process.kill("SIGINT");
  const { exitCode, stdout, stderr } = await process.ended;
  assert.is(exitCode, 130);
  assert.is(stdout, "");
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.slice(-3), [
    "stopping; press Ctrl-C again to quit at once",
    "error: interrupted by SIGINT",
    `  what is verified is kept; to resume, run: goshare download ${ticket} --output ${output}`,
  ]);
  await gate.close();
});

test("a second Ctrl-C quits at once, whatever the first one waits for", async () => {
  const tracker = await startTracker();
  const gate = await GatedProxy.start(Number.POSITIVE_INFINITY);
  gate.target = tracker.endpoint;
  const sharer = new GoshareText([
    ...["share", source, "--listen", "127.0.0.1:0", "--tracker", gate.endpoint],
    ...["--manifest", join(scratch.folder(), "again.goshare")],
  ]);
  await sharer.says(/Ctrl-C stops sharing/);
  // It withdraws from a tracker that no longer answers, and would wait for that.
  gate.shut();
  sharer.kill("SIGINT");
  await sharer.says(/stopping; press Ctrl-C again to quit at once/);
  sharer.kill("SIGINT");
  const { exitCode, signal, stderr } = await sharer.ended;
  assert.equal([exitCode, signal], [null, "SIGINT"]);
  assert.match(stderr, /error: interrupted by SIGINT\n {2}to start again, run: goshare share .*\n$/);
  await Promise.all([gate.close(), tracker.process.stop()]);
});

test.run();
