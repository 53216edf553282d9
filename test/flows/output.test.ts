// Downloads into a pipe: the file and nothing else on stdout, in order, as fast as somebody reads, and no trace on disk.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { GatedProxy } from "../support/gated-proxy.js";
import { type GoshareChild, spawnGoshare } from "../support/goshare-child.js";
import { type JsonBody, killAll } from "../support/goshare-process.js";
import { ScratchFolder, sha256Of, writeRandom } from "../support/scratch-folder.js";
import { type StartedShare, startShare, startTracker, ticketVia } from "../support/transfer.js";

const scratch = new ScratchFolder();
const film = scratch.file("film.bin", 48 * MIB + 3);
const album = join(scratch.folder(), "album");
let share: StartedShare;
let albumShare: StartedShare;

test.before(async () => {
  writeRandom(join(album, "a.bin"), 5 * MIB + 7);
  writeRandom(join(album, "b.bin"), 3 * MIB);
  writeRandom(join(album, "empty"), 0);
  for (let number = 0; number < 20; number++) writeRandom(join(album, "small", `${number}`), 100 + number);
  share = await startShare(film);
  albumShare = await startShare(album);
});

test.after(() => {
  killAll();
  scratch.remove();
});

const ARGV = ["--output", "-"];

interface Piped {
  readonly child: GoshareChild;
  readonly exitCode: Promise<number | null>;
  stderr(): string;
  /** Bodies of the events on stderr. */
  all(kind: string): readonly JsonBody[];
}

function pipe(what: string, ...args: readonly string[]): Piped {
  const cwd = scratch.folder();
  const child = spawnGoshare(["download", what, ...ARGV, ...args], { cwd });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  const exitCode = once(child, "close").then(() => {
    assert.equal(readdirSync(cwd), [], "nothing is left on the disk");
    return child.exitCode;
  });
  const all = (kind: string) => {
    const events: Record<string, JsonBody | undefined>[] = lines.map((line) => JSON.parse(line));
    return events.map((event) => event[kind]).filter((body) => body !== undefined);
  };
  return { child, exitCode, stderr: () => lines.join("\n"), all };
}

async function sha256OfOutput({ child }: Piped): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of child.stdout) hash.update(chunk);
  return hash.digest("hex");
}

test("a file goes to stdout as it is, and all that is said goes to stderr", async () => {
  const piped = pipe(share.ticket);
  assert.is(await sha256OfOutput(piped), sha256Of(film));
  assert.is(await piped.exitCode, 0);
  assert.match(piped.stderr(), "complete and verified");
});

test("a tracker is asked as well as it is for a download to the disk", async () => {
  const tracker = await startTracker();
  const tracked = await startShare(film, ["--tracker", tracker.endpoint]);
  const piped = pipe(tracked.ticket, "--quiet");
  assert.is(await sha256OfOutput(piped), sha256Of(film));
  assert.equal([await piped.exitCode, piped.stderr()], [0, ""]);
});

test("one file of a folder can be selected: a large one, one of a pack, and an empty one", async () => {
  for (const name of ["b.bin", "small/7", "empty"]) {
    const piped = pipe(albumShare.ticket, "--select", `/${name}`, "--quiet");
    assert.is(await sha256OfOutput(piped), sha256Of(join(album, name)), name);
    assert.equal([await piped.exitCode, piped.stderr()], [0, ""]);
  }
});

test("with --json the events go to stderr, and the last says how it ended", async () => {
  const piped = pipe(albumShare.ticket, "--select", "a.bin", "--json");
  assert.is(await sha256OfOutput(piped), sha256Of(join(album, "a.bin")));
  assert.is(await piped.exitCode, 0);
  const bytes = String(5 * MIB + 7);
  const [downloading] = piped.all("downloading");
  assert.equal([downloading?.["path"], downloading?.["bytes"]], ["-", bytes]);
  const [done] = piped.all("done");
  assert.equal([done?.["path"], done?.["bytes"], done?.["bytesReceived"]], ["-", bytes, bytes]);
});

