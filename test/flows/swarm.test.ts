// Several downloads of one share as real processes: what one of them has verified, the others get from it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isErrno } from "../../src/core/errors.js";
import { KIB, MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { type GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import {
  download,
  downloaded,
  startDownload,
  startShare,
  startTracker,
  ticketVia,
} from "../support/transfer.js";

const scratch = new ScratchFolder();
const CHUNK_BYTES = 128 * KIB;

test.after(() => {
  killAll();
  scratch.remove();
});

/** Payload bytes that a process has sent on connections that have ended. */
function bytesSent(process: GoshareProcess): number {
  return process.all("peerDisconnected").reduce((sum, body) => sum + Number(body["bytesSent"] ?? 0), 0);
}

/** A share behind a gate that lets `allowedBytes` through, with a tracker that does not know the sharer. */
async function startBehindGate(allowedBytes: number, bytes: number) {
  const tracker = await startTracker();
  const source = scratch.file("film.bin", bytes);
  // Many more chunks than are asked of one peer at a time.
  const share = await startShare(source, ["--chunk-size", String(CHUNK_BYTES)]);
  const gate = await GatedProxy.start(allowedBytes);
  gate.target = share.endpoint;
  const ticket = ticketVia(share.ticket, gate.endpoint);
  const start = () => startDownload(ticket, scratch.folder(), ["--tracker", tracker.endpoint]);
  return { tracker, source, share, gate, ticket, start };
}

test("three downloads of one share give each other what they have", async () => {
  const { tracker, source, share, gate, start } = await startBehindGate(12 * MIB, 32 * MIB);
  const processes = [start(), start(), start()];
  // Each has a neighbour besides the sharer before the sharer gives the rest.
  await Promise.all(
    processes.map((process) => process.waitFor("progress", (body) => Number(body["peers"]) > 1)),
  );
  gate.open();
  for (const { path } of await Promise.all(processes.map(downloaded)))
    assert.is(sha256Of(path), sha256Of(source));
  assert.ok(processes.some((process) => bytesSent(process) > 0));
  await share.process.stop();
  await Promise.all([tracker.process.stop(), gate.close()]);
});

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return undefined;
    throw thrown;
  }
}

/** Whether every chunk of `source` lies in one of the folders, finished or not. */
function isAllThere(source: string, outputs: readonly string[]): boolean {
  const original = readFileSync(source);
  // A file has its final name before it loses that in the part folder: looked for in this order, it is found.
  const copies = outputs
    .flatMap((output) =>
      [".film.bin.goshare-part/content/film.bin", "film.bin"].map((name) => join(output, name)),
    )
    .map(readIfThere)
    .filter((copy) => copy !== undefined);
  for (let at = 0; at < original.byteLength; at += CHUNK_BYTES) {
    const chunk = original.subarray(at, at + CHUNK_BYTES);
    if (!copies.some((copy) => copy.subarray(at, at + CHUNK_BYTES).equals(chunk))) return false;
  }
  return true;
}

/** Downloads behind a gate until they hold everything between them, the sharer is killed, and all of them finish. */
async function finishWithoutSharer(args: (tracker: string) => readonly string[]): Promise<void> {
  const { tracker, source, share, gate, ticket } = await startBehindGate(0, 16 * MIB);
  const outputs = [scratch.folder(), scratch.folder(), scratch.folder()];
  const processes = outputs.map((output) => startDownload(ticket, output, args(tracker.endpoint)));
  /** Lets a little through at a time until `isMet`. */
  const feedUntil = async (isMet: () => boolean, bytes: number) => {
    while (!isMet()) {
      gate.allow(bytes);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const knowsOthers = (process: GoshareProcess) => Number(process.all("progress").at(-1)?.["peers"]) > 2;
  // Each has to get the manifest, and to know the others, while there is much left to get.
  await feedUntil(() => processes.every(knowsOthers), 64 * KIB);
  await feedUntil(() => isAllThere(source, outputs), 2 * MIB);
  await share.process.stop("SIGKILL");
  gate.cut();
  for (const { path } of await Promise.all(processes.map(downloaded)))
    assert.is(sha256Of(path), sha256Of(source));
  await Promise.all([tracker.process.stop(), gate.close()]);
}

test("downloads that hold everything between them finish when the sharer is killed", async () => {
  await finishWithoutSharer((tracker) => ["--tracker", tracker]);
});

test("without any tracker they find each other through the sharer, and finish too", async () => {
  await finishWithoutSharer(() => []);
});

test("a download with --seed serves a later one alone, and ends with 0 when it is told to stop", async () => {
  const bytes = 8 * MIB + 5;
  const tracker = await startTracker();
  const source = scratch.file("film.bin", bytes);
  const at = ["--tracker", tracker.endpoint];
  const share = await startShare(source, at);
  const seeding = startDownload(share.ticket, scratch.folder(), [...at, "--seed"]);
  const { path: seeded } = await seeding.waitFor("done");
  assert.is(sha256Of(String(seeded)), sha256Of(source));
  await share.process.stop("SIGKILL");
  const { path, bytesReceived } = await download(share.ticket, scratch.folder(), at);
  assert.is(sha256Of(path), sha256Of(source));
  assert.is(bytesReceived, bytes);
  const { exitCode } = await seeding.stop("SIGINT");
  assert.is(exitCode, 0);
  assert.equal(seeding.events.at(-1)?.["stopped"], { signal: "SIGINT", bytesSent: String(bytes) });
  await tracker.process.stop();
});

test.run();
