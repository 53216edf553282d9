// What programs are promised: events as iterables, promises that say how it ended, signals that end it.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import {
  type DownloadCallOptions,
  download,
  GoshareError,
  type GoshareEvent,
  read,
  type ShareCallOptions,
  share,
  startTracker,
  type TrackerCallOptions,
  unfinished,
} from "../../src/index.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

const LOOPBACK = "127.0.0.1:0";

async function all(events: AsyncIterable<GoshareEvent>): Promise<readonly GoshareEvent[]> {
  const seen: GoshareEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

test("a loop that begins with the call sees every event, and two loops see the same", async () => {
  const file = scratch.file("data", 3 * MIB);
  const sharing = share(file, { listen: LOOPBACK });
  const shareEvents = Promise.all([all(sharing), all(sharing)]);
  const { ticket } = await sharing.ready;
  const running = download(ticket, { output: scratch.folder(), listen: LOOPBACK });
  const events = await all(running);
  const { path, bytes } = await running.done;
  assert.is(bytes, 3 * MIB);
  assert.is(sha256Of(path), sha256Of(file));
  const types = events.map(({ type }) => type);
  for (const type of ["peerConnected", "downloading", "progress"] as const)
    assert.ok(types.includes(type), type);
  assert.is(types.at(-1), "done");
  await sharing.untilCopies(1);
  await sharing.close();
  const [first, second] = await shareEvents;
  assert.equal(first, second);
  assert.is(first[0]?.type, "hashing");
  assert.is(first.at(-1)?.type, "stopped");
  await sharing.ended;
});

test("a loop that is left, or that begins when all is over, ends", async () => {
  const sharing = share(scratch.file("data", 1), { listen: LOOPBACK });
  for await (const { type } of sharing) if (type === "sharing") break;
  await sharing.close();
  assert.equal(await all(sharing), []);
});

test("copies that are waited for again and again are waited for once, and no longer than the share lasts", async () => {
  const sharing = share(scratch.file("data", 1), { listen: LOOPBACK });
  const two = sharing.untilCopies(2);
  assert.is(sharing.untilCopies(2), two);
  assert.is.not(sharing.untilCopies(3), two);
  await sharing.ready;
  assert.is(sharing.untilCopies(2), two);
  await sharing.close();
  const gone = await two.catch((error: unknown) => error);
  assert.ok(gone instanceof GoshareError && gone.code === "INTERRUPTED", String(gone));
});

test("a signal ends a share before and after it is ready", async () => {
  const early = share(scratch.file("data", 1), { listen: LOOPBACK, signal: AbortSignal.abort() });
  const failed = await early.ready.catch((error: unknown) => error);
  assert.ok(failed instanceof Error && failed.name === "AbortError");
  await early.ended;

  const stop = new AbortController();
  const late = share(scratch.file("data", 1), { listen: LOOPBACK, signal: stop.signal });
  await late.ready;
  stop.abort();
  await late.ended;
  const gone = await late.untilCopies(1).catch((error: unknown) => error);
  assert.ok(gone instanceof GoshareError);
});

test("what is wrong rejects with a GoshareError and is the last event", async () => {
  const missing = share("/nowhere/at/all", { listen: LOOPBACK });
  const events = all(missing);
  const error = await missing.ready.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof GoshareError && error.code === "SOURCE_UNREADABLE");
  await missing.ended.catch((thrown: unknown) => assert.is(thrown, error));
  const last = (await events).at(-1);
  assert.ok(last?.type === "failed" && last.code === "SOURCE_UNREADABLE");
  for (const wrong of [
    { maxPeers: 0 },
    { uploadBytesPerSecond: -1 },
    { uploadBytesPerSecond: 1 },
    { trackers: ["no port at all:x"] },
  ]) {
    const thrown = await share("x", wrong).ready.catch((reason: unknown) => reason);
    assert.ok(thrown instanceof GoshareError && thrown.code === "USAGE", JSON.stringify(wrong));
  }
});

