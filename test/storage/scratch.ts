// A folder for one test file, gone when its tests are; what a test needs of the machine, or why it is skipped;
// and the typed error something ends with.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { test } from "uvu";
import { GoshareError } from "../../src/core/errors.js";

/** A function that gives a new folder at each call. Everything is removed after the last test. */
export function scratchFolders(label: string): () => string {
  let top: string | undefined;
  let count = 0;
  test.after(() => {
    if (top !== undefined) rmSync(top, { recursive: true, force: true });
  });
  return () => {
    top ??= mkdtempSync(path.join(tmpdir(), `goshare-${label}-`));
    return mkdtempSync(path.join(top, `${count++}-`));
  };
}

/** A test that is skipped, and says why, where this machine lacks what it needs. */
export function testUnless(reason: string | undefined, title: string, run: () => void | Promise<void>): void {
  if (reason === undefined) test(title, run);
  else {
    process.stdout.write(`skipped: ${title}: ${reason}\n`);
    test.skip(title, run);
  }
}

/** The GoshareError that `run` throws or rejects with; anything else is thrown on. */
export async function errorOf(run: () => unknown): Promise<GoshareError> {
  try {
    await run();
  } catch (thrown) {
    if (thrown instanceof GoshareError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

/** Why open descriptors cannot be counted here, if they cannot. */
export const noDescriptorList = existsSync("/proc/self/fd") ? undefined : "there is no /proc/self/fd";

/** The files below `folder` that this process has open, once for each descriptor. */
export function openBelow(folder: string): string[] {
  const targets: string[] = [];
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      targets.push(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return targets.filter((target) => target.startsWith(folder));
}

/** Makes sure that a file is seen to have changed: times of files advance in steps of some milliseconds. */
export function changeUntilSeen(filePath: string, change: () => void): void {
  const before = statSync(filePath, { bigint: true }).ctimeNs;
  do change();
  while (statSync(filePath, { bigint: true }).ctimeNs === before);
}

/** Why system calls cannot be made to fail here, if they cannot. */
export const noStrace = (() => {
  const { status, error } = spawnSync("strace", ["-f", "-o", "/dev/null", "true"], { stdio: "ignore" });
  if (error !== undefined) return "strace is not installed";
  return status === 0 ? undefined : "strace may not trace here";
})();