test("more than one file, or none, is refused before anything is fetched", async () => {
  for (const [args, count] of [
    [[], "23 files"],
    [["--select", "small"], "20 files"],
  ] as const) {
    const piped = pipe(albumShare.ticket, ...args, "--json");
    assert.is(await sha256OfOutput(piped), createHash("sha256").digest("hex"));
    assert.is(await piped.exitCode, 2);
    const [failed] = piped.all("failed");
    assert.is(failed?.["code"], "USAGE");
    assert.match(String(failed?.["message"]), count);
    assert.match(String(failed?.["hint"]), "--select");
  }
});

test("who reads slowly keeps it from asking for more, for however long, and gets everything in the end", async () => {
  const piped = pipe(share.ticket, "--json", "--timeout", "1s");
  const { child } = piped;
  // Nobody reads: what is in the pipe and in memory is all that comes.
  const stands = () => Number(piped.all("progress").at(-1)?.["stalledMs"]) >= 2_500;
  while (!stands() && child.exitCode === null) await once(child.stderr, "data");
  assert.is(child.exitCode, null, piped.stderr());
  const held = Number(piped.all("progress").at(-1)?.["bytesDone"]);
  assert.ok(held > MIB && held <= 20 * MIB, `${held} bytes were fetched for nobody`);
  assert.is(piped.all("progress").at(-1)?.["slowReason"], "SLOW_REASON_DISK");
  assert.is(await sha256OfOutput(piped), sha256Of(film));
  assert.is(await piped.exitCode, 0);
});

test("what has come goes out before the rest is there", async () => {
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const piped = pipe(ticketVia(share.ticket, gate.endpoint), "--quiet");
  let received = Buffer.alloc(0);
  for await (const chunk of piped.child.stdout) {
    received = Buffer.concat([received, chunk]);
    if (received.byteLength === 2 * MIB) gate.open();
  }
  assert.ok(received.equals(readFileSync(film)));
  assert.is(await piped.exitCode, 0);
  await gate.close();
});

test("Ctrl-C ends it with 130, and nothing is said to be kept", async () => {
  const gate = await GatedProxy.start(2.5 * MIB);
  gate.target = share.endpoint;
  const piped = pipe(ticketVia(share.ticket, gate.endpoint));
  await once(piped.child.stdout, "data");
  piped.child.stdout.resume();
  piped.child.kill("SIGINT");
  assert.is(await piped.exitCode, 130);
  assert.match(piped.stderr(), "to start again, run: goshare download");
  await gate.close();
});

/** Runs `script` with the command line of a download of the film as its arguments; PIPESTATUS is how the first ended. */
function shell(script: string, ...args: readonly string[]) {
  const cwd = scratch.folder();
  const child = spawnGoshare(["download", share.ticket, ...ARGV, "--quiet", ...args], {
    cwd,
    wrapper: ["bash", "-c", script, "bash"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  return once(child, "close").then(() => ({ stdout: stdout.trim(), stderr, cwd }));
}

const noBash = spawnSync("bash", ["--version"]).status !== 0;

if (!noBash) {
  test("a reader that has enough ends it cleanly", async () => {
    const { stdout, stderr } = await shell('"$@" | head -c 100000 | wc -c; echo "$PIPESTATUS"');
    assert.equal(stdout.split(/\s+/), ["100000", "0"]);
    assert.is(stderr, "");
    const json = await shell('"$@" | true; echo "$PIPESTATUS"', "--json");
    assert.is(json.stdout, "0");
    assert.match(json.stderr.trim().split("\n").at(-1) ?? "", /^\{"stopped":/);
  });

  test("stdout may be a file, a file that is appended to, and a disk that is full", async () => {
    const { cwd } = await shell('"$@" > film && (printf abc > more) && "$@" >> more');
    assert.is(sha256Of(join(cwd, "film")), sha256Of(film));
    assert.ok(
      readFileSync(join(cwd, "more")).equals(Buffer.concat([Buffer.from("abc"), readFileSync(film)])),
    );
    const full = await shell('"$@" > /dev/full; echo $?');
    assert.is(full.stdout, "6");
    // Nothing of a stream is kept.
    assert.match(full.stderr, /^error: ENOSPC.*\n {2}free some space and run the same command again\n/);
  });
}

test.run();
