import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import type { GoshareEvent } from "../../src/events/event.js";
import { inspect } from "../../src/flows/inspect.js";
import { GoshareProcess, type JsonBody, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { ScratchFolder, writeRandom } from "../support/scratch-folder.js";
import {
  failure,
  type StartedShare,
  type StartedTracker,
  startShare,
  startTracker,
} from "../support/transfer.js";

const scratch = new ScratchFolder();
const parent = scratch.folder();
let tracker: StartedTracker;
let folder: StartedShare;

test.before(async () => {
  const source = join(parent, "photos");
  writeRandom(join(source, "a b.jpg"), 1.5 * MIB);
  writeRandom(join(source, "tool"), 10, 0o755);
  mkdirSync(join(source, "empty"));
  symlinkSync("a b.jpg", join(source, "link"));
  tracker = await startTracker();
  folder = await startShare(source, ["--tracker", tracker.endpoint]);
});

test.after(() => {
  killAll();
  scratch.remove();
});

const ENTRIES = [
  { path: "a b.jpg", size: String(1.5 * MIB), kind: "file", target: "" },
  { path: "tool", size: "10", kind: "executable", target: "" },
  { path: "empty", size: "0", kind: "directory", target: "" },
  { path: "link", size: "0", kind: "link", target: "a b.jpg" },
];

/** What `inspect --json` finds; it ends with `done` and 0. */
async function inspected(argv: readonly string[]): Promise<JsonBody> {
  const process = new GoshareProcess(["inspect", ...argv], undefined, { cwd: scratch.path });
  const found = await process.waitFor("inspected");
  assert.equal(await process.exited, { exitCode: 0, signal: null });
  const done = process.events.at(-1)?.["done"];
  assert.equal([done?.["path"], done?.["contentId"]], ["", found["contentId"]]);
  return found;
}

/** The same without a manifest, which ends it with 3. */
async function notToBeHad(argv: readonly string[]): Promise<JsonBody> {
  const process = new GoshareProcess(["inspect", ...argv], undefined, { cwd: scratch.path });
  const { code, exitCode } = await failure(process);
  assert.equal([code, exitCode], ["NO_PEERS", 3]);
  return process.waitFor("inspected");
}

test("a ticket, a .goshare file and a content id stand for the same content", async () => {
  for (const [argv, peers] of [
    [[folder.ticket], [folder.endpoint]],
    [[folder.manifestPath], [folder.endpoint]],
    [[folder.contentId, "--tracker", tracker.endpoint], []],
  ] as const) {
    const found = await inspected(argv);
    assert.equal(found, {
      ...{ contentId: folder.contentId, name: "photos", kind: "folder" },
      ...{ bytes: String(1.5 * MIB + 10), chunkSize: MIB, chunks: 3 },
      ...{ entries: ENTRIES, peers, trackers: [tracker.endpoint] },
    });
  }
});

test("people see a list, and the command writes nothing", async () => {
  const cwd = scratch.folder();
  const { exitCode, stdout, stderr } = await runGoshare(["inspect", folder.manifestPath], { cwd });
  assert.is(exitCode, 0);
  assert.is(stderr, "");
  assert.equal(stdout.split("\n"), [
    `content id  ${folder.contentId}`,
    "name        photos",
    "kind        folder",
    "size        1.5 MiB in 2 files, 3 chunks of 1 MiB",
    `tracker     ${tracker.endpoint}`,
    `peer        ${folder.endpoint}`,
    "",
    "     1.5 MiB  a b.jpg",
    "        10 B  tool*",
    "              empty/",
    "              link -> a b.jpg",
    "",
  ]);
  assert.equal(readdirSync(cwd), []);
});

test("a .goshare file is enough when the sharer has gone; a ticket then says what it says by itself", async () => {
  const share = await startShare(scratch.file("film.bin", 10));
  await share.process.stop();
  const file = await inspected([share.manifestPath]);
  assert.equal([file["name"], file["kind"], file["bytes"]], ["film.bin", "file", "10"]);
  const ticket = await notToBeHad([share.ticket, "--timeout", "500ms"]);
  assert.equal([ticket["contentId"], ticket["name"], ticket["kind"]], [share.contentId, "film.bin", ""]);
  assert.equal(ticket["entries"], []);

  const { exitCode, stdout, stderr } = await runGoshare(["inspect", share.ticket, "--timeout", "500ms"]);
  assert.is(exitCode, 3);
  assert.match(stdout, share.contentId);
  assert.match(
    stderr,
    /^looking for .*\nthe manifest is not available: size.*\nerror: the manifest is not available now: cannot reach .*\n {2}check that somebody is sharing it/,
  );
});

// Not by the command, which would ask a tracker that happens to run on this machine.
test("a content id that nobody knows is shown by itself, at once", async () => {
  const what = "cd".repeat(32);
  const options = { what, trackers: [], probeLocalTracker: false, timeoutMs: 3_600_000 };
  const events: GoshareEvent[] = [];
  const problem = await inspect(options, (event) => events.push(event), new AbortController().signal);
  assert.is(problem?.code, "NO_PEERS");
  const [found] = events;
  assert.ok(events.length === 1 && found?.type === "inspected");
  assert.equal([found.contentId, found.name, found.kind], [what, "", ""]);
});

test("a manifest in pages is fetched whole", async () => {
  const source = join(scratch.folder(), "long names");
  for (let i = 0; i < 3_000; i++) writeRandom(join(source, `${i} `.padEnd(250, "x")), 0);
  const share = await startShare(source);
  const found = await inspected([share.ticket]);
  assert.is(Array.isArray(found["entries"]) && found["entries"].length, 3_000);
  await share.process.stop();
});

test.run();
