// A share that is started again: what has not changed is not read again, and what has is.
import { readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { encodeHashCache, HashCache } from "../../src/storage/source/hash-cache.js";
import { ScratchFolder, writeRandom } from "../support/scratch-folder.js";
import { download, startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

/** A folder of files that were written long enough ago. */
async function settledFolder(): Promise<string> {
  const folder = join(scratch.folder(), "data");
  writeRandom(join(folder, "large"), 20 * MIB);
  for (let n = 0; n < 20; n++) writeRandom(join(folder, `small-${n}`), 4096);
  // What was written a moment ago is not remembered: it is the clock that is waited for.
  await new Promise((resolve) => setTimeout(resolve, 150));
  return folder;
}

async function hashedAgain(path: string, state: string): Promise<boolean> {
  const share = await startShare(path, [], { env: { XDG_STATE_HOME: state } });
  await share.process.stop();
  return share.process.all("hashing").some(({ bytesTotal }) => bytesTotal !== "0");
}

async function contentIdOf(path: string, state: string, args: readonly string[] = []): Promise<string> {
  const share = await startShare(path, args, { env: { XDG_STATE_HOME: state } });
  await share.process.stop();
  return share.contentId;
}

/** Where the one cache in `state` lies. */
function cachePath(state: string): string {
  const folder = join(state, "goshare", "hashes");
  const [name, ...others] = readdirSync(folder);
  assert.ok(name !== undefined && others.length === 0);
  return join(folder, name);
}

/** Makes every digest in the cache wrong, so that it shows whether it is used. */
async function falsify(path: string): Promise<void> {
  const bytes = readFileSync(path);
  assert.ok(HashCache.decode(bytes) !== undefined);
  const count = (bytes.length - 16 - 32) / 48;
  const entryAt = (index: number) => {
    const at = 16 + index * 48;
    return { fingerprint: bytes.subarray(at, at + 16), digest: new Uint8Array(32) };
  };
  writeFileSync(path, await encodeHashCache(count, entryAt));
}

test("unchanged files are not read again, and with --rehash they are", async () => {
  const folder = await settledFolder();
  const state = scratch.folder();
  const first = await contentIdOf(folder, state);
  assert.is(await contentIdOf(folder, state), first);
  await falsify(cachePath(state));
  assert.is.not(await contentIdOf(folder, state), first);
  assert.is(await contentIdOf(folder, state, ["--rehash"]), first);
  assert.is(await contentIdOf(folder, state), first);
});

test("hashing is told of only where something is hashed", async () => {
  const folder = await settledFolder();
  const state = scratch.folder();
  assert.ok(await hashedAgain(folder, state));
  assert.not.ok(await hashedAgain(folder, state));
});

test("what was changed since is read, even with the size and the time it had", async () => {
  const folder = await settledFolder();
  const state = scratch.folder();
  const first = await contentIdOf(folder, state);
  const old = new Date(2020, 1, 1);
  utimesSync(join(folder, "large"), old, old);
  const touched = await contentIdOf(folder, state);
  assert.is(touched, first);
  writeRandom(join(folder, "large"), 20 * MIB);
  utimesSync(join(folder, "large"), old, old);
  const changed = await startShare(folder, [], { env: { XDG_STATE_HOME: state } });
  assert.is.not(changed.contentId, first);
  const output = scratch.folder();
  const { path } = await download(changed.ticket, output);
  assert.ok(readFileSync(join(path, "large")).equals(readFileSync(join(folder, "large"))));
  await changed.process.stop();
});

test("files that were moved within the share keep what they hashed to", async () => {
  const folder = await settledFolder();
  const state = scratch.folder();
  await contentIdOf(folder, state);
  // Renaming changes the ctime: the others are known still, this one is read.
  renameSync(join(folder, "small-7"), join(folder, "a-first-file"));
  const moved = await contentIdOf(folder, state);
  assert.is(await contentIdOf(folder, state, ["--rehash"]), moved);
});

test("a damaged cache, or none that can be written, costs nothing but time", async () => {
  const folder = await settledFolder();
  const state = scratch.folder();
  const first = await contentIdOf(folder, state);
  writeFileSync(cachePath(state), "not a cache");
  assert.is(await contentIdOf(folder, state), first);
  const file = scratch.file("state", 1);
  assert.is(await contentIdOf(folder, file), first);
});

test.run();
