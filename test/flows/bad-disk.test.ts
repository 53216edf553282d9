// Disks that are full, read-only or broken, under the whole program: what is verified stays, nothing half made does,
// and the same command goes on when there is room.
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { noStrace, testUnless } from "../storage/scratch.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { closeMountNamespaces, MountNamespace, mountProblem } from "../support/mount-namespace.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";
import {
  download,
  downloaded,
  failure,
  type StartedShare,
  startDownload,
  startShare,
  ticketVia,
} from "../support/transfer.js";

const scratch = new ScratchFolder();
const bytes = 12 * MIB;
const source = scratch.file("film.bin", bytes);
const PART = ".film.bin.goshare-part";
let share: StartedShare;

test.before(async () => {
  share = await startShare(source);
});

test.after(() => {
  killAll();
  closeMountNamespaces();
  scratch.remove();
});

const noMounts = mountProblem();

/** A folder that is a file system of its own, seen from inside only. */
async function smallDisk(sizeBytes: number) {
  const path = scratch.folder();
  const inside = await MountNamespace.open();
  inside.mountMemory(path, sizeBytes);
  return { path, inside, outside: inside.outside(path), setting: { wrapper: inside.wrapper } };
}

testUnless(
  noMounts,
  "a disk that fills up ends it with 6, and the same command goes on when there is room",
  async () => {
    const { path, inside, outside, setting } = await smallDisk(bytes + MIB);
    const gate = await GatedProxy.start(2.5 * MIB);
    gate.target = share.endpoint;
    const process = startDownload(ticketVia(share.ticket, gate.endpoint), path, [], setting);
    await process.waitFor("progress", (body) => body["bytesDone"] === String(2 * MIB));
    writeFileSync(join(outside, "mine"), Buffer.alloc(8 * MIB));
    gate.open();
    const { code, exitCode, message, hint } = await failure(process);
    assert.equal([code, exitCode], ["DISK_FULL", 6]);
    assert.match(message, join(path, PART));
    assert.match(hint, "run the same command again; what is verified is kept");
    assert.equal(readdirSync(outside), [PART, "mine"]);
    rmSync(join(outside, "mine"));
    inside.remount(path, "size=100m");
    const { bytesReceived } = await download(share.ticket, path, [], setting);
    assert.ok(bytesReceived <= bytes - 2 * MIB, `${bytesReceived} received again`);
    assert.is(sha256Of(join(outside, "film.bin")), sha256Of(source));
    assert.equal(readdirSync(outside), ["film.bin"]);
    await gate.close();
    inside.close();
  },
);

test("a folder that is moved while something is downloaded into it ends that, and the same command goes on there", async () => {
  const folder = scratch.folder();
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const output = join(folder, "before");
  const process = startDownload(ticketVia(share.ticket, gate.endpoint), output, ["--timeout", "10s"]);
  await process.waitFor("progress", (body) => body["bytesDone"] === String(2 * MIB));
  renameSync(output, join(folder, "after"));
  const { code, exitCode, message, hint } = await failure(process);
  assert.equal([code, exitCode], ["PART_CHANGED", 6]);
  assert.is(message, `${join(output, PART)} is gone: it was moved or removed during the download`);
  assert.match(hint, "--output");
  assert.equal(readdirSync(folder), ["after"]);
  const { bytesReceived } = await download(share.ticket, join(folder, "after"));
  assert.ok(bytesReceived <= bytes - 2 * MIB, `${bytesReceived} received again`);
  assert.is(sha256Of(join(folder, "after", "film.bin")), sha256Of(source));
  await gate.close();
});

testUnless(
  noMounts,
  "a folder in which a disk is mounted is not replaced, since that would empty the disk",
  async () => {
    const tree = join(scratch.folder(), "tree");
    mkdirSync(tree);
    writeFileSync(join(tree, "new"), "new");
    const sharing = await startShare(tree);
    const output = scratch.folder();
    const mountPoint = join(output, "tree", "disk");
    mkdirSync(mountPoint, { recursive: true });
    const inside = await MountNamespace.open();
    inside.mountMemory(mountPoint, MIB);
    writeFileSync(join(inside.outside(mountPoint), "kept"), "kept");
    const process = startDownload(sharing.ticket, output, ["--overwrite"], { wrapper: inside.wrapper });
    const { code, message, hint } = await failure(process);
    assert.is(code, "TARGET_EXISTS");
    assert.match(message, `something is mounted at ${mountPoint}`);
    assert.match(hint, "--output");
    assert.equal(readdirSync(inside.outside(mountPoint)), ["kept"]);
    assert.equal(readdirSync(inside.outside(join(output, "tree"))), ["disk"]);
    inside.close();
    await sharing.process.stop();
  },
);