/** Options as a program without types may give them. */
const untyped = (json: string): ShareCallOptions & DownloadCallOptions & TrackerCallOptions =>
  JSON.parse(json);

test("an option of the wrong kind is refused by its name", async () => {
  const text: string = JSON.parse("5");
  const wrong: Readonly<Record<string, Promise<unknown>>> = {
    path: share(text).ready,
    what: download(text).done,
    outputDirectory: unfinished(text),
  };
  const ofShare = [
    '"listen":9000',
    '"trackers":"a:1"',
    '"trackers":[1]',
    '"advertise":"a:1"',
    '"exclude":"*.tmp"',
  ];
  ofShare.push('"exclude":[1]', '"manifestPath":5', '"stateDirectory":5', '"uploadBytesPerSecond":"1000000"');
  const ofDownload = ['"output":5', '"select":"x"', '"reuse":5', '"ifTaken":5', '"timeoutMs":"5s"'];
  const ofTracker = ['"listen":5', '"store":5', '"logLevel":"loud"', '"tlsCertPath":5', '"maxPeers":"5"'];
  ofTracker.push('"metrics":"127.0.0.1:9464"');
  for (const option of ofShare) Object.assign(wrong, { [option]: share("x", untyped(`{${option}}`)).ready });
  for (const option of ofDownload)
    Object.assign(wrong, { [option]: download("x", untyped(`{${option}}`)).done });
  for (const option of ofTracker) Object.assign(wrong, { [option]: startTracker(untyped(`{${option}}`)) });
  for (const [option, result] of Object.entries(wrong)) {
    const thrown = await result.catch((reason: unknown) => reason);
    assert.ok(thrown instanceof GoshareError && thrown.code === "USAGE", `${option}: ${thrown}`);
    assert.match(thrown.message, /^"?(\w+)/.exec(option)?.[1] ?? "");
  }
});

test("a download that a signal ended is found among the unfinished, and the same call goes on with it", async () => {
  const file = scratch.file("data", 24 * MIB);
  const sharing = share(file, { listen: LOOPBACK, uploadBytesPerSecond: 8 * MIB });
  const { ticket } = await sharing.ready;
  for (const reason of [new Error("enough"), "enough"]) {
    const stopped = { listen: LOOPBACK, signal: AbortSignal.abort(reason) };
    const left = download(ticket, { ...stopped, output: scratch.folder() });
    const events: GoshareEvent[] = [];
    for await (const event of left) events.push(event);
    const last = events.at(-1);
    assert.is(last?.type === "failed" && `${last.code} ${last.message}`, "INTERRUPTED enough");
    assert.is(await left.done.catch((error: unknown) => error), reason);
    const thrown = await read(ticket, { signal: AbortSignal.abort(reason) })
      .toArray()
      .catch((error: unknown) => error);
    if (reason instanceof Error) assert.is(thrown, reason);
    else assert.ok(thrown instanceof GoshareError && thrown.code === "INTERRUPTED", String(thrown));
  }
  const output = scratch.folder();
  const stop = new AbortController();
  const first = download(ticket, { output, listen: LOOPBACK, signal: stop.signal });
  let last: GoshareEvent | undefined;
  for await (const event of first) {
    last = event;
    if (event.type === "progress" && event.bytesDone > 0) stop.abort();
  }
  assert.is(last?.type === "failed" && last.code, "INTERRUPTED");
  assert.is(await first.done.catch((error: unknown) => error), stop.signal.reason);
  const [part] = await unfinished(output);
  assert.is(part?.name, "data");
  assert.is(part?.state, "paused");
  const { bytesReceived, path } = await download(ticket, { output, listen: LOOPBACK }).done;
  assert.ok(bytesReceived < 24 * MIB, `${bytesReceived}`);
  assert.is(sha256Of(path), sha256Of(file));
  assert.equal(await unfinished(output), []);
  await sharing.close();
});

test("one file is read as a stream, and nothing of it is kept", async () => {
  const file = scratch.file("film.bin", 40 * MIB + 7);
  const sharing = share(file, { listen: LOOPBACK });
  const { ticket } = await sharing.ready;
  const hash = createHash("sha256");
  for await (const bytes of read(ticket)) hash.update(bytes);
  assert.is(hash.digest("hex"), sha256Of(file));
  // A reader that looks at what it has only when all is there must not find it changed.
  assert.is(
    createHash("sha256")
      .update(Buffer.concat(await read(ticket).toArray()))
      .digest("hex"),
    sha256Of(file),
  );
  await sharing.close();
});

test("a stream that is left ends its download, and one that cannot go on says why", async () => {
  const sharing = share(scratch.file("film.bin", 8 * MIB), { listen: LOOPBACK });
  const { ticket } = await sharing.ready;
  const left = read(ticket);
  for await (const _bytes of left) break;
  assert.ok(left.destroyed);
  const selected = await read(ticket, { select: ["other"] })
    .toArray()
    .catch((thrown: unknown) => thrown);
  assert.ok(selected instanceof GoshareError && selected.code === "USAGE", String(selected));
  const stop = new AbortController();
  const stopped = read(ticket, { signal: stop.signal, downloadBytesPerSecond: MIB }).toArray();
  stop.abort();
  assert.is((await stopped.catch((thrown: unknown) => thrown)) instanceof Error, true);
  await sharing.close();
  // Nobody is there, and nobody is waited for any longer.
  const waiting = read(ticket);
  waiting.destroy();
  await once(waiting, "close");
});

test("two trackers in one process know nothing of each other", async () => {
  const [a, b] = await Promise.all([startTracker({ listen: LOOPBACK }), startTracker({ listen: LOOPBACK })]);
  const sharing = share(scratch.file("data", 1), { listen: LOOPBACK, trackers: [a.endpoint] });
  const { contentId } = await sharing.ready;
  const output = scratch.folder();
  const lost = download(contentId, { output, listen: LOOPBACK, trackers: [b.endpoint], timeoutMs: 1_000 });
  const error = await lost.done.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof GoshareError, String(error));
  await download(contentId, { output, listen: LOOPBACK, trackers: [a.endpoint] }).done;
  await sharing.close();
  await Promise.all([a.close(), b.close()]);
});

