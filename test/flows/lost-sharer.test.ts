import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import {
  download,
  downloaded,
  failure,
  startDownload,
  startShare,
  startTracker,
  ticketVia,
} from "../support/transfer.js";

const scratch = new ScratchFolder();
/** More than a download asks for at a time, so that in its middle some chunks are not yet read. */
const bytes = 32 * MIB;
const MIDDLE_BYTES = 3.5 * MIB;
const VERIFIED_BYTES = 3 * MIB;

test.after(() => {
  killAll();
  scratch.remove();
});

/** A share, and a download of it that stands still in the middle. */
async function startHalfway(args: readonly string[] = []) {
  const source = scratch.file("film.bin", bytes);
  const share = await startShare(source);
  const gate = await GatedProxy.start(MIDDLE_BYTES);
  gate.target = share.endpoint;
  const ticket = ticketVia(share.ticket, gate.endpoint);
  const output = scratch.folder();
  const process = startDownload(ticket, output, args);
  await process.waitFor("progress", (body) => body["bytesDone"] === String(VERIFIED_BYTES));
  return { source, share, gate, ticket, output, process };
}

test("a sharer that is killed and started again at the same port finishes the download", async () => {
  const { source, share, gate, process, output } = await startHalfway();
  await share.process.stop("SIGKILL");
  gate.cut();
  await process.waitFor("waiting", (body) => body["waitingFor"] === "peers");
  gate.open();
  const again = await startShare(source, ["--listen", share.endpoint]);
  assert.is(again.contentId, share.contentId);
  const { path, bytesReceived } = await downloaded(process);
  assert.is(sha256Of(path), sha256Of(source));
  // Of the chunks that were under way a part may have come before the end.
  assert.ok(bytesReceived >= bytes && bytesReceived < bytes + MIDDLE_BYTES, `${bytesReceived}`);
  assert.equal(readdirSync(output), ["film.bin"]);
  await Promise.all([again.process.stop(), gate.close()]);
});

test("a sharer that is gone for good ends the download with 7, and the same command goes on later", async () => {
  const { source, share, gate, ticket, process, output } = await startHalfway(["--timeout", "1s"]);
  await share.process.stop("SIGKILL");
  gate.cut();
  const { code, exitCode, hint } = await failure(process);
  assert.equal([code, exitCode], ["INCOMPLETE", 7]);
  assert.match(hint, "run the same command again");
  assert.equal(readdirSync(output), [".film.bin.goshare-part"]);

  gate.open();
  const again = await startShare(source, ["--listen", share.endpoint]);
  const { path, bytesReceived } = await download(ticket, output);
  assert.is(bytesReceived, bytes - VERIFIED_BYTES);
  assert.is(sha256Of(path), sha256Of(source));
  await Promise.all([again.process.stop(), gate.close()]);
});

test("a sharer that stops properly leaves the download waiting, not failing", async () => {
  const { source, share, gate, process } = await startHalfway();
  gate.open();
  await share.process.stop("SIGINT");
  const again = await startShare(source, ["--listen", share.endpoint]);
  const { path } = await downloaded(process);
  assert.is(sha256Of(path), sha256Of(source));
  await Promise.all([again.process.stop(), gate.close()]);
});

test("where nobody is there, the download ends with 3 after its time limit and makes nothing", async () => {
  const share = await startShare(scratch.file("gone.bin", 10));
  await share.process.stop();
  const output = join(scratch.folder(), "not made");
  const { code, exitCode, message } = await failure(
    startDownload(share.ticket, output, ["--timeout", "500ms"]),
  );
  assert.equal([code, exitCode], ["NO_PEERS", 3]);
  assert.match(message, share.endpoint);
  assert.not(existsSync(output));

  const { exitCode: textCode, stderr } = await runGoshare([
    ...["download", share.ticket, "--output", output],
    ...["--timeout", "500ms"],
  ]);
  assert.is(textCode, 3);
  assert.not.match(stderr, /\n {4}at /);
});

test("a tracker that is down is a warning beside a ticket that leads to the sharer", async () => {
  const tracker = await startTracker();
  const source = scratch.file("film.bin", MIB);
  const share = await startShare(source, ["--tracker", tracker.endpoint]);
  await tracker.process.stop("SIGKILL");
  const { path, process } = await download(share.ticket, scratch.folder());
  assert.is(sha256Of(path), sha256Of(source));
  for (const { code } of process.all("warning")) assert.is(code, "TRACKER_UNREACHABLE");
  await share.process.stop();
});

test("a share goes on without its tracker, warns once, and is announced when the tracker is back", async () => {
  const source = scratch.file("film.bin", MIB);
  const tracker = await startTracker();
  await tracker.process.stop();
  const at = ["--tracker", tracker.endpoint];
  const share = await startShare(source, at);
  assert.equal(
    share.process.all("warning").map(({ code, path }) => [code, path]),
    [["TRACKER_UNREACHABLE", tracker.endpoint]],
  );
  const waiting = startDownload(share.contentId, scratch.folder(), at);
  await waiting.waitFor("waiting");
  const again = await startTracker(["--listen", tracker.endpoint]);
  const { path } = await downloaded(waiting);
  assert.is(sha256Of(path), sha256Of(source));
  await Promise.all([share.process.stop(), again.process.stop()]);
});

for (const [what, change] of [
  ["longer", (path: string) => appendFileSync(path, "more")],
  ["another one under the same name", (path: string) => writeFileSync(path, Buffer.alloc(bytes, 1))],
  ["touched in one byte", (path: string) => writeFileSync(path, "x", { flag: "r+" })],
] as const) {
  test(`a source that is ${what} while it is shared: SOURCE_CHANGED, and not one wrong byte`, async () => {
    const { source, share, gate, process, output } = await startHalfway(["--timeout", "2s"]);
    const original = readFileSync(source);
    change(source);
    gate.open();
    const sharer = await failure(share.process);
    assert.equal([sharer.code, sharer.exitCode], ["SOURCE_CHANGED", 1]);
    assert.match(sharer.message, source);
    const { code, exitCode, message, hint } = await failure(process);
    assert.equal([code, exitCode], ["INCOMPLETE", 7]);
    assert.match(message, "has changed since it was shared");
    assert.match(hint, "shared again");
    assert.equal(readdirSync(output), [".film.bin.goshare-part"]);
    const part = readFileSync(join(output, ".film.bin.goshare-part", "content", "film.bin"));
    // What is not the original was never written.
    let verifiedBytes = 0;
    for (let at = 0; at < part.byteLength; at += MIB) {
      const chunk = part.subarray(at, at + MIB);
      if (chunk.equals(original.subarray(at, at + MIB))) verifiedBytes += MIB;
      else assert.ok(chunk.every((byte) => byte === 0));
    }
    assert.ok(verifiedBytes >= VERIFIED_BYTES);
    await gate.close();
  });
}

test.run();
