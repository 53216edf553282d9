import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of, writeRandom } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";
import {
  downloaded,
  failure,
  type StartedShare,
  startDownload,
  startShare,
  ticketVia,
} from "../support/transfer.js";
import { treeLines } from "../support/tree-lines.js";
import { unprivileged } from "../support/unprivileged.js";

const scratch = new ScratchFolder();
const source = scratch.file("film.bin", 4 * MIB);
const photos = join(scratch.folder(), "photos");
let share: StartedShare;
let folderShare: StartedShare;

/** A download of `share` to `output` that was interrupted when 2 MiB of it were there; the rest comes through the gate
 * once that is open. */
async function interrupted(output: string, args: readonly string[] = []): Promise<GatedProxy> {
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const first = startDownload(ticketVia(share.ticket, gate.endpoint), output, args);
  await first.waitFor("progress", (body) => body["bytesDone"] === String(2 * MIB));
  await first.stop("SIGINT");
  return gate;
}

test.before(async () => {
  share = await startShare(source);
  writeRandom(join(photos, "one.jpg"), 1000);
  writeRandom(join(photos, "more", "two.jpg"), MIB);
  folderShare = await startShare(photos);
});

test.after(() => {
  killAll();
  scratch.remove();
});

for (const [what, make] of [
  ["a file", (path: string) => writeFileSync(path, "mine")],
  ["an empty file", (path: string) => writeFileSync(path, "")],
  ["a folder", (path: string) => mkdirSync(path)],
  ["a dangling link", (path: string) => symlinkSync("nowhere", path)],
] as const) {
  test(`${what} under the name of the download ends it with 6, untouched`, async () => {
    for (const [ticket, name] of [
      [share.ticket, "film.bin"],
      [folderShare.ticket, "photos"],
    ] as const) {
      const output = scratch.folder();
      make(join(output, name));
      const look = () => {
        const { ino, mode, size, mtimeNs, ctimeNs } = lstatSync(join(output, name), { bigint: true });
        return { ino, mode, size, mtimeNs, ctimeNs };
      };
      const before = look();
      const { code, exitCode, message } = await failure(startDownload(ticket, output));
      assert.equal([code, exitCode], ["TARGET_EXISTS", 6]);
      assert.match(message, join(output, name));
      assert.equal(look(), before);
      assert.equal(readdirSync(output), [name]);
    }
  });
}

test("a target that appears while the download runs stays, and what was downloaded is kept", async () => {
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const output = scratch.folder();
  const process = startDownload(ticketVia(share.ticket, gate.endpoint), output);
  await process.waitFor("progress", (body) => body["bytesDone"] === String(2 * MIB));
  writeFileSync(join(output, "film.bin"), "mine");
  gate.open();
  const { code, exitCode } = await failure(process);
  assert.equal([code, exitCode], ["TARGET_EXISTS", 6]);
  assert.is(readFileSync(join(output, "film.bin"), "utf8"), "mine");
  assert.equal(readdirSync(output).sort(), [".film.bin.goshare-part", "film.bin"]);
  await gate.close();
});

test("of two downloads to one target one goes on, and the other ends with 6 TARGET_BUSY", async () => {
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const output = scratch.folder();
  const first = startDownload(ticketVia(share.ticket, gate.endpoint), output);
  await first.waitFor("progress", (body) => body["bytesDone"] === String(2 * MIB));
  const { code, exitCode } = await failure(startDownload(share.ticket, output));
  assert.equal([code, exitCode], ["TARGET_BUSY", 6]);
  gate.open();
  const { path } = await downloaded(first);
  assert.is(sha256Of(path), sha256Of(source));
  assert.equal(readdirSync(output), ["film.bin"]);
  await gate.close();
});

