// A part file that something else cuts or replaces while it is downloaded, in every order of who has written what before:
// never is the download said to be complete, and the next run ends right.
import { execFileSync } from "node:child_process";
import { copyFileSync, lstatSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { type GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import {
  download,
  failure,
  type StartedShare,
  startDownload,
  startShare,
  ticketVia,
} from "../support/transfer.js";

const scratch = new ScratchFolder();
const bytes = 12 * MIB;
const source = scratch.file("film.bin", bytes);
let share: StartedShare;

test.before(async () => {
  share = await startShare(source);
});

test.after(() => {
  killAll();
  scratch.remove();
});

/** A download into `output` that stands still once it has `mib` MiB of the file; `fetched` MiB of them from the sharer. */
async function standingAt(mib: number, fetched: number, output: string, ...more: readonly string[]) {
  const gate = await GatedProxy.start((fetched + 0.5) * MIB);
  gate.target = share.endpoint;
  const process = startDownload(ticketVia(share.ticket, gate.endpoint), output, ["--sequential", ...more]);
  await process.waitFor("progress", (body) => body["bytesDone"] === String(mib * MIB));
  return { process, gate };
}

const partFile = (output: string) => join(output, ".film.bin.goshare-part", "content", "film.bin");

/** The run ends with what has happened, and the next one with the file. */
async function assertNoticed(
  process: GoshareProcess,
  output: string,
  what = /film\.bin has \d+ bytes instead of 12582912/,
): Promise<void> {
  const { code, exitCode, message, hint } = await failure(process);
  assert.equal([code, exitCode], ["PART_CHANGED", 6]);
  assert.match(message, what);
  assert.match(hint, "run the same command again");
  await download(share.ticket, output);
  assert.is(sha256Of(join(output, "film.bin")), sha256Of(source));
}

/** A folder with an older version, of which these bytes are still right. */
function olderVersion(from: number, to: number): string {
  const folder = scratch.folder();
  const right = readFileSync(source);
  const old = Buffer.alloc(bytes);
  right.copy(old, from, from, to);
  writeFileSync(join(folder, "film.bin"), old);
  return folder;
}

for (const keptBytes of [0, 3 * MIB]) {
  test(`a file that is cut to ${keptBytes} bytes before its end is there`, async () => {
    const output = scratch.folder();
    const { process, gate } = await standingAt(2, 2, output);
    truncateSync(partFile(output), keptBytes);
    gate.open();
    await assertNoticed(process, output);
    await gate.close();
  });

  test(`one that is cut to ${keptBytes} bytes when its end is there already`, async () => {
    const output = scratch.folder();
    const old = olderVersion(6 * MIB, bytes);
    // One chunk was written already, so that the file is open.
    const { process, gate } = await standingAt(7, 1, output, "--reuse", old);
    truncateSync(partFile(output), keptBytes);
    gate.open();
    await assertNoticed(process, output);
    await gate.close();
  });

  test(`one that is cut to ${keptBytes} bytes after a part of it was copied`, async () => {
    const output = scratch.folder();
    const old = olderVersion(0, 6 * MIB);
    const { process, gate } = await standingAt(6, 0, output, "--reuse", old);
    truncateSync(partFile(output), keptBytes);
    gate.open();
    await assertNoticed(process, output);
    await gate.close();
  });

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    test(`one that is cut to ${keptBytes} bytes in the run after one that ended with ${signal}`, async () => {
      const output = scratch.folder();
      const first = await standingAt(6, 6, output);
      await first.process.stop(signal);
      await first.gate.close();
      const { process, gate } = await standingAt(6, 0, output);
      truncateSync(partFile(output), keptBytes);
      gate.open();
      await assertNoticed(process, output);
      await gate.close();
    });
  }
}

for (const [what, change, said] of [
  ["replaced by a copy of itself", (path) => copyFileSync(path, `${path}.x`), /was replaced/],
  ["replaced by a pipe", (path) => execFileSync("mkfifo", [`${path}.x`]), /was replaced/],
  ["moved away", undefined, /is gone/],
] as const satisfies readonly (readonly [string, ((path: string) => void) | undefined, RegExp])[]) {
  test(`a file that is ${what} meanwhile`, async () => {
    const output = scratch.folder();
    const { process, gate } = await standingAt(2, 2, output);
    const path = partFile(output);
    change?.(path);
    renameSync(change === undefined ? path : `${path}.x`, change === undefined ? `${path}.x` : path);
    gate.open();
    if (change === undefined || lstatSync(path).isFile()) await assertNoticed(process, output, said);
    else assert.is((await failure(process)).code, "PART_CHANGED");
    await gate.close();
  });
}

test("what is cut before a pause is hashed by the next run", async () => {
  const output = scratch.folder();
  const { process, gate } = await standingAt(6, 6, output);
  truncateSync(partFile(output), 5 * MIB);
  await process.stop("SIGINT");
  await gate.close();
  const { bytesReceived } = await download(share.ticket, output);
  assert.ok(bytesReceived >= 7 * MIB, `${bytesReceived} received`);
  assert.is(sha256Of(join(output, "film.bin")), sha256Of(source));
});

test.run();