testUnless(
  noMounts,
  "too little room for what is missing is told before anything is fetched, and what is there counts",
  async () => {
    const { path, inside, outside, setting } = await smallDisk(bytes - MIB);
    const { code, exitCode, message, hint } = await failure(startDownload(share.ticket, path, [], setting));
    assert.equal([code, exitCode], ["DISK_FULL", 6]);
    assert.match(message, join(path, PART));
    assert.match(message, "12 MiB are still to come");
    assert.match(hint, /^free 1\.\d* MiB more, or .*--output$/);
    assert.equal(readdirSync(outside), []);

    // Two thirds of it are there; then there is no more than a little room beside the rest.
    inside.remount(path, `size=${bytes + MIB}`);
    const gate = await GatedProxy.start(8.5 * MIB);
    gate.target = share.endpoint;
    const first = startDownload(ticketVia(share.ticket, gate.endpoint), path, [], setting);
    await first.waitFor("progress", (body) => body["bytesDone"] === String(8 * MIB));
    await first.stop("SIGINT");
    await gate.close();
    writeFileSync(join(outside, "mine"), Buffer.alloc(0.5 * MIB));
    const { bytesReceived } = await download(share.ticket, path, [], setting);
    assert.is(bytesReceived, 4 * MIB);
    inside.close();
  },
);

testUnless(
  noMounts,
  "where all is there already it is verified, also on a disk that is full or read-only",
  async () => {
    const { path, inside, outside, setting } = await smallDisk(bytes + MIB);
    await download(share.ticket, path, [], setting);
    // No more than the file, its folder, and what the disk needs for itself.
    inside.remount(path, `size=${bytes},nr_inodes=2`);
    assert.is((await download(share.ticket, path, [], setting)).bytesReceived, 0);
    inside.remount(path, "ro");
    assert.is((await download(share.ticket, path, [], setting)).bytesReceived, 0);
    const again = await failure(startDownload(share.ticket, path, ["--rename"], setting));
    assert.is(again.code, "PERMISSION_DENIED");
    inside.remount(path, "rw");
    writeFileSync(join(outside, "film.bin"), "!", { flag: "r+" });
    inside.remount(path, "ro");
    const { code, exitCode, message } = await failure(startDownload(share.ticket, path, [], setting));
    assert.equal([code, exitCode], ["TARGET_EXISTS", 6]);
    assert.match(message, "is not what is in the share");
    inside.close();
  },
);

testUnless(
  noMounts,
  "where there is no room to begin, nothing is left behind, and people see two lines",
  async () => {
    const { path, inside, outside, setting } = await smallDisk(MIB);
    writeFileSync(join(outside, "mine"), Buffer.alloc(MIB));
    // Room for nothing, for the lock alone, for the manifest as well.
    for (const freeBytes of [0, 4 * KIB, 12 * KIB]) {
      writeFileSync(join(outside, "mine"), Buffer.alloc(MIB - freeBytes));
      const { exitCode, stderr, stdout } = await runGoshare(
        ["download", share.ticket, "--output", path, "--listen", "127.0.0.1:0", "--quiet"],
        setting,
      );
      assert.is(exitCode, 6);
      assert.is(stdout, "");
      assert.match(
        stderr,
        /^error: (ENOSPC: no space left on device, \w+ '.*'|there is room for .*)\n {2}free [^\n]*\n$/,
      );
      assert.equal(readdirSync(outside), ["mine"]);
    }
    rmSync(join(outside, "mine"));
    inside.close();
  },
);

