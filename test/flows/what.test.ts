import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeTicket } from "../../src/address/ticket.js";
import { MIB } from "../../src/core/units.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import { download, failure, startDownload, startShare, startTracker } from "../support/transfer.js";

const scratch = new ScratchFolder();
const bytes = 3 * MIB + 12_345;
const source = scratch.file("film.bin", bytes);
const digest = sha256Of(source);

test.after(() => {
  killAll();
  scratch.remove();
});

test("a file is downloaded by its ticket alone, and nothing else is left in the folder", async () => {
  const share = await startShare(source);
  const output = scratch.folder();
  const { path, bytesReceived, process } = await download(share.ticket, output);
  assert.is(path, join(output, "film.bin"));
  assert.is(sha256Of(path), digest);
  assert.is(bytesReceived, bytes);
  assert.equal(await readdir(output), ["film.bin"]);
  const [downloading] = process.all("downloading");
  assert.is(downloading?.["bytes"], String(bytes));
  assert.is(downloading?.["chunks"], 4);
  assert.is(process.all("progress").at(-1)?.["bytesDone"], String(bytes));

  assert.equal(await share.process.stop("SIGINT"), { exitCode: 0, signal: null });
  assert.equal(share.process.events.at(-1), { stopped: { signal: "SIGINT", bytesSent: String(bytes) } });
});

test("a .goshare file stands beside the share and is enough to download it", async () => {
  const folder = scratch.folder();
  const share = await startShare(source);
  assert.is(share.manifestPath, `${source}.goshare`);
  const { path } = await download(share.manifestPath, folder);
  assert.is(sha256Of(path), digest);
  await share.process.stop();
});

test("--manifest says where the .goshare file goes", async () => {
  const manifest = join(scratch.folder(), "elsewhere.goshare");
  const share = await startShare(source, ["--manifest", manifest]);
  assert.is(share.manifestPath, manifest);
  const { path } = await download(manifest, scratch.folder());
  assert.is(sha256Of(path), digest);
  await share.process.stop();
});

test("a content id is enough where both sides name the same tracker", async () => {
  const tracker = await startTracker();
  const share = await startShare(source, ["--tracker", tracker.endpoint]);
  assert.equal(share.sharing["trackers"], [tracker.endpoint]);
  const { path } = await download(share.contentId, scratch.folder(), ["--tracker", tracker.endpoint]);
  assert.is(sha256Of(path), digest);

  // When the sharer has gone, the tracker has forgotten it.
  await share.process.stop();
  const late = startDownload(share.contentId, scratch.folder(), [
    ...["--tracker", tracker.endpoint],
    // On a busy machine the tracker's first answer takes more than a second.
    ...["--timeout", "5s"],
  ]);
  assert.equal((await failure(late)).code, "CONTENT_NOT_FOUND");
  await tracker.process.stop();
});

test("GOSHARE_TRACKER names the tracker for both sides", async () => {
  const tracker = await startTracker();
  const setting = { env: { GOSHARE_TRACKER: tracker.endpoint } };
  const share = await startShare(source, [], setting);
  assert.equal(share.sharing["trackers"], [tracker.endpoint]);
  const { path } = await download(share.contentId, scratch.folder(), [], setting);
  assert.is(sha256Of(path), digest);
  await Promise.all([share.process.stop(), tracker.process.stop()]);
});

test("a ticket carries the sharer's tracker: a download goes on there when the address has changed", async () => {
  const tracker = await startTracker();
  // Nobody listens at what this ticket says of the sharer; only the tracker knows better.
  const share = await startShare(source, ["--tracker", tracker.endpoint, "--advertise", "127.0.0.1:1"]);
  const { path } = await download(share.ticket, scratch.folder());
  assert.is(sha256Of(path), digest);
  await Promise.all([share.process.stop(), tracker.process.stop()]);
});

test("--advertise stands in the ticket instead of the machine's own addresses", async () => {
  const share = await startShare(source, [
    ...["--advertise", "files.example:7000"],
    ...["--advertise", "[2001:db8::7]"],
  ]);
  assert.equal(decodeTicket(share.ticket).peers, [
    { host: "files.example", port: 7000, transport: "tcp" },
    { host: "2001:db8::7", port: 9000, transport: "tcp" },
  ]);
  await share.process.stop();
});

test("--no-publish keeps the manifest from the tracker, and the peer serves it", async () => {
  const tracker = await startTracker();
  const at = ["--tracker", tracker.endpoint];
  const share = await startShare(source, [...at, "--no-publish"]);
  const { path } = await download(share.contentId, scratch.folder(), at);
  assert.is(sha256Of(path), digest);
  await Promise.all([share.process.stop(), tracker.process.stop()]);
});

test("two people who share the same content are one swarm under one content id", async () => {
  const tracker = await startTracker();
  const at = ["--tracker", tracker.endpoint];
  const first = await startShare(source, at);
  const second = await startShare(source, [...at, "--manifest", join(scratch.folder(), "again.goshare")]);
  assert.is(first.contentId, second.contentId);
  await first.process.stop();
  const { path } = await download(first.contentId, scratch.folder(), at);
  assert.is(sha256Of(path), digest);
  await Promise.all([second.process.stop(), tracker.process.stop()]);
});

test("several paths are several shares of one process", async () => {
  const other = scratch.file("other.bin", 10);
  const share = await startShare(source, [other]);
  await share.process.waitFor("sharing", (body) => body["name"] === "other.bin");
  const tickets = share.process.all("sharing").map((body) => String(body["ticket"]));
  assert.is(tickets.length, 2);
  for (const [index, ticket] of tickets.entries()) {
    const { path } = await download(ticket, scratch.folder());
    assert.is(sha256Of(path), sha256Of([source, other][index] ?? ""));
  }
  await share.process.stop();
});

test.run();
