import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../../../src/core/errors.js";
import { defaultTrackerOptions } from "../../../../src/tracker/server/options.js";
import { FileStore } from "../../../../src/tracker/server/stores/file-store.js";
import { MemoryStore } from "../../../../src/tracker/server/stores/memory-store.js";
import { openStore } from "../../../../src/tracker/server/stores/open-store.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { FakeClock } from "./store-rig.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

async function opened(spec: string) {
  const warnings: string[] = [];
  const warn = (code: string, message: string, path: string) => warnings.push(`${code} ${path}: ${message}`);
  return { store: await openStore(spec, defaultTrackerOptions, new FakeClock(), warn), warnings };
}

async function refusal(spec: string): Promise<GoshareError> {
  const thrown = await opened(spec).catch((error: unknown) => error);
  if (thrown instanceof GoshareError) return thrown;
  throw new Error(`${spec} is a store`);
}

test("a store is opened by one word", async () => {
  const { store: memory } = await opened("memory");
  assert.ok(memory instanceof MemoryStore && !(memory instanceof FileStore));
  const directory = join(scratch.folder(), "made", "on the way");
  const { store: file, warnings } = await opened(`file:${directory}`);
  assert.instance(file, FileStore);
  assert.ok(existsSync(join(directory, "lock")));
  assert.is((await refusal(`file:${directory}`)).code, "STORE_BUSY");
  await file.close();
  assert.equal(warnings, []);
});

test("what names no store is USAGE, with those that there are", async () => {
  for (const spec of ["", "disk", "file:", "memory:", "files:/tmp"]) {
    const { code, hint } = await refusal(spec);
    assert.is(code, "USAGE", spec);
    assert.match(hint, '"file:DIR"');
  }
});

test("without a folder named it is in this user's state directory, and a second one stays in memory", async () => {
  const { XDG_STATE_HOME } = process.env;
  const home = scratch.folder();
  process.env["XDG_STATE_HOME"] = home;
  try {
    const { store: first } = await opened("file");
    assert.instance(first, FileStore);
    assert.equal(readdirSync(join(home, "goshare")), ["tracker"]);
    const { store: second, warnings } = await opened("file");
    assert.not.instance(second, FileStore);
    assert.match(warnings[0] ?? "", /^STORE_BUSY .*stay in memory/);
    await first.close();
  } finally {
    if (XDG_STATE_HOME === undefined) delete process.env["XDG_STATE_HOME"];
    else process.env["XDG_STATE_HOME"] = XDG_STATE_HOME;
  }
});

test("where nothing can be written leases stay in memory, with a warning that names the place", async () => {
  const directory = join(scratch.file("file", 10), "state");
  const { store, warnings } = await opened(`file:${directory}`);
  assert.not.instance(store, FileStore);
  assert.match(warnings[0] ?? "", `DISK_FAILED ${directory}: `);
  assert.match(warnings[0] ?? "", "stay in memory");
});

test.run();
