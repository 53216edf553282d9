import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../../../src/core/errors.js";
import { type ContentId, contentIdFromBytes } from "../../../../src/core/ids.js";
import { FileStore } from "../../../../src/tracker/server/stores/file-store.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { until } from "../../../support/until.js";
import { lateStore } from "./late-store.js";
import { storeContract } from "./store-contract.js";
import { A, B, C, HERE, leaseKey, type StoreParts, StoreRig, TTL_MS } from "./store-rig.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

const HOUR_MS = 3600_000;
const SNAPSHOT_MS = 30_000;

const noWarning = (code: string, message: string): void => {
  throw new Error(`a warning: ${code} ${message}`);
};

const storeIn = (directory: string, warn = noWarning) => {
  return (parts: StoreParts) => lateStore(FileStore.open({ ...parts, directory, warn }));
};

/** A store on `directory` whose warnings are kept. */
function warnedRig(directory: string): { readonly rig: StoreRig; readonly warnings: string[] } {
  const warnings: string[] = [];
  const rig = new StoreRig(storeIn(directory, (code, message) => warnings.push(`${code} ${message}`)));
  return { rig, warnings };
}

/** The folder as a process that is killed now would leave it. */
function afterKill(directory: string): string {
  const copy = scratch.folder();
  fs.cpSync(directory, copy, { recursive: true });
  fs.rmSync(join(copy, "lock"), { force: true });
  return copy;
}

function rootOf(text: string): { readonly root: Buffer; readonly id: ContentId } {
  const root = Buffer.from(text);
  const id = contentIdFromBytes(createHash("sha256").update(root).digest());
  if (id === undefined) throw new Error("a digest is a content id");
  return { root, id };
}

function rootFile(directory: string, id: ContentId): string {
  return join(directory, "manifests", id.slice(0, 2), id);
}

const film = rootOf("root of a film");
const song = rootOf("root of a song");

storeContract("file store", (parts) => storeIn(scratch.folder())(parts));

test("after a proper end everything is there again: leases as they were, roots, the secret", async () => {
  const directory = scratch.folder();
  const first = new StoreRig(storeIn(directory));
  const hidden = leaseKey(3, "2001:db8:1111:2222:3333:4444:5555:6666", 0);
  const endpoints = [
    { host: "example.org", port: 9000, transport: "tcp" },
    { host: "192.0.2.7", port: 1, transport: "tls", certificateSha256: "ab".repeat(32) },
  ] as const;
  await first.announce(leaseKey(1), [A, B]);
  await first.complete(leaseKey(2, "::1", 65_535), A, film.id);
  await first.announce(hidden, [A], { endpoints, runEpochMs: 9000 });
  assert.ok(await first.store.putManifest(film.id, film.root, HERE));
  const before = await first.sample(A);
  const secret = await first.store.secret();
  await first.store.close();

  const second = new StoreRig(storeIn(directory));
  const after = await second.sample(A);
  assert.equal(after.counts, before.counts);
  const byHost = (a: { key: { host: string } }, b: { key: { host: string } }) =>
    a.key.host < b.key.host ? -1 : 1;
  assert.equal([...after.peers].sort(byHost), [...before.peers].sort(byHost));
  assert.equal(await second.store.size(), await first.store.size());
  assert.equal(await second.store.manifest(film.id), film.root);
  assert.equal(await second.store.secret(), secret);
  assert.is((await second.announce(hidden, [A], { runEpochMs: 8999 })).outcome, "stale");
  assert.is((await second.announce(leaseKey(1), [A], { runEpochMs: 4999 })).outcome, "stale");
  await second.store.close();
});

test("a kill loses what is younger than half a minute, and nothing that is older", async () => {
  const directory = scratch.folder();
  const first = new StoreRig(storeIn(directory));
  await first.announce(leaseKey(1), [A]);
  await first.pass(SNAPSHOT_MS);
  await first.announce(leaseKey(2), [A]);
  await first.pass(1000);
  const second = new StoreRig(storeIn(afterKill(directory)));
  assert.equal(await second.peersOf(A), [leaseKey(1).peerId]);
  await first.pass(SNAPSHOT_MS);
  const third = new StoreRig(storeIn(afterKill(directory)));
  assert.is(await third.total(A), 2);
  for (const { store } of [first, second, third]) await store.close();
});

