// Why a download is slow, as real processes say it in their events: while it stands still, and at its end.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { closeFakeTrackers, givingManifest, startFakeTracker } from "../support/fake-tracker.js";
import { type GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { smallShare } from "../support/small-share.js";
import { downloaded, startDownload, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();

test.after(async () => {
  killAll();
  await closeFakeTrackers();
  scratch.remove();
});

const standsStillFor = (process: GoshareProcess, reason: string) =>
  process.waitFor("progress", ({ slowReason }) => slowReason === `SLOW_REASON_${reason}`);

test("a download whose tracker has died, and that knows nobody, says so", async () => {
  const { root } = smallShare(3).manifest;
  const tracker = await startFakeTracker(givingManifest(root.bytes));
  const process = startDownload(root.contentId, scratch.folder(), ["--tracker", tracker.endpoint]);
  await standsStillFor(process, "NO_PEER");
  await tracker.close();
  await standsStillFor(process, "TRACKER_UNREACHABLE");
  await process.stop();
});

test("while the manifest is looked for, what is known of why it does not come is told", async () => {
  const { contentId } = smallShare(1).manifest.root;
  const tracker = await startFakeTracker({});
  await tracker.close();
  const process = startDownload(contentId, scratch.folder(), ["--tracker", tracker.endpoint]);
  await process.waitFor("waiting", ({ slowReason }) => slowReason === "SLOW_REASON_TRACKER_UNREACHABLE");
  await process.stop();
});

test("a download whose sharer cannot be dialled says so", async () => {
  const share = await startShare(scratch.file("film.bin", 2 * MIB));
  await share.process.stop();
  const process = startDownload(share.manifestPath, scratch.folder());
  await standsStillFor(process, "DIAL_FAILED");
  await process.stop();
});

test("a limit of the sharer is told while it holds, and its end says what all the time went into", async () => {
  const share = await startShare(scratch.file("film.bin", 4 * MIB), ["--upload-limit", "4MiB/s"]);
  const process = startDownload(share.ticket, scratch.folder());
  await standsStillFor(process, "UPLOAD_LIMIT");
  const { elapsedMs } = await downloaded(process);
  const [{ slowTimes } = {}] = process.all("done");
  assert.ok(Array.isArray(slowTimes) && slowTimes.length > 0);
  const reasons = slowTimes.map(({ reason }) => String(reason));
  assert.ok(reasons.includes("SLOW_REASON_UPLOAD_LIMIT"), reasons.join());
  assert.is(new Set(reasons).size, reasons.length);
  const sumMs = slowTimes.reduce((sum, { ms }) => sum + Number(ms), 0);
  // Each number is rounded by itself.
  assert.ok(Math.abs(sumMs - elapsedMs) <= slowTimes.length, `${sumMs} of ${elapsedMs} ms`);
  await share.process.stop();
});

test.run();