test("a reader that is asked for several events before the first is there gets each of them once", async () => {
  const { EventStream } = await import("../../src/library/event-stream.js");
  const stream = new EventStream();
  const reader = stream[Symbol.asyncIterator]();
  const asked = [reader.next(), reader.next(), reader.next()];
  for (const endpoint of ["a:1", "b:2"]) stream.observe({ type: "listening", endpoint });
  stream.end();
  const [first, second, third] = await Promise.all(asked);
  assert.equal(first?.value, { type: "listening", endpoint: "a:1" });
  assert.equal(second?.value, { type: "listening", endpoint: "b:2" });
  assert.is(third?.done, true);
});

test("a reader that does not keep up loses tellings of progress first, and never the end", async () => {
  const { EventStream } = await import("../../src/library/event-stream.js");
  const stream = new EventStream();
  const reader = stream[Symbol.asyncIterator]();
  const warning = (n: number): GoshareEvent => ({ type: "warning", code: "BUG", message: `${n}`, path: "" });
  const progress: GoshareEvent = {
    ...{ type: "hashing", path: "", bytesDone: 0, bytesTotal: 0 },
    ...{ files: 0, bytesPerSecond: 0 },
  };
  for (let n = 0; n < 600; n++) stream.observe(warning(n));
  for (let n = 0; n < 5_000; n++) stream.observe(progress);
  stream.end({ type: "stopped", signal: "", bytesSent: 0 });
  const seen: GoshareEvent[] = [];
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) seen.push(next.value);
  assert.is(seen.length, 1_000);
  assert.is(seen.filter(({ type }) => type === "warning").length, 600);
  assert.is(seen.at(-1)?.type, "stopped");
});

test.run();