for (const stepMs of [-24 * HOUR_MS, 0, 24 * HOUR_MS]) {
  test(`a lease has the time left that it had, whatever the machine's clock says (${stepMs} ms)`, async () => {
    const directory = scratch.folder();
    const first = new StoreRig(storeIn(directory));
    await first.announce(leaseKey(1), [A]);
    await first.pass(TTL_MS - 10_000);
    await first.announce(leaseKey(2), [A]);
    await first.store.close();

    const realNow = Date.now;
    Date.now = () => realNow() + stepMs;
    try {
      const second = new StoreRig(storeIn(directory));
      assert.is(await second.total(A), 2);
      await second.pass(9_000);
      assert.is((await second.sample(A)).peers.length, 2);
      await second.pass(1_000);
      assert.equal(await second.peersOf(A), [leaseKey(2).peerId]);
      await second.pass(TTL_MS - 10_000);
      assert.equal((await second.store.size()).peers, 0);
      await second.store.close();
    } finally {
      Date.now = realNow;
    }
  });
}

test("a lease that is kept over many restarts and not renewed ends all the same", async () => {
  const directory = scratch.folder();
  let rig = new StoreRig(storeIn(directory));
  await rig.announce(leaseKey(1), [A]);
  for (let restart = 0; restart < 4; restart++) {
    await rig.pass(TTL_MS / 5);
    assert.is(await rig.total(A), 1);
    await rig.store.close();
    rig = new StoreRig(storeIn(directory));
    assert.is(await rig.total(A), 1); // it is open before time goes on
  }
  await rig.pass(TTL_MS / 5 + 1);
  assert.is(await rig.total(A), 0);
  await rig.store.close();
});

