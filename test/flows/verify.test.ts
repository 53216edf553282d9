import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  cpSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { verify } from "../../src/flows/verify.js";
import { actualTree } from "../storage/sample-share.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { GoshareProcess, type JsonBody, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder, sha256Of, writeRandom } from "../support/scratch-folder.js";
import { failure, type StartedShare, startShare, ticketVia } from "../support/transfer.js";

const scratch = new ScratchFolder();
const film = scratch.file("film.bin", 8 * MIB + 11);
const photos = join(scratch.folder(), "photos");
let filmShare: StartedShare;
let photosShare: StartedShare;

test.before(async () => {
  writeRandom(join(photos, "big.raw"), 3 * MIB + 5);
  for (const name of ["one", "two", "three"]) writeRandom(join(photos, "small", name), 1_000);
  writeRandom(join(photos, "run\\me"), 100, 0o755);
  writeFileSync(join(photos, "nothing"), "");
  mkdirSync(join(photos, "empty"));
  symlinkSync("small/one", join(photos, "link"));
  [filmShare, photosShare] = await Promise.all([startShare(film), startShare(photos)]);
});

test.after(() => {
  killAll();
  scratch.remove();
});

/** A copy that may be damaged. */
function copyOf(original: string): string {
  const copy = join(scratch.folder(), "film.bin" === original.split("/").at(-1) ? "film.bin" : "photos");
  cpSync(original, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  return copy;
}

function overwrite(path: string, at: number, text = "damage"): void {
  const fd = openSync(path, "r+");
  writeSync(fd, text, at);
  closeSync(fd);
}

interface Verified {
  readonly exitCode: number | null;
  readonly differences: readonly string[];
  readonly verified: JsonBody;
  readonly process: GoshareProcess;
}

/** What `verify --json` says; the last event fits the exit code. */
async function verified(...argv: string[]): Promise<Verified> {
  const process = new GoshareProcess(["verify", ...argv]);
  const found = await process.waitFor("verified");
  const { exitCode } = await process.exited;
  assert.equal(Object.keys(process.events.at(-1) ?? {}), [exitCode === 0 ? "done" : "failed"]);
  assert.is(process.stderr, "");
  const differences = process
    .all("difference")
    .map(({ problem, paths, chunks }) => `${problem} ${paths} ${JSON.stringify(chunks)}`);
  return { exitCode, differences, verified: found, process };
}

test("what is right is said to be right, by .goshare file, ticket and content id alike", async () => {
  for (const what of [photosShare.manifestPath, photosShare.ticket]) {
    const right = await verified(what, photos);
    assert.equal([right.exitCode, right.differences], [0, []]);
    assert.equal([right.verified["isRight"], right.verified["filesWrong"]], [true, 0]);
    assert.is(right.verified["bytesRight"], right.verified["bytes"]);
  }
  const { exitCode, stdout, stderr } = await runGoshare(["verify", filmShare.manifestPath, film, "--quiet"]);
  assert.equal([exitCode, stdout, stderr], [0, "", ""]);
});

test("every kind of damage is named by file and chunk, and ends with 5", async () => {
  const copy = copyOf(photos);
  overwrite(join(copy, "big.raw"), MIB + 1);
  overwrite(join(copy, "big.raw"), 2 * MIB + 1);
  unlinkSync(join(copy, "small/two"));
  appendFileSync(join(copy, "nothing"), "something");
  unlinkSync(join(copy, "link"));
  rmSync(join(copy, "empty"), { recursive: true });
  writeFileSync(join(copy, "besides"), "");
  chmodSync(join(copy, "run\\me"), 0o644);
  const { exitCode, differences, verified: found } = await verified(photosShare.manifestPath, copy);
  assert.is(exitCode, 5);
  const pack = '[{"first":4,"count":1}]';
  assert.equal(differences, [
    'content big.raw [{"first":1,"count":2}]',
    "long nothing []",
    `unsure run\\me,small/one,small/three ${pack}`,
    `missing small/two ${pack}`,
    "missing link []",
    "missing empty []",
    "mode run\\me []",
    "extra besides []",
  ]);
  const { filesWrong, filesUnsure, extra, chunksRight, chunks, isRight } = found;
  assert.equal([filesWrong, filesUnsure, extra, chunksRight, chunks, isRight], [3, 3, 1, 2, 5, false]);
});

test("what is merely besides, or of another mode, is named and no failure", async () => {
  const copy = copyOf(photos);
  writeFileSync(join(copy, "esc\u001b[2J"), "");
  chmodSync(join(copy, "small", "one"), 0o755);
  const { exitCode, stdout, stderr } = await runGoshare(["verify", photosShare.manifestPath, copy]);
  assert.equal([exitCode, stdout], [0, ""]);
  assert.match(stderr, "mode: small/one (it is executable, but should not be)\nextra: esc\\u{1b}[2J\n");
  assert.match(stderr, "all of it right; 1 extra entry");
});

test("a repair that was stopped there is called so, and is not counted as besides", async () => {
  const copy = copyOf(photos);
  mkdirSync(join(copy, ".0123456789abcdef.goshare-repair"));
  const { exitCode, stderr } = await runGoshare(["verify", photosShare.manifestPath, copy]);
  assert.is(exitCode, 0);
  assert.match(stderr, "unfinished: .0123456789abcdef.goshare-repair/ (a goshare repair)\n");
  assert.match(stderr, /all of it right\n/);
});

test("a file that is too short or too long is wrong in the chunks that are, and in no other", async () => {
  const copy = copyOf(film);
  truncateSync(copy, 6.5 * MIB);
  const short = await verified(filmShare.manifestPath, copy);
  assert.equal(short.differences, ['short film.bin [{"first":6,"count":3}]']);
  const other = copyOf(film);
  appendFileSync(other, "more");
  const long = await verified(filmShare.manifestPath, other);
  assert.equal([long.differences, long.exitCode], [["long film.bin []"], 5]);
});

test("the sums are those that sha256sum prints, and it finds them right", async () => {
  const { exitCode, stdout } = await runGoshare(["verify", photosShare.manifestPath, photos, "--sha256sum"]);
  assert.is(exitCode, 0);
  const names = ["big.raw", "nothing", "run\\me", "small/one", "small/three", "small/two"];
  assert.is(stdout, execFileSync("sha256sum", names, { cwd: photos, encoding: "utf8" }));
  assert.match(stdout, /^\\[0-9a-f]{64} {2}run\\\\me$/m);
  const copy = copyOf(film);
  overwrite(copy, 0);
  const wrong = await runGoshare(["verify", filmShare.manifestPath, copy, "--sha256sum"]);
  assert.equal([wrong.exitCode, wrong.stdout], [5, `${sha256Of(copy)}  film.bin\n`]);
});

test("a path that is not there, or of the other kind, is refused with what to do", async () => {
  const gone = new GoshareProcess(["verify", filmShare.manifestPath, join(scratch.path, "nowhere")]);
  const { code, exitCode, hint } = await failure(gone);
  assert.equal([code, exitCode], ["SOURCE_UNREADABLE", 6]);
  assert.match(hint, "goshare download");
  const kind = await failure(new GoshareProcess(["verify", filmShare.manifestPath, dirname(film)]));
  assert.equal([kind.code, kind.hint], ["USAGE", `did you mean ${film}?`]);
});

test("without a manifest nothing can be verified, and that is no integrity failure", async () => {
  const process = new GoshareProcess(["verify", "cd".repeat(32), film, "--timeout", "500ms"]);
  const { code, exitCode } = await failure(process);
  assert.equal([code, exitCode], ["NO_PEERS", 3]);
});

test("a repair fetches what is wrong, and leaves every right file as it is", async () => {
  const copy = copyOf(photos);
  const right = join(copy, "small", "three");
  const before = lstatSync(right, { bigint: true });
  overwrite(join(copy, "big.raw"), MIB + 1);
  overwrite(join(copy, "small", "one"), 5);
  chmodSync(join(copy, "small", "one"), 0o600);
  unlinkSync(join(copy, "run\\me"));
  truncateSync(join(copy, "small/two"), 2_000);
  appendFileSync(join(copy, "nothing"), "something");
  unlinkSync(join(copy, "link"));
  symlinkSync("elsewhere", join(copy, "link"));
  rmSync(join(copy, "empty"), { recursive: true });
  chmodSync(join(copy, "small", "three"), 0o744);
  writeFileSync(join(copy, "besides"), "mine");
  const { exitCode, process } = await verified(photosShare.ticket, copy, "--repair");
  assert.is(exitCode, 0);
  const done = process.events.at(-1)?.["done"];
  assert.equal([done?.["path"], done?.["bytesWasted"]], [copy, "0"]);
  assert.is(Number(done?.["bytesReceived"]), MIB + 3_100);
  const after = lstatSync(right, { bigint: true });
  assert.equal([after.ino, after.mtimeNs], [before.ino, before.mtimeNs]);
  assert.is(readFileSync(join(copy, "besides"), "utf8"), "mine");
  assert.is(lstatSync(join(copy, "small", "one")).mode & 0o777, 0o600);
  chmodSync(join(copy, "small", "one"), 0o644);
  unlinkSync(join(copy, "besides"));
  assert.equal(actualTree(copy), actualTree(photos));
  assert.equal(readdirSync(dirname(copy)), ["photos"]);
});

test("a target that was repaired is a copy for a share that waits for one", async () => {
  const share = await startShare(film, ["--once", "--manifest", join(scratch.folder(), "film.goshare")]);
  const copy = copyOf(film);
  overwrite(copy, 3 * MIB);
  assert.is((await verified(share.ticket, copy, "--repair")).exitCode, 0);
  assert.is((await share.process.exited).exitCode, 0);
  assert.is(sha256Of(copy), sha256Of(film));
});

test("a repair that is killed keeps what it had repaired, and the next fetches the rest only", async () => {
  const copy = copyOf(film);
  for (let chunk = 1; chunk < 8; chunk++) overwrite(copy, chunk * MIB + 7);
  const gate = await GatedProxy.start(3.5 * MIB);
  gate.target = filmShare.endpoint;
  const ticket = ticketVia(filmShare.ticket, gate.endpoint);
  const argv = ["verify", ticket, copy, "--repair"];
  const process = new GoshareProcess(argv);
  await process.waitFor("progress", ({ bytesDone }) => Number(bytesDone) >= 4 * MIB);
  assert.equal(await process.stop("SIGKILL"), { exitCode: null, signal: "SIGKILL" });
  gate.open();
  const again = await verified(...argv.slice(1));
  assert.is(again.exitCode, 0);
  const chunksRight = Number(again.verified["chunksRight"]);
  assert.ok(chunksRight >= 5 && chunksRight < 9, `${chunksRight} chunks are right`);
  const received = Number(again.process.events.at(-1)?.["done"]?.["bytesReceived"]);
  assert.is(received, (9 - chunksRight) * MIB);
  assert.is(sha256Of(copy), sha256Of(film));
  assert.equal(readdirSync(dirname(copy)), ["film.bin"]);
  await gate.close();
});

test("a repair is stopped by Ctrl-C with the line that goes on, and takes nothing away", async () => {
  const copy = copyOf(film);
  overwrite(copy, 0);
  const gate = await GatedProxy.start(0.5 * MIB);
  gate.target = filmShare.endpoint;
  const process = new GoshareProcess([
    "verify",
    ticketVia(filmShare.ticket, gate.endpoint),
    copy,
    "--repair",
  ]);
  await process.waitFor("downloading");
  process.kill("SIGINT");
  const { code, exitCode, hint } = await failure(process);
  assert.equal([code, exitCode], ["INTERRUPTED", 130]);
  assert.match(hint, "nothing that is right was changed; to resume, run: goshare verify ");
  assert.equal(readdirSync(dirname(copy)), ["film.bin"]);
  assert.is((await verified(filmShare.manifestPath, copy)).verified["chunksRight"], 8);
  await gate.close();
});

test("what stands in the way, or is something else altogether, is not repaired", async () => {
  const copy = copyOf(photos);
  rmSync(join(copy, "small"), { recursive: true });
  writeFileSync(join(copy, "small"), "a file of mine");
  const inTheWay = await failure(new GoshareProcess(["verify", photosShare.ticket, copy, "--repair"]));
  assert.equal([inTheWay.code, inTheWay.exitCode], ["TARGET_EXISTS", 6]);
  assert.is(readFileSync(join(copy, "small"), "utf8"), "a file of mine");
  const diary = join(scratch.folder(), "diary.txt");
  writeFileSync(diary, "dear diary");
  const other = await failure(new GoshareProcess(["verify", filmShare.ticket, diary, "--repair"]));
  assert.equal([other.code, other.exitCode], ["CONTENT_DIFFERS", 5]);
  assert.is(readFileSync(diary, "utf8"), "dear diary");
});

test("a share without a byte in it is verified and repaired like any other", async () => {
  const bare = join(scratch.folder(), "bare");
  mkdirSync(join(bare, "empty"), { recursive: true });
  writeFileSync(join(bare, "nothing"), "");
  writeFileSync(join(bare, "tool"), "", { mode: 0o755 });
  symlinkSync("nothing", join(bare, "link"));
  const share = await startShare(bare);
  const copy = join(scratch.folder(), "copy");
  cpSync(bare, copy, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(copy, "nothing"), "more");
  rmSync(join(copy, "link"));
  chmodSync(join(copy, "tool"), 0o644);
  assert.is((await verified(share.manifestPath, copy)).exitCode, 5);
  assert.is((await verified(share.manifestPath, copy, "--repair")).exitCode, 0);
  assert.equal(actualTree(copy), actualTree(bare));
  assert.is((await verified(share.manifestPath, copy)).exitCode, 0);
});

test("a repair that needs no chunk needs no peer", async () => {
  const share = await startShare(scratch.file("tool.bin", 10));
  await share.process.stop();
  const copy = join(scratch.folder(), "tool.bin");
  cpSync(share.manifestPath.replace(/\.goshare$/, ""), copy);
  appendFileSync(copy, "too much");
  chmodSync(copy, 0o755);
  const { exitCode } = await verified(share.manifestPath, copy, "--repair");
  assert.is(exitCode, 0);
  assert.equal([lstatSync(copy).size, lstatSync(copy).mode & 0o777], [10, 0o644]);
});

test("whatever is damaged, it is found if and only if it differs, and a repair makes it right", async () => {
  const files = ["big.raw", "nothing", "run\\me", "small/one", "small/three", "small/two"];
  const damage = fc.oneof(
    fc.record({ what: fc.constant("write" as const), file: fc.nat(5), at: fc.nat(4 * MIB) }),
    fc.record({ what: fc.constant("cut" as const), file: fc.nat(5), at: fc.nat(4 * MIB) }),
    fc.record({
      what: fc.constantFrom("remove" as const, "rename" as const),
      file: fc.nat(5),
      at: fc.nat(9),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { maxLength: 3 }), async (all) => {
      const copy = copyOf(photos);
      for (const { what, file, at } of all) damageFile(join(copy, files[file] ?? ""), what, at);
      const differing = files.filter((name) => !isSame(join(photos, name), join(copy, name)));
      const found = new Set<string>();
      const unsure = new Set<string>();
      const options = {
        ...{ what: photosShare.manifestPath, path: copy, trackers: [], probeLocalTracker: false },
        ...{ timeoutMs: 20_000, sums: false, repair: undefined },
      };
      const ended = await verify(
        options,
        (event) => {
          if (event.type !== "difference" || event.problem === "extra") return;
          for (const path of event.paths) (event.problem === "unsure" ? unsure : found).add(path);
        },
        new AbortController().signal,
      ).then(
        () => "right",
        (thrown) => thrown.code,
      );
      const repair = { downloadBudget: undefined };
      await verify({ ...options, what: photosShare.ticket, repair }, () => {}, new AbortController().signal);
      for (const name of files)
        assert.ok(isSame(join(photos, name), join(copy, name)), `${name} is repaired`);
      rmSync(dirname(copy), { recursive: true });
      assert.is(ended, differing.length === 0 ? "right" : "CONTENT_DIFFERS");
      for (const name of differing) assert.ok(found.has(name) || unsure.has(name), `${name} is named`);
      for (const name of found) assert.ok(differing.includes(name), `${name} differs`);
    }),
    { numRuns: 25 },
  );
});

function damageFile(path: string, what: "write" | "cut" | "remove" | "rename", at: number): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  if (what === "write") overwrite(path, at);
  else if (what === "cut") truncateSync(path, at);
  else if (what === "remove") unlinkSync(path);
  else renameSync(path, `${path}.renamed`);
}

function isSame(a: string, b: string): boolean {
  return lstatSync(b, { throwIfNoEntry: false }) !== undefined && readFileSync(a).equals(readFileSync(b));
}

test.run();
