// Many shares in one command: trackers hear of all of them together, and the threads that hash are started once.
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { toHex } from "../../src/core/ids.js";
import { unary } from "../../src/rpc/adapter.js";
import { closeFakeTrackers, startFakeTracker } from "../support/fake-tracker.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { startDownload, startShare } from "../support/transfer.js";
import { until } from "../support/until.js";

const { method } = TrackerService;
const scratch = new ScratchFolder();

test.after(async () => {
  killAll();
  await closeFakeTrackers();
  scratch.remove();
});

/** Writes down what each call is about. */
async function startRecordingTracker() {
  const announced: (readonly string[])[] = [];
  const withdrawn: (readonly string[])[] = [];
  const published: number[] = [];
  const { endpoint } = await startFakeTracker({
    announce: unary(method.announce, async ({ shares }) => {
      announced.push(shares.map(({ contentId }) => toHex(contentId)));
      return {
        ...{ ttlMs: 75_000, renewAfterMs: 30_000, leaseToken: Buffer.from("token") },
        wantedManifests: shares.map(({ contentId }) => contentId),
      };
    }),
    publishManifest: unary(method.publishManifest, async ({ manifest }) => {
      published.push(manifest.length);
      return { stored: true };
    }),
    withdraw: unary(method.withdraw, async ({ contentIds }) => {
      withdrawn.push(contentIds.map(toHex));
      return {};
    }),
  });
  return { endpoint, announced, withdrawn, published };
}

function files(count: number): readonly string[] {
  const folder = scratch.folder();
  return Array.from({ length: count }, (_, n) => {
    const path = join(folder, `${n}.txt`);
    writeFileSync(path, `file ${n}`);
    return path;
  });
}

test("all shares of a command are announced, and withdrawn, in one call", async () => {
  const tracker = await startRecordingTracker();
  const [first = "", ...others] = files(12);
  const { process } = await startShare(first, [...others, "--tracker", tracker.endpoint]);
  await process.waitFor("sharing", ({ name }) => name === "11.txt");
  const sharing = process.all("sharing");
  const contentIds = sharing.map(({ contentId }) => String(contentId));
  assert.equal(
    sharing.map(({ trackers }) => trackers),
    contentIds.map(() => [tracker.endpoint]),
  );
  assert.equal(tracker.announced, [contentIds]);
  await until(() => tracker.published.length === contentIds.length);
  assert.equal(await process.stop(), { exitCode: 0, signal: null });
  assert.equal(tracker.withdrawn, [contentIds]);
  assert.equal(process.all("warning"), []);
});

test("more shares than an announcement may hold are announced and withdrawn in groups", async () => {
  const tracker = await startRecordingTracker();
  const [first = "", ...others] = files(1_100);
  const { process } = await startShare(first, [...others, "--no-publish", "--tracker", tracker.endpoint]);
  await process.waitFor("sharing", ({ name }) => name === "1099.txt");
  const sizes = (calls: readonly (readonly string[])[]) => calls.map(({ length }) => length);
  assert.equal(sizes(tracker.announced), [1_000, 100]);
  assert.is(new Set(tracker.announced.flat()).size, 1_100);
  assert.equal(tracker.published, []);
  await process.stop();
  assert.equal(sizes(tracker.withdrawn), [1_000, 100]);
});

test("of a share that ends the tracker is told by itself, and of the others when they end", async () => {
  const tracker = await startRecordingTracker();
  const [first = "", ...others] = files(3);
  const { process, ticket } = await startShare(first, [...others, "--tracker", tracker.endpoint]);
  await process.waitFor("sharing", ({ name }) => name === "2.txt");
  const [ended, ...kept] = process.all("sharing").map(({ contentId }) => String(contentId));
  appendFileSync(first, "more");
  const asking = startDownload(ticket, scratch.folder());
  await process.waitFor("failed");
  await asking.stop("SIGKILL");
  await until(() => tracker.withdrawn.length > 0);
  assert.equal(tracker.withdrawn, [[ended]]);
  await process.stop();
  assert.equal(tracker.withdrawn, [[ended], kept]);
});

test("a tracker that cannot be reached is warned of once, however many shares there are", async () => {
  const tracker = await startFakeTracker({});
  await tracker.close();
  const [first = "", ...others] = files(5);
  const { process } = await startShare(first, [...others, "--tracker", tracker.endpoint]);
  await process.waitFor("sharing", ({ name }) => name === "4.txt");
  assert.equal(
    process.all("warning").map(({ code, path }) => [code, path]),
    [["TRACKER_UNREACHABLE", tracker.endpoint]],
  );
  assert.equal(await process.stop(), { exitCode: 0, signal: null });
});

test.run();