test("a snapshot that is torn, damaged or something else is set aside, and the tracker begins anew", async () => {
  const directory = scratch.folder();
  const rig = new StoreRig(storeIn(directory));
  for (let n = 0; n < 20; n++) await rig.announce(leaseKey(n), [A, B, C]);
  await rig.store.close();
  const whole = fs.readFileSync(join(directory, "leases"));
  const changed = (at: number): Buffer => {
    const copy = Buffer.from(whole);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  const bad: Uint8Array[] = [0, 1, 63, 64, 65, 100, whole.length - 1].map((length) =>
    whole.subarray(0, length),
  );
  for (const at of [0, 16, 17, 24, 31, 32, 63, 64, 68, 200, whole.length - 1]) bad.push(changed(at));
  bad.push(
    Buffer.concat([whole, Buffer.from("x")]),
    Buffer.alloc(1000),
    Buffer.from("#!/bin/sh\n".repeat(20)),
  );
  for (const bytes of bad) {
    const place = afterKill(directory);
    fs.writeFileSync(join(place, "leases"), bytes);
    const { rig: again, warnings } = warnedRig(place);
    assert.is((await again.store.size()).peers, 0);
    assert.is(warnings.length, 1);
    assert.match(warnings[0] ?? "", /^DISK_FAILED the leases of the last run cannot be read: /);
    assert.equal(fs.readFileSync(join(place, "leases.unreadable")), Buffer.from(bytes));
    await again.announce(leaseKey(1), [A]);
    await again.store.close();
    const { rig: third } = warnedRig(place);
    assert.is(await third.total(A), 1);
    await third.store.close();
  }
});

test("a folder or a named pipe in the place of the snapshot does not stop the tracker", async () => {
  for (const put of [
    (place: string) => fs.mkdirSync(place),
    (place: string) => execFileSync("mkfifo", [place]),
  ]) {
    const directory = scratch.folder();
    put(join(directory, "leases"));
    const { rig, warnings } = warnedRig(directory);
    await rig.announce(leaseKey(1), [A]);
    await rig.store.close();
    assert.match(warnings[0] ?? "", /^DISK_FAILED the leases of the last run cannot be read: .*not a file/);
    const again = new StoreRig(storeIn(directory));
    assert.is(await again.total(A), 1);
    await again.store.close();
  }
});

test("what announces and withdraws while a snapshot is written tears nothing", async () => {
  const directory = scratch.folder();
  const rig = new StoreRig(storeIn(directory));
  // Several steps' worth.
  for (let n = 0; n < 4000; n++) await rig.announce(leaseKey(n), [A, B]);
  rig.clock.advance(SNAPSHOT_MS);
  let isWritten = false;
  const written = rig.store.expire().then(() => {
    isWritten = true;
  });
  for (let n = 0; n < 2000; n++) {
    await rig.store.withdraw(leaseKey(n), [A]);
    await rig.store.withdraw(leaseKey(3999 - n), []);
    await rig.announce(leaseKey(10_000 + n), [C]);
    if (n % 50 === 0 && !isWritten) await new Promise(setImmediate);
  }
  await written;
  const again = new StoreRig(storeIn(afterKill(directory)));
  const { peers, leases } = await again.store.size();
  assert.ok(peers > 0 && leases >= peers);
  assert.is((await again.total(A)) + (await again.total(B)) + (await again.total(C)), leases);
  for (const { store } of [rig, again]) await store.close();
});

test("more than the tracker's bounds allow is not taken up", async () => {
  const directory = scratch.folder();
  const rig = new StoreRig(storeIn(directory));
  for (let n = 0; n < 20; n++) await rig.announce(leaseKey(n), [A, B]);
  for (const { id, root } of [film, song]) {
    await rig.announce(leaseKey(1), [id]);
    await rig.store.putManifest(id, root, HERE);
  }
  await rig.store.close();
  const few = new StoreRig(storeIn(directory), { maxPeers: 5, maxLeases: 100, maxManifests: 1 });
  assert.is((await few.store.size()).peers, 5);
  assert.is((await few.store.size()).manifests, 1);
  await few.store.close();
  assert.is([film, song].filter(({ id }) => fs.existsSync(rootFile(directory, id))).length, 1);
});

test("a root is a file that is gone with the last lease, and is not given when it is damaged", async () => {
  const directory = scratch.folder();
  const rig = new StoreRig(storeIn(directory));
  await rig.complete(leaseKey(1), film.id, song.id);
  for (const { id, root } of [film, song]) assert.ok(await rig.store.putManifest(id, root, HERE));
  assert.equal(fs.readFileSync(rootFile(directory, film.id)), film.root);
  fs.writeFileSync(rootFile(directory, song.id), "another song");
  assert.is(await rig.store.manifest(song.id), undefined);
  assert.is((await rig.store.size()).manifests, 1);
  assert.equal((await rig.complete(leaseKey(1), song.id)).wantedManifests, [song.id]);
  assert.ok(await rig.store.putManifest(song.id, song.root, HERE));
  fs.renameSync(rootFile(directory, song.id), join(directory, "song"));
  fs.mkdirSync(rootFile(directory, song.id));
  assert.is(await rig.store.manifest(song.id), undefined);
  fs.rmdirSync(rootFile(directory, song.id));
  fs.renameSync(join(directory, "song"), rootFile(directory, song.id));
  const [one, other] = await Promise.all([rig.store.manifest(song.id), rig.store.manifest(song.id)]);
  assert.equal(one, song.root);
  assert.is(other, one);
  await rig.store.withdraw(leaseKey(1), []);
  await until(() => !fs.existsSync(rootFile(directory, film.id)));
  assert.equal((await rig.store.size()).manifestBytes, 0);
  await rig.store.close();
});

test("a root that nobody claims any more is kept for one lease after a start, one that is claimed longer", async () => {
  const directory = scratch.folder();
  const first = new StoreRig(storeIn(directory));
  await first.announce(leaseKey(1), [film.id, song.id]);
  for (const { id, root } of [film, song]) assert.ok(await first.store.putManifest(id, root, HERE));
  // Killed before the first snapshot.
  const place = afterKill(directory);
  fs.writeFileSync(join(place, "manifests", "note.txt"), "somebody's");
  fs.writeFileSync(join(place, "manifests", film.id.slice(0, 2), ".goshare-0123456789ab.tmp"), "half a r");
  const rig = new StoreRig(storeIn(place));
  assert.is((await rig.store.size()).manifests, 2);
  assert.equal((await rig.complete(leaseKey(1), film.id)).wantedManifests, []);
  for (let minute = 0; minute < 26; minute++) {
    await rig.announce(leaseKey(1), [film.id]);
    await rig.pass(60_000);
  }
  assert.equal(await rig.store.manifest(film.id), film.root);
  assert.is(await rig.store.manifest(song.id), undefined);
  await until(() => !fs.existsSync(rootFile(place, song.id)));
  assert.equal(fs.readdirSync(join(place, "manifests", film.id.slice(0, 2))), [film.id]);
  assert.ok(fs.existsSync(join(place, "manifests", "note.txt")));
  for (const { store } of [first, rig]) await store.close();
});

test("a disk that fails is warned of once; the tracker goes on, and writes when it can again", async () => {
  const directory = scratch.folder();
  const { rig, warnings } = warnedRig(directory);
  await rig.announce(leaseKey(1), [A, film.id]);
  fs.renameSync(directory, `${directory}-away`);
  fs.writeFileSync(directory, "in the way");
  await rig.pass(SNAPSHOT_MS);
  await rig.pass(SNAPSHOT_MS);
  assert.not(await rig.store.putManifest(film.id, film.root, HERE));
  assert.is(await rig.total(A), 1);
  assert.is((await rig.store.size()).manifests, 0);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^DISK_FAILED ENOTDIR.*continues in memory/);
  fs.rmSync(directory);
  fs.renameSync(`${directory}-away`, directory);
  await rig.announce(leaseKey(1), [A]);
  await rig.pass(SNAPSHOT_MS);
  assert.ok(await rig.announce(leaseKey(1), [film.id]));
  assert.ok(await rig.store.putManifest(film.id, film.root, HERE));
  await rig.store.close();
  const again = new StoreRig(storeIn(directory));
  assert.is(await again.total(A), 1);
  await again.store.close();
  assert.is(warnings.length, 1);
});

