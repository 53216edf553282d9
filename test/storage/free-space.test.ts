import type * as fs from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { requireSpace } from "../../src/storage/files/free-space.js";
import { replaceCalls } from "./crash.js";
import { errorOf, scratchFolders } from "./scratch.js";

const scratch = scratchFolders("space");

/** With a disk of which statfs says this. */
async function onDisk(said: Partial<fs.StatsFs> | Error, run: () => void | Promise<void>): Promise<void> {
  const restore = replaceCalls({
    statfsSync: () => {
      if (said instanceof Error) throw said;
      return { blocks: 1000, bfree: 900, bavail: 100, bsize: 4096, ...said };
    },
  });
  try {
    await run();
  } finally {
    restore();
  }
}

test("as much as there is room for is enough, and a byte more is not", () =>
  onDisk({}, async () => {
    requireSpace("/somewhere", 0);
    requireSpace("/somewhere", 100 * 4096);
    const { code, message, hint } = await errorOf(async () => requireSpace("/somewhere", 100 * 4096 + 1));
    assert.is(code, "DISK_FULL");
    assert.match(message, /400 KiB in \/somewhere/);
    assert.match(hint, /free 1 B more.*--output/);
  }));

test("what root alone may use does not count", () =>
  onDisk({ bavail: 0 }, async () => {
    assert.is((await errorOf(async () => requireSpace("/somewhere", 1))).code, "DISK_FULL");
  }));

test("a file system that does not say how much room it has is no reason to stop", async () => {
  await onDisk({ blocks: 0, bavail: 0, bfree: 0 }, () => requireSpace("/somewhere", MIB));
  await onDisk({ bsize: 0 }, () => requireSpace("/somewhere", MIB));
  const failed = Object.assign(new Error("ENOSYS: function not implemented, statfs"), { code: "ENOSYS" });
  await onDisk(failed, () => requireSpace("/somewhere", MIB));
  requireSpace("/proc", 1);
  requireSpace("/no/such/folder", MIB);
});

test("a real disk has room for a little, and not for all there is", async () => {
  requireSpace(scratch(), 1);
  assert.is((await errorOf(async () => requireSpace(scratch(), 2 ** 60))).code, "DISK_FULL");
});

test.run();
