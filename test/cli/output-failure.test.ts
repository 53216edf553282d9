// What a command says cannot be written: on a full disk it says so once, on stderr, and ends with the code for disks; closed
// descriptors are no reason for anything.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";
import { startShare } from "../support/transfer.js";

const MAIN = fileURLToPath(new URL("../../src/program/main.js", import.meta.url));
const FULL = "/dev/full";
const LIFETIME_MS = 60_000;

const scratch = new ScratchFolder();

test.after(() => {
  killAll();
  scratch.remove();
});

interface Ended {
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** What becomes of a shell's `script`, in which "$@" is goshare. */
async function shell(script: string, ...argv: readonly string[]): Promise<Ended> {
  const child = spawn("sh", ["-c", script, "sh", process.execPath, MAIN, ...argv], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: LIFETIME_MS,
    env: { ...process.env, XDG_STATE_HOME: scratch.folder(), XDG_CONFIG_HOME: scratch.folder() },
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const stderr = await text(child.stderr);
  return { exitCode: await exited, stderr };
}

const FULL_LINES =
  /^error: cannot write to standard output: ENOSPC: no space left on device, write\n {2}free some space.*\n$/;

function onFullDisks(title: string, body: () => Promise<void>): void {
  try {
    closeSync(openSync(FULL, "w"));
  } catch {
    return skipTest(title, `there is no ${FULL}`);
  }
  test(title, body);
}

onFullDisks("a disk that is full ends every command with one error on stderr and exit code 6", async () => {
  const path = scratch.file("a.bin", 2 * MIB);
  const share = await startShare(path);
  const file = `${path}.goshare`;
  const other = scratch.file("other.bin", MIB);
  const commands = [
    ["--help"],
    ["--version"],
    ["share", "--help"],
    ["completion", "bash"],
    ["inspect", file, "--quiet"],
    ["inspect", file, "--json"],
    ["verify", file, path, "--json"],
    ["share", other, "--listen", "127.0.0.1:0", "--quiet"],
    ["share", other, "--listen", "127.0.0.1:0", "--json"],
    ["download", file, "--listen", "127.0.0.1:0", "--output", scratch.folder(), "--quiet"],
    ["download", file, "--listen", "127.0.0.1:0", "--output", scratch.folder(), "--json"],
    ["tracker", "--store", "memory", "--listen", "127.0.0.1:0", "--quiet"],
    ["share", "not-there", "--json"],
  ];
  for (const argv of commands) {
    const { exitCode, stderr } = await shell(`exec "$@" >${FULL}`, ...argv);
    assert.match(stderr, FULL_LINES, argv.join(" "));
    assert.is(exitCode, 6, argv.join(" "));
  }
  const piped = await shell(`exec "$@" >${FULL}`, "download", file, "--output", "-", "--quiet");
  assert.is(piped.stderr.match(/error:/g)?.length, 1, piped.stderr);
  assert.match(piped.stderr, /ENOSPC/);
  assert.not.match(piped.stderr, /\n\s+at /);
  assert.is(piped.exitCode, 6);
  await share.process.stop();
});

onFullDisks("notes that cannot be written are no reason to end a command", async () => {
  const path = scratch.file("b.bin", MIB);
  const share = await startShare(path);
  const output = scratch.folder();
  const argv = ["download", `${path}.goshare`, "--listen", "127.0.0.1:0", "--output", output];
  const { exitCode } = await shell(`exec "$@" 2>${FULL}`, ...argv);
  assert.is(exitCode, 0);
  assert.is(readFileSync(join(output, "b.bin")).length, MIB);
  await share.process.stop();
});

test("closed descriptors end no command otherwise", async () => {
  for (const closed of [">&-", "<&-", "2>&-", "<&- >&- 2>&-"]) {
    assert.is((await shell(`"$@" ${closed}`, "--help")).exitCode, 0, closed);
    assert.is((await shell(`"$@" ${closed}`, "inspect", "nothing")).exitCode, 2, closed);
  }
});

test.run();
