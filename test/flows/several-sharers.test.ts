// Several sharers of one file that give at different rates, as real processes. GOSHARE_TESTS=full adds four
// sharers and a larger file.
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { isFullSize, report } from "../support/full-size.js";
import { type GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import {
  download,
  downloaded,
  type StartedShare,
  startDownload,
  startShare,
  startTracker,
} from "../support/transfer.js";

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

/** Sharers of `source`, one for each rate in MiB/s, and how a download finds them. */
async function startSharers(source: string, ...rates: readonly number[]) {
  const tracker = await startTracker();
  const at = ["--tracker", tracker.endpoint];
  const startOne = (rate: number) =>
    startShare(source, [
      ...[...at, "--manifest", join(scratch.folder(), "film.goshare")],
      ...["--upload-limit", `${rate}MiB/s`],
    ]);
  const shares = await Promise.all(rates.map(startOne));
  const contentId = shares[0]?.contentId ?? "";
  for (const share of shares) assert.is(share.contentId, contentId);
  const stop = () => Promise.all([...shares, tracker].map(({ process }) => process.stop()));
  return { shares, contentId, at, stop };
}

/** Payload bytes a sharer has sent, once its connection has ended. */
async function bytesSent({ process }: StartedShare): Promise<number> {
  await process.waitFor("peerDisconnected");
  return process.all("peerDisconnected").reduce((sum, body) => sum + Number(body["bytesSent"]), 0);
}

const hasDone = (process: GoshareProcess, bytes: number) =>
  process.waitFor("progress", (body) => Number(body["bytesDone"]) >= bytes);

test("of two sharers one is killed half-way: the other gives the rest", async () => {
  const bytes = 16 * MIB;
  const source = scratch.file("film.bin", bytes);
  const { shares, contentId, at, stop } = await startSharers(source, 8, 8);
  const process = startDownload(contentId, scratch.folder(), at);
  await hasDone(process, bytes / 2);
  assert.equal(process.all("done"), [], "it was too quick for this test");
  await shares[0]?.process.stop("SIGKILL");
  const { path } = await downloaded(process);
  assert.is(sha256Of(path), sha256Of(source));
  await stop();
});

test("two sharers are asked in proportion to what they give", async () => {
  const bytes = 32 * MIB;
  const source = scratch.file("film.bin", bytes);
  const { shares, contentId, at, stop } = await startSharers(source, 4, 12);
  const { path } = await download(contentId, scratch.folder(), at);
  assert.is(sha256Of(path), sha256Of(source));
  const [slow = 0, quick = 0] = await Promise.all(shares.map(bytesSent));
  assert.is(slow + quick, bytes);
  assert.ok(Math.abs(slow / bytes - 1 / 4) <= 0.2 / 4, `${slow / MIB} and ${quick / MIB} MiB`);
  await stop();
});

if (isFullSize) {
  test("four sharers of very different rates give 256 MiB in the time their sum allows, and 15 % more", async () => {
    const bytes = 256 * MIB;
    const rates = [2, 4, 8, 16];
    const source = scratch.file("film.bin", bytes);
    const { contentId, at, stop } = await startSharers(source, ...rates);
    const { path, elapsedMs } = await download(contentId, scratch.folder(), at);
    assert.is(sha256Of(path), sha256Of(source));
    const bytesPerSecond = rates.reduce((sum, rate) => sum + rate * MIB, 0);
    const ratio = elapsedMs / ((1000 * bytes) / bytesPerSecond);
    report(`four sharers: ${(elapsedMs / 1000).toFixed(2)} s, ${ratio.toFixed(3)} of the bound`);
    assert.ok(ratio <= 1.15, `${ratio}`);
    await stop();
  });
}

test.run();
