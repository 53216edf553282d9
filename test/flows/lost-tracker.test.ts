// Trackers that die or never were, as real processes: what has been found once goes on, and where one tracker of
// several is left, it is enough.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { type GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { download, downloaded, startDownload, startShare, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
const source = scratch.file("film.bin", 12 * MIB);
const digest = sha256Of(source);
/** Slow enough that downloads are in their middle for more than a second. */
const slowly = (downloads: number) => ["--upload-limit", `${4 + 4 * downloads}MiB/s`];

test.after(() => {
  killAll();
  scratch.remove();
});

const at = (...trackers: readonly { readonly endpoint: string }[]) =>
  trackers.flatMap(({ endpoint }) => ["--tracker", endpoint]);

const isUnderWay = (process: GoshareProcess) =>
  process.waitFor("progress", (body) => Number(body["peers"]) > 0 && Number(body["bytesDone"]) > 0);

/** On a busy machine the first of several may be done before the last has begun. */
function assertSomeUnfinished(...processes: readonly GoshareProcess[]): void {
  assert.ok(
    processes.some((process) => process.all("done").length === 0),
    "they were too quick for this test",
  );
}

test("four downloads that have found the sharer finish when the tracker is killed", async () => {
  const tracker = await startTracker();
  const share = await startShare(source, [...at(tracker), ...slowly(4)]);
  const downloads = Array.from({ length: 4 }, () =>
    startDownload(share.contentId, scratch.folder(), at(tracker)),
  );
  await Promise.all(downloads.map(isUnderWay));
  assertSomeUnfinished(...downloads);
  await tracker.process.stop("SIGKILL");
  for (const { path } of await Promise.all(downloads.map(downloaded))) assert.is(sha256Of(path), digest);
  await share.process.stop();
});

test("of three trackers one was never there and one dies half-way: the third is enough", async () => {
  const start = () => startTracker();
  const [gone, dying, good] = await Promise.all([start(), start(), start()]);
  await gone.process.stop();
  const share = await startShare(source, [...at(gone, dying, good), ...slowly(1)]);
  assert.equal(
    share.process.all("warning").map(({ code, path }) => [code, path]),
    [["TRACKER_UNREACHABLE", gone.endpoint]],
  );
  // The sharer has told either of the two that are there.
  const halfway = startDownload(share.contentId, scratch.folder(), at(gone, dying));
  await isUnderWay(halfway);
  assertSomeUnfinished(halfway);
  await dying.process.stop("SIGKILL");
  assert.is(sha256Of((await downloaded(halfway)).path), digest);

  const { path, process } = await download(share.contentId, scratch.folder(), at(gone, dying, good));
  assert.is(sha256Of(path), digest);
  const warned = process.all("warning").map(({ code, path: tracker }) => `${code} ${tracker}`);
  // Once each, though they are asked for peers and announced to.
  const expected = [gone, dying].map(({ endpoint }) => `TRACKER_UNREACHABLE ${endpoint}`);
  assert.equal(warned.sort(), expected.sort());
  await Promise.all([share.process.stop(), good.process.stop()]);
});

test("a tracker that knows nobody hides none of those that another knows", async () => {
  const [fresh, known] = await Promise.all([startTracker(), startTracker()]);
  const share = await startShare(source, at(known));
  const { path } = await download(share.contentId, scratch.folder(), [
    ...at(fresh, known),
    ...["--timeout", "20s"],
  ]);
  assert.is(sha256Of(path), digest);
  await Promise.all([fresh, known, share].map((each) => each.process.stop()));
});

test.run();
