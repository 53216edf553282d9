import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { testUnless } from "../storage/scratch.js";
import { killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { type StartedShare, startShare } from "../support/transfer.js";
import { privilegeProblem, unprivileged } from "../support/unprivileged.js";

const scratch = new ScratchFolder();
let share: StartedShare;

test.before(async () => {
  share = await startShare(scratch.file("small.bin", 10));
});

test.after(() => {
  killAll();
  scratch.remove();
});

/** Ends with `exitCode`, nothing on stdout, and an error in one line that says `text`, with a next step in another. */
async function refused(argv: readonly string[], exitCode: number, text: RegExp): Promise<void> {
  const ran = await runGoshare(argv, { cwd: scratch.path });
  assert.is(ran.exitCode, exitCode, ran.stderr);
  assert.is(ran.stdout, "");
  const lines = ran.stderr
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("hashing "));
  assert.match(lines[0] ?? "", /^error: /);
  assert.match(lines[1] ?? "", /^ {2}\S/, `no next step: ${ran.stderr}`);
  assert.is(lines.length, 2, ran.stderr);
  assert.match(ran.stderr, text);
}

const file = (name: string, content: string | Uint8Array) => {
  const path = join(scratch.folder(), name);
  writeFileSync(path, content);
  return path;
};

test("a ticket with a typing error", async () => {
  const { ticket } = share;
  const at = 40;
  const wrong = ticket.slice(0, at) + (ticket[at] === "q" ? "p" : "q") + ticket.slice(at + 1);
  await refused(["download", wrong], 2, /typing error or was cut/);
});

test("a ticket that was cut", async () => {
  await refused(["download", share.ticket.slice(0, -5)], 2, /typing error or was cut/);
  await refused(["download", share.ticket.slice(0, 12)], 2, /typing error or was cut/);
});

test("a ticket in capitals and with blanks in it is understood", async () => {
  const { ticket } = share;
  const spaced = ` ${ticket.slice(0, 30).toUpperCase()} ${ticket.slice(30).toUpperCase()}\n`;
  const { exitCode, stdout } = await runGoshare(["inspect", spaced]);
  assert.is(exitCode, 0);
  assert.match(stdout, share.contentId);
});

test("text that is no ticket, no content id and no file", async () => {
  await refused(["download", "hello world"], 2, /not a ticket, a content id or a file/);
  await refused(["download", "abcdef"], 2, /not a ticket, a content id or a file/);
  await refused(["inspect", "nothing.goshare"], 2, /nothing\.goshare/);
});

test("a .goshare file that was cut short, at any of many places", async () => {
  const whole = readFileSync(share.manifestPath);
  for (const length of [0, 1, 10, whole.byteLength >> 1, whole.byteLength - 1]) {
    await refused(["download", file("cut.goshare", whole.subarray(0, length))], 2, /cut\.goshare/);
  }
});

test("files that are no .goshare files", async () => {
  await refused(["download", file("text.goshare", "just some text\n")], 2, /text\.goshare/);
  await refused(["download", file("zeros.bin", Buffer.alloc(100_000))], 2, /zeros\.bin/);
  await refused(["inspect", process.execPath], 2, /node/);
});

test("a folder where a .goshare file is wanted", async () => {
  const folder = scratch.folder();
  for (const command of ["download", "inspect"])
    await refused([command, folder], 2, /it is a folder, not a \.goshare file\n {2}give a ticket/);
});

test("a .goshare file made by a newer goshare", async () => {
  const whole = readFileSync(share.manifestPath);
  // Its first field is the format.
  assert.equal([...whole.subarray(0, 2)], [0x08, 0x01]);
  const newer = Buffer.concat([Buffer.from([0x08, 0x63]), whole.subarray(2)]);
  await refused(["download", file("newer.goshare", newer)], 2, /newer goshare/);
});

test("a path to share that does not exist", async () => {
  await refused(["share", "nowhere"], 6, /nowhere/);
});

test("a dangling link as the path to share", async () => {
  const path = join(scratch.folder(), "dangling");
  symlinkSync("nowhere", path);
  await refused(["share", path], 6, /dangling/);
});

test("a place for the .goshare file where none can be written", async () => {
  await refused(
    ["share", share.manifestPath, "--manifest", scratch.folder()],
    6,
    /it is a folder\n.*--manifest/,
  );
  await refused(["share", share.manifestPath, "--manifest", "no/such/folder"], 6, /ENOENT.*\n.*--manifest/);
});

test("a FIFO as the path to share", async () => {
  const path = join(scratch.folder(), "pipe");
  assert.is(spawnSync("mkfifo", [path]).status, 0);
  await refused(["share", path], 1, /neither a file nor a folder/);
});

test("the top of the file system as the path to share", async () => {
  await refused(
    ["share", "/"],
    1,
    /\/ cannot be shared: the root of a disk has no name\n {2}share a folder in it/,
  );
});

test("a .goshare file that may not be read", async () => {
  if (process.getuid?.() === 0) return;
  const secret = file("secret.goshare", readFileSync(share.manifestPath));
  chmodSync(secret, 0);
  await refused(
    ["download", secret],
    6,
    /cannot read .*secret\.goshare: permission denied\n {2}check its owner/,
  );
});

test("an output that is no folder, or lies within a file", async () => {
  const path = file("f", "");
  for (const output of [path, join(path, "x")])
    await refused(
      ["download", share.ticket, "--quiet", "--output", output],
      6,
      /\/f is not a folder\n {2}.*--output/,
    );
});

test("what is to be verified and is not there", async () => {
  await refused(
    ["verify", share.manifestPath, "nowhere"],
    6,
    /cannot read nowhere: it does not exist\n {2}check/,
  );
});

test("options that are not understood", async () => {
  await refused(["share", share.manifestPath, "--chunk-size", "3MiB"], 2, /--chunk-size/);
  await refused(["share", share.manifestPath, "--chunk-size", "huge"], 2, /--chunk-size/);
  await refused(["share", share.manifestPath, "--tracker", "not a host"], 2, /--tracker/);
  await refused(["share", share.manifestPath, "--listen", "127.0.0.1:99999"], 2, /--listen/);
  await refused(["share", share.manifestPath, "--advertise", ":"], 2, /--advertise/);
  await refused(["download", share.ticket, "--timeout", "soon"], 2, /--timeout/);
  await refused(["download", share.ticket, "--nonsense"], 2, /nonsense/);
  await refused(["download"], 2, /WHAT|argument/i);
  await refused(["fetch", share.ticket], 2, /no command/);
});

test("an address to listen at that is not this machine's, or taken", async () => {
  await refused(["share", share.manifestPath, "--listen", "192.0.2.77:0"], 4, /192\.0\.2\.77/);
  await refused(["share", share.manifestPath, "--listen", share.endpoint], 4, /--listen/);
});

testUnless(privilegeProblem(), "a file in a folder that may not be read can be left out", async () => {
  const folder = scratch.folder();
  for (const name of ["a", "closed"]) writeFileSync(join(folder, name), name);
  chmodSync(join(folder, "closed"), 0);
  const wrapper = unprivileged();
  const ran = await runGoshare(["share", folder, "--listen", "127.0.0.1:0"], wrapper && { wrapper });
  assert.is(ran.exitCode, 6);
  assert.match(
    ran.stderr,
    /permission denied, open '.*closed'\n {2}check .*, or leave it out with --exclude\n/,
  );
});

test.run();