testUnless(noMounts, "a folder that is read-only ends a download and a share with 6 and a hint", async () => {
  const { path, inside, outside, setting } = await smallDisk(MIB);
  writeFileSync(join(outside, "small.bin"), "small");
  inside.remount(path, "ro");
  for (const output of [path, join(path, "not", "there")]) {
    const { code, exitCode, message, hint } = await failure(startDownload(share.ticket, output, [], setting));
    assert.equal([code, exitCode], ["PERMISSION_DENIED", 6]);
    assert.match(message, `EROFS: read-only file system, mkdir '${path}`);
    assert.match(hint, "--output");
  }
  const { exitCode, stderr } = await runGoshare(
    ["share", join(path, "small.bin"), "--listen", "127.0.0.1:0"],
    setting,
  );
  assert.is(exitCode, 6);
  assert.match(stderr, /^error: cannot write .*small\.bin\.goshare: EROFS.*\n.*--manifest FILE\n$/);
  assert.equal(readdirSync(outside), ["small.bin"]);
  inside.close();
});

testUnless(
  noMounts,
  "a repair of what is on a read-only disk ends with 6 and a hint that it can follow",
  async () => {
    const { path, inside, outside } = await smallDisk(bytes + 2 * MIB);
    const folder = join(scratch.folder(), "films");
    mkdirSync(folder);
    writeFileSync(join(folder, "a"), "short");
    const other = await startShare(folder);
    cpSync(source, join(outside, "film.bin"));
    writeFileSync(join(outside, "film.bin"), "!", { flag: "r+" });
    mkdirSync(join(outside, "films"));
    inside.remount(path, "ro");
    for (const [ticket, name] of [
      [share.ticket, "film.bin"],
      [other.ticket, "films"],
    ] as const) {
      const argv = ["verify", ticket, join(path, name), "--repair"];
      const process = new GoshareProcess(argv, undefined, { wrapper: inside.wrapper });
      const { code, exitCode, message, hint } = await failure(process);
      assert.equal([code, exitCode], ["PERMISSION_DENIED", 6]);
      assert.match(message, /^EROFS: .*film/);
      assert.match(hint, "check its owner and mode, and whether the disk is read-only");
      assert.not.match(hint, "--output");
    }
    await other.process.stop();
    inside.close();
  },
);

/** Runs a command with its first fsync, or every one, failing. */
const failingSync = (when: string) => [
  ...["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"],
  ...["-e", `inject=fsync,fdatasync:error=EIO:when=${when}`],
];

testUnless(
  noStrace,
  "a file that cannot be made durable is not committed, and fetched again as a whole",
  async () => {
    const output = scratch.folder();
    const process = startDownload(share.ticket, output, [], { wrapper: failingSync("1") });
    const { code, exitCode, message, hint } = await failure(process);
    assert.equal([code, exitCode], ["SYNC_FAILED", 6]);
    assert.match(message, /EIO: .*film\.bin'$/);
    assert.not.equal(hint, "");
    assert.equal(readdirSync(output), []);
    const { bytesReceived, path } = await download(share.ticket, output);
    assert.is(bytesReceived, bytes);
    assert.is(sha256Of(path), sha256Of(source));
  },
);

testUnless(
  noStrace,
  "a pause that cannot be made durable says so, and its chunks are fetched again",
  async () => {
    const output = scratch.folder();
    const gate = await GatedProxy.start(3.5 * MIB);
    gate.target = share.endpoint;
    const ticket = ticketVia(share.ticket, gate.endpoint);
    const process = startDownload(ticket, output, ["--timeout", "3s"], { wrapper: failingSync("1+") });
    assert.equal([(await failure(process)).code], ["SYNC_FAILED"]);
    assert.ok(process.all("progress").some((body) => body["bytesDone"] === String(3 * MIB)));
    gate.open();
    const again = await downloaded(startDownload(ticket, output));
    assert.is(again.bytesReceived, bytes);
    assert.is(sha256Of(again.path), sha256Of(source));
    await gate.close();
  },
);

testUnless(
  noStrace,
  "a journal that cannot be written ends it with 6, names it, and commits nothing",
  async () => {
    const output = scratch.folder();
    const journal = join(output, PART, "journal");
    const wrapper = [
      ...["strace", "-f", "-qq", "-o", "/dev/null", "-P", journal, "-e", "trace=pwrite64"],
      // The first write is its header.
      ...["-e", "inject=pwrite64:error=EDQUOT:when=2+"],
    ];
    const { code, exitCode, message } = await failure(startDownload(share.ticket, output, [], { wrapper }));
    assert.equal([code, exitCode], ["DISK_FULL", 6]);
    assert.match(message, journal);
    assert.equal(readdirSync(output), []);
    assert.is(sha256Of((await download(share.ticket, output)).path), sha256Of(source));
  },
);

test.run();
