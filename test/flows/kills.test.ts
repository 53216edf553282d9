// Downloads that are killed with -9 at random moments and run again: the right file, and little fetched twice.
// In the suite a few small ones. In full, some minutes and 1.5 GiB of TMPDIR, best a memory file system:
//   TMPDIR=/dev/shm GOSHARE_TESTS=full node dist/test/flows/kills.test.js
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { isFullSize, report, seededRandom } from "../support/full-size.js";
import { type GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { downloaded, type StartedShare, startDownload, startShare } from "../support/transfer.js";

interface Plan {
  readonly chunkBytes: number;
  readonly fileBytes: number;
  readonly bytesPerSecond: number;
  /** For every number of kills, how many downloads are killed so often. */
  readonly downloads: readonly { readonly kills: number; readonly count: number }[];
}

const small: Plan = {
  chunkBytes: 128 * KIB,
  fileBytes: 32 * MIB,
  bytesPerSecond: 64 * MIB,
  downloads: [
    { kills: 1, count: 3 },
    { kills: 3, count: 1 },
  ],
};
const full: Plan = {
  chunkBytes: MIB,
  fileBytes: 512 * MIB,
  bytesPerSecond: 256 * MIB,
  downloads: [
    { kills: 1, count: 100 },
    { kills: 10, count: 5 },
  ],
};
const plan = isFullSize ? full : small;
/** What a kill may cost: with chunks of 1 MiB, 64 MiB. */
const CHUNKS_PER_KILL = 64;
/** A sharer counts a chunk when all of it is out: so many may be on their way when a download is killed. */
const UNCOUNTED_CHUNKS_PER_KILL = 2;
const LIFETIME_MS = 3_600_000;

const scratch = new ScratchFolder();
const random = seededRandom();
let share: StartedShare;
let digest: string;
/** From the start of a process until it asks for the first chunk. */
let startUpMs: number;
let peakRssBytes = 0;

test.before(async () => {
  const source = scratch.file("film.bin", plan.fileBytes);
  digest = sha256Of(source);
  share = await startShare(source, ["--chunk-size", String(plan.chunkBytes)], { lifetimeMs: LIFETIME_MS });
  const startedMs = performance.now();
  const output = scratch.folder();
  await downloaded(start(output));
  rmSync(output, { recursive: true });
  startUpMs = Math.max(0, performance.now() - startedMs - durationMs(plan.fileBytes));
});

test.after(() => {
  killAll();
  scratch.remove();
});

const durationMs = (bytes: number) => (1000 * bytes) / plan.bytesPerSecond;

function start(output: string): GoshareProcess {
  return startDownload(share.ticket, output, ["--download-limit", `${plan.bytesPerSecond / MIB}MiB/s`]);
}

/** Payload bytes the sharer has sent, once every connection it had has ended. */
async function bytesSent(): Promise<number> {
  const { process } = share;
  const isOver = () => process.all("peerConnected").length === process.all("peerDisconnected").length;
  await process.waitFor("peerDisconnected", isOver);
  return process.all("peerDisconnected").reduce((sum, body) => sum + Number(body["bytesSent"]), 0);
}

interface Run {
  readonly isKilled: boolean;
  readonly bytesDone: number;
}

/** One run of a download, killed after `afterMs` unless it is done before. */
async function runUntil(afterMs: number, output: string): Promise<Run> {
  const process = start(output);
  const timer = setTimeout(() => {
    peakRssBytes = Math.max(peakRssBytes, process.peakRssBytes() ?? 0);
    process.kill("SIGKILL");
  }, afterMs);
  const { signal, exitCode } = await process.exited;
  clearTimeout(timer);
  assert.ok(signal === "SIGKILL" || exitCode === 0, process.stderr || JSON.stringify(process.events.at(-1)));
  const bytesDone = Number(process.all("progress").at(-1)?.["bytesDone"] ?? 0);
  return { isKilled: signal === "SIGKILL", bytesDone };
}

/** A download killed up to `wanted` times, at moments spread over what is left of it; how often it was, since it
 * may be done before. What it fetched beyond the file, in bytes. */
async function killed(wanted: number): Promise<{ readonly kills: number; readonly overheadBytes: number }> {
  const output = scratch.folder();
  const target = join(output, "film.bin");
  const before = await bytesSent();
  let kills = 0;
  let bytesDone = 0;
  while (kills < wanted && !existsSync(target)) {
    const leftMs = startUpMs + durationMs(plan.fileBytes - bytesDone);
    const run = await runUntil((random() * 2 * leftMs) / (wanted - kills + 1), output);
    if (!run.isKilled) break;
    kills++;
    bytesDone = Math.max(bytesDone, run.bytesDone);
  }
  // A kill may come between the claim of the name and the end: that run is cleaned up after as well.
  if (!existsSync(target) || existsSync(join(output, ".film.bin.goshare-part")))
    await downloaded(start(output));
  assert.is(sha256Of(target), digest);
  rmSync(output, { recursive: true });
  return { kills, overheadBytes: (await bytesSent()) - before - plan.fileBytes };
}

function describe(overheads: readonly number[]): string {
  const sorted = overheads.toSorted((a, b) => a - b).map((bytes) => (bytes / plan.chunkBytes).toFixed(1));
  const median = sorted[Math.floor(sorted.length / 2)];
  return `chunks fetched twice per kill: median ${median}, most ${sorted.at(-1)}`;
}

for (const { kills: wanted, count } of plan.downloads) {
  test(`${count} downloads killed with -9 ${wanted} times each bring the right file, and fetch at most ${CHUNKS_PER_KILL} chunks twice for a kill`, async () => {
    const overheads: number[] = [];
    for (let whole = 0; whole < count; ) {
      const { kills, overheadBytes } = await killed(wanted);
      const most = (CHUNKS_PER_KILL - UNCOUNTED_CHUNKS_PER_KILL) * plan.chunkBytes * kills;
      assert.ok(overheadBytes <= most, `${overheadBytes} bytes for ${kills} kills`);
      const uncounted = UNCOUNTED_CHUNKS_PER_KILL * plan.chunkBytes * (kills + 1);
      assert.ok(overheadBytes >= -uncounted, `${-overheadBytes} bytes were never sent`);
      // One that was quicker than its kills is right, and does not count.
      if (kills < wanted) continue;
      whole++;
      overheads.push(overheadBytes / kills);
    }
    const peak = `peak memory of a download ${Math.round(peakRssBytes / MIB)} MiB`;
    report(`${count} downloads, killed ${wanted} times each: ${describe(overheads)}; ${peak}`);
  });
}

test.run();