test("of two downloads that start together one wins, and the other says why it did not, or finds it done", async () => {
  const output = scratch.folder();
  const both = [startDownload(share.ticket, output), startDownload(share.ticket, output)];
  const ends = await Promise.all(both.map((process) => process.exited));
  const [winner, other] = ends.map(({ exitCode }) => exitCode).sort();
  assert.is(winner, 0);
  const loser = both.find((process) => process.all("failed").length > 0);
  assert.is(other, loser === undefined ? 0 : 6);
  const code = loser?.all("failed")[0]?.["code"];
  assert.ok(["undefined", "TARGET_BUSY", "TARGET_EXISTS"].includes(String(code)), String(code));
  assert.equal(readdirSync(output), ["film.bin"]);
  assert.is(sha256Of(join(output, "film.bin")), sha256Of(source));
});

const wrapper = unprivileged();
if (wrapper === undefined) {
  skipTest("an output folder without write permission", "this is root, and there is no setpriv");
} else {
  test("an output folder without write permission ends the download with 6 and a hint", async () => {
    const output = scratch.folder();
    chmodSync(output, 0o555);
    const process = startDownload(share.ticket, output, [], { wrapper });
    const { code, exitCode, hint } = await failure(process);
    assert.equal([code, exitCode], ["PERMISSION_DENIED", 6]);
    assert.match(hint, "--output");
    assert.equal(readdirSync(output), []);
    chmodSync(output, 0o755);
  });
}

test("an output that is a file ends the download with 6", async () => {
  const output = scratch.file("not a folder", 3);
  const { exitCode, message } = await failure(startDownload(share.ticket, output));
  assert.is(exitCode, 6);
  assert.match(message, output);
});

if (!existsSync("/proc/self")) skipTest("an output where no folder can be made", "there is no /proc");
else {
  test("an output where no folder can be made ends the download with 6", async () => {
    const { exitCode, message } = await failure(startDownload(share.ticket, "/proc/nowhere/there"));
    assert.is(exitCode, 6);
    assert.match(message, "/proc/nowhere");
  });
}

test("missing folders on the way to the output are made", async () => {
  const output = join(scratch.folder(), "a", "b c", "d");
  const { path } = await downloaded(startDownload(share.ticket, output));
  assert.is(path, join(output, "film.bin"));
});

test("a part folder of another share is left alone, and the hint says what to do", async () => {
  const output = scratch.folder();
  const gate = await interrupted(output);
  const other = await startShare(scratch.file("film.bin", MIB));
  const { code, exitCode, hint } = await failure(startDownload(other.ticket, output));
  assert.equal([code, exitCode], ["PART_UNUSABLE", 6]);
  assert.match(hint, join(output, ".film.bin.goshare-part"));
  assert.ok(existsSync(join(output, ".film.bin.goshare-part", "journal")));
  await Promise.all([other.process.stop(), gate.close()]);
});

test("--overwrite replaces a file and a folder once the new one is complete, and not before", async () => {
  for (const { ticket, name, endpoint } of [
    { ticket: share.ticket, name: "film.bin", endpoint: share.endpoint },
    { ticket: folderShare.ticket, name: "photos", endpoint: folderShare.endpoint },
  ]) {
    const output = scratch.folder();
    const target = join(output, name);
    if (name === "photos") writeRandom(join(target, "old", "picture.jpg"), 10);
    else writeFileSync(target, "mine");
    const before = treeLines(target);
    const gate = await GatedProxy.start(KIB);
    gate.target = endpoint;
    const process = startDownload(ticketVia(ticket, gate.endpoint), output, ["--overwrite"]);
    await process.waitFor("downloading");
    assert.equal(treeLines(target), before);
    const [told] = process.all("warning");
    assert.equal([told?.["code"], told?.["path"]], ["TARGET_EXISTS", target], "what will go is said before");
    gate.open();
    await downloaded(process);
    assert.equal(treeLines(target), treeLines(name === "photos" ? photos : source));
    assert.equal(readdirSync(output), [name]);
    await gate.close();
  }
});

