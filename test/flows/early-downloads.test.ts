// Downloads that are there before what they download: they wait for the share, find it through the tracker, and
// all of them finish. Six in the suite, 64 with GOSHARE_TESTS=full.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { isFullSize, report } from "../support/full-size.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { downloaded, startDownload, startShare, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
const DOWNLOADS = isFullSize ? 64 : 6;
const bytes = isFullSize ? 24 * MIB : 8 * MIB;
const LIFETIME = { lifetimeMs: 600_000 };

test.after(() => {
  killAll();
  scratch.remove();
});

test(`${DOWNLOADS} downloads that wait for a share all finish after it appears`, async () => {
  const source = scratch.file("film.bin", bytes);
  const digest = sha256Of(source);
  const { contentId, process: first } = await startShare(source);
  await first.stop();

  const tracker = await startTracker(["--listen", "127.0.0.1:0"], LIFETIME);
  const at = ["--tracker", tracker.endpoint];
  const waiting = Array.from({ length: DOWNLOADS }, () => {
    const output = scratch.folder();
    return { output, process: startDownload(contentId, output, at, LIFETIME) };
  });
  await Promise.all(waiting.map(({ process }) => process.waitFor("waiting")));

  const share = await startShare(source, at, LIFETIME);
  const sharedMs = performance.now();
  for (const { output, process } of waiting) {
    // It may have nothing to say for long while it waits, so the end is waited for and not an event.
    await process.exited;
    const { path } = await downloaded(process);
    assert.is(path, join(output, "film.bin"));
    assert.is(sha256Of(path), digest);
    rmSync(output, { recursive: true });
  }
  const seconds = (performance.now() - sharedMs) / 1000;
  const { signal } = await share.process.stop();
  assert.is(signal, null);
  const sent = share.process
    .all("peerDisconnected")
    .reduce((sum, body) => sum + Number(body["bytesSent"]), 0);
  report(
    `${DOWNLOADS} downloads done ${seconds.toFixed(1)} s after the share appeared; it sent ${Math.round(sent / MIB)} MiB of ${(DOWNLOADS * bytes) / MIB}`,
  );
  await tracker.process.stop();
});

test.run();