test("where there are no leases the disk is left alone", async () => {
  const directory = scratch.folder();
  const rig = new StoreRig(storeIn(directory));
  await rig.pass(SNAPSHOT_MS);
  await rig.pass(SNAPSHOT_MS);
  assert.equal(fs.readdirSync(directory).sort(), ["lock", "manifests", "secret"]);
  await rig.announce(leaseKey(1), [A]);
  await rig.pass(SNAPSHOT_MS);
  await rig.store.withdraw(leaseKey(1), []);
  await rig.pass(SNAPSHOT_MS);
  const writtenMs = fs.statSync(join(directory, "leases")).mtimeMs;
  await rig.pass(SNAPSHOT_MS);
  await rig.store.close();
  assert.is(fs.statSync(join(directory, "leases")).mtimeMs, writtenMs);
  const again = new StoreRig(storeIn(directory));
  assert.is((await again.store.size()).peers, 0);
  await again.store.close();
});

test("one process at a time has a folder, and the other is told which and what to do", async () => {
  const directory = scratch.folder();
  const first = new StoreRig(storeIn(directory));
  await first.announce(leaseKey(1), [A]);
  const second = new StoreRig(storeIn(directory));
  const error = await second.store.size().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GoshareError)) throw new Error("the second has it too");
  assert.is(error.code, "STORE_BUSY");
  assert.is(error.message, `process ${process.pid} is a tracker that keeps its state in ${directory}`);
  assert.match(error.hint, "--store file:DIR");
  await first.store.close();
  const third = new StoreRig(storeIn(directory));
  assert.is(await third.total(A), 1);
  await third.store.close();
});

test("a tracker whose folder another one has taken writes and removes nothing there, and says so once", async () => {
  const directory = scratch.folder();
  const { rig, warnings } = warnedRig(directory);
  await rig.complete(leaseKey(1), film.id, song.id);
  assert.ok(await rig.store.putManifest(film.id, film.root, HERE));
  await rig.pass(SNAPSHOT_MS);
  // It was stopped for so long that its lock was taken for a dead process's.
  const lock = JSON.stringify({ token: "other", pid: 1, started: "1", place: "another machine" });
  fs.writeFileSync(join(directory, "lock"), lock);
  const leases = fs.readFileSync(join(directory, "leases"));
  await rig.announce(leaseKey(2), [A]);
  await rig.pass(SNAPSHOT_MS);
  assert.not(await rig.store.putManifest(song.id, song.root, HERE));
  await rig.store.withdraw(leaseKey(1), []);
  assert.is(await rig.total(A), 1);
  // If the other ends, the folder is not this one's again: it has not seen what happened to it.
  fs.rmSync(join(directory, "lock"));
  await rig.pass(SNAPSHOT_MS);
  fs.writeFileSync(join(directory, "lock"), lock);
  await rig.store.close();
  assert.equal(fs.readFileSync(join(directory, "leases")), leases);
  assert.equal(fs.readFileSync(rootFile(directory, film.id)), film.root);
  assert.not(fs.existsSync(rootFile(directory, song.id)));
  assert.is(fs.readFileSync(join(directory, "lock"), "utf8"), lock);
  assert.match(warnings.join("\n"), /^STORE_BUSY .*continues in memory.*$/);
});

test("the secret is for this user alone, and a damaged one is replaced with a warning", async () => {
  const directory = scratch.folder();
  const first = new StoreRig(storeIn(directory));
  const secret = await first.store.secret();
  await first.announce(leaseKey(1), [A]);
  await first.store.close();
  for (const name of ["secret", "leases"]) {
    assert.is(fs.statSync(join(directory, name)).mode & 0o777, 0o600);
  }
  assert.equal(fs.readFileSync(join(directory, "secret")), Buffer.from(secret));
  fs.writeFileSync(join(directory, "secret"), "short");
  const { rig, warnings } = warnedRig(directory);
  assert.is((await rig.store.secret()).length, 32);
  assert.is.not(Buffer.from(await rig.store.secret()).toString("hex"), Buffer.from(secret).toString("hex"));
  assert.match(warnings[0] ?? "", "the secret for lease tokens was damaged");
  await rig.store.close();
});

test.run();