test("a download with --overwrite that is interrupted goes on with it, as status says", async () => {
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const output = scratch.folder();
    writeFileSync(join(output, "film.bin"), "mine");
    const gate = await GatedProxy.start(2.5 * MIB);
    gate.target = share.endpoint;
    const first = startDownload(ticketVia(share.ticket, gate.endpoint), output, ["--overwrite"]);
    await first.waitFor("progress", (body) => body["bytesDone"] === String(2 * MIB));
    await first.stop(signal);
    gate.open();
    const resumable = await new GoshareProcess(["status", output]).waitFor("resumable");
    assert.equal(resumable["moreArguments"], ["--overwrite"]);
    const resume = new GoshareProcess(["resume", "film.bin", "--output", output, "--listen", "127.0.0.1:0"]);
    const { path, bytesReceived } = await downloaded(resume);
    assert.equal([path, bytesReceived], [join(output, "film.bin"), 2 * MIB]);
    assert.is(sha256Of(path), sha256Of(source));
    await gate.close();
  }
});

test("a name that was taken meanwhile is replaced or left by resume --overwrite and --rename", async () => {
  for (const [option, name] of [
    ["--overwrite", "film.bin"],
    ["--rename", "film (1).bin"],
  ] as const) {
    const output = scratch.folder();
    const gate = await interrupted(output);
    gate.open();
    writeFileSync(join(output, "film.bin"), "mine");
    const resume = (...more: readonly string[]) =>
      new GoshareProcess(["resume", "--output", output, "--listen", "127.0.0.1:0", ...more]);
    assert.is((await failure(resume())).code, "TARGET_EXISTS");
    const { path, bytesReceived } = await downloaded(resume(option));
    assert.equal([path, bytesReceived], [join(output, name), 2 * MIB]);
    await gate.close();
  }
});

test("resume --rename counts for more than the --overwrite it was begun with", async () => {
  const output = scratch.folder();
  writeFileSync(join(output, "film.bin"), "mine");
  const gate = await interrupted(output, ["--overwrite"]);
  gate.open();
  const argv = ["resume", "--output", output, "--listen", "127.0.0.1:0", "--rename"];
  const { path, bytesReceived } = await downloaded(new GoshareProcess(argv));
  assert.equal([path, bytesReceived], [join(output, "film (1).bin"), 2 * MIB]);
  assert.is(readFileSync(join(output, "film.bin"), "utf8"), "mine");
  await gate.close();
});

test("--rename leaves what is there, says where the download is, and goes on there after an interruption", async () => {
  const output = scratch.folder();
  writeFileSync(join(output, "film.bin"), "mine");
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const first = startDownload(ticketVia(share.ticket, gate.endpoint), output, ["--rename"]);
  assert.is((await first.waitFor("downloading"))["path"], join(output, "film (1).bin"));
  await first.waitFor("progress", (body) => body["bytesDone"] === String(2 * MIB));
  await first.stop("SIGINT");
  assert.match(String(first.all("failed")[0]?.["hint"]), "--rename");
  const status = new GoshareProcess(["status", output]);
  const resumable = await status.waitFor("resumable");
  assert.equal([resumable["path"], resumable["moreArguments"]], [join(output, "film (1).bin"), ["--rename"]]);
  const { path, bytesReceived } = await downloaded(startDownload(share.ticket, output, ["--rename"]));
  assert.equal([path, bytesReceived], [join(output, "film (1).bin"), 2 * MIB]);
  assert.is(sha256Of(path), sha256Of(source));
  assert.is(readFileSync(join(output, "film.bin"), "utf8"), "mine");
  assert.equal(readdirSync(output).sort(), ["film (1).bin", "film.bin"]);
  await gate.close();
});

test("what --overwrite would not replace ends it with 6 and a hint", async () => {
  const output = scratch.folder();
  mkdirSync(join(output, "film.bin"));
  const { code, exitCode, message, hint } = await failure(
    startDownload(share.ticket, output, ["--overwrite"]),
  );
  assert.equal([code, exitCode], ["TARGET_EXISTS", 6]);
  assert.match(message, "is a folder, and would be replaced with a file");
  assert.match(hint, "--output");
  assert.equal(readdirSync(output), ["film.bin"]);
});

test.run();
