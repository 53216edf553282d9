// A download whose name is taken by what it would bring: it is verified, and nothing is fetched or touched.
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of, writeRandom } from "../support/scratch-folder.js";
import {
  download,
  downloaded,
  failure,
  startDownload,
  startShare,
  startTracker,
} from "../support/transfer.js";

const scratch = new ScratchFolder();
const film = scratch.file("film.bin", 5 * MIB + 7);
const album = join(scratch.folder(), "album");
mkdirSync(join(album, "empty"), { recursive: true });
writeRandom(join(album, "one.bin"), 3 * MIB);
writeRandom(join(album, "two.sh"), 1_000, 0o755);
symlinkSync("one.bin", join(album, "best"));
const [filmShare, albumShare] = [await startShare(film), await startShare(album)];

test.after(() => {
  killAll();
  scratch.remove();
});

/** Everything below `path` that would change if anything were written. */
function lookOf(path: string): readonly string[] {
  const { ino, mode, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
  const own = `${path} ${ino} ${mode} ${mtimeNs} ${ctimeNs}`;
  return lstatSync(path).isDirectory()
    ? [own, ...readdirSync(path).flatMap((name) => lookOf(join(path, name)))]
    : [own];
}

for (const [what, share, name] of [
  ["a file", filmShare, "film.bin"],
  ["a folder", albumShare, "album"],
] as const) {
  test(`${what} that is there already is verified, and the download is done`, async () => {
    const output = scratch.folder();
    await download(share.ticket, output);
    const target = join(output, name);
    const before = lookOf(target);
    const again = startDownload(share.ticket, output);
    const { path, bytesReceived } = await downloaded(again);
    assert.equal([path, bytesReceived], [target, 0]);
    const [downloading] = again.all("downloading");
    assert.is(downloading?.["resumedBytes"], downloading?.["bytes"]);
    assert.equal(lookOf(target), before);
    assert.equal(readdirSync(output), [name]);
  });
}

for (const [what, change] of [
  ["with one other byte", (at: string) => writeRandom(join(at, "one.bin"), 3 * MIB)],
  ["that lacks a file", (at: string) => rmSync(join(at, "two.sh"))],
  ["that lacks an empty folder", (at: string) => rmSync(join(at, "empty"), { recursive: true })],
  ["with a file that is longer", (at: string) => writeRandom(join(at, "two.sh"), 1_001, 0o755)],
  ["with a file that cannot be executed any more", (at: string) => chmodSync(join(at, "two.sh"), 0o644)],
  [
    "that is a link to the right one",
    (at: string) => {
      renameSync(at, `${at} elsewhere`);
      symlinkSync(`${at} elsewhere`, at);
    },
  ],
] as const) {
  test(`a folder ${what} stands in the way, untouched`, async () => {
    const output = scratch.folder();
    await download(albumShare.ticket, output);
    change(join(output, "album"));
    const before = lookOf(output).slice(1);
    const { code, exitCode, message } = await failure(startDownload(albumShare.ticket, output));
    assert.equal([code, exitCode], ["TARGET_EXISTS", 6]);
    assert.match(message, "is already there");
    assert.equal(lookOf(output).slice(1), before);
  });
}

test("a download that was begun, and is there meanwhile, leaves nothing to go on with", async () => {
  const output = scratch.folder();
  const begun = startDownload(filmShare.ticket, output, ["--download-limit", "1MiB/s"]);
  await begun.waitFor("progress", (body) => Number(body["bytesDone"]) > 0);
  await begun.stop("SIGINT");
  copyFileSync(film, join(output, "film.bin"));
  const { bytesReceived } = await downloaded(startDownload(filmShare.ticket, output));
  assert.is(bytesReceived, 0);
  assert.equal(readdirSync(output), ["film.bin"]);
});

test("what is there beside the share does not matter", async () => {
  const output = scratch.folder();
  await download(albumShare.ticket, output);
  writeFileSync(join(output, "album", "notes.txt"), "mine");
  const { bytesReceived } = await downloaded(startDownload(albumShare.ticket, output));
  assert.is(bytesReceived, 0);
});

test("a part of a share cannot be recognised in what is there", async () => {
  const output = scratch.folder();
  const selecting = ["--select", "two.sh"];
  await download(albumShare.ticket, output, selecting);
  const { code } = await failure(startDownload(albumShare.ticket, output, selecting));
  assert.is(code, "TARGET_EXISTS");
});

test("what is there is served to others with --seed", async () => {
  const tracker = await startTracker();
  const output = scratch.folder();
  const source = scratch.file("seeded.bin", 3 * MIB);
  const share = await startShare(source, ["--tracker", tracker.endpoint]);
  await download(share.ticket, output);
  const seed = startDownload(share.manifestPath, output, ["--tracker", tracker.endpoint, "--seed"]);
  await seed.waitFor("done");
  await share.process.stop();
  const { path } = await download(share.contentId, scratch.folder(), ["--tracker", tracker.endpoint]);
  assert.is(sha256Of(path), sha256Of(source));
  await seed.stop();
  await tracker.process.stop();
});

test.run();
