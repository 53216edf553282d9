// The examples of the documentation, run as they stand.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { REPOSITORY } from "../support/repository.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

const LIFETIME_MS = 60_000;
const EXAMPLES = join(REPOSITORY, "docs", "examples");

function start(name: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join(EXAMPLES, name), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIFETIME_MS,
    killSignal: "SIGKILL",
  });
  const stderr = text(child.stderr);
  const ended = once(child, "close").then(async ([exitCode]) => ({ exitCode, stderr: await stderr }));
  return { child, ended };
}

async function firstLine(child: ReturnType<typeof start>["child"]): Promise<string> {
  let seen = "";
  for await (const part of child.stdout) {
    seen += String(part);
    const end = seen.indexOf("\n");
    if (end !== -1) return seen.slice(0, end);
  }
  throw new Error(`it ended without a line: ${seen}`);
}

test("one example shares until another has everything, and that one says how far it is", async () => {
  const file = scratch.file("data", 40 * MIB);
  const sender = start("send-a-folder.mjs", [file]);
  const ticket = await firstLine(sender.child);
  const receiver = start("fetch-with-progress.mjs", [ticket, scratch.folder()]);
  const received = await firstLine(receiver.child);
  for (const { ended } of [sender, receiver]) {
    const { exitCode, stderr } = await ended;
    assert.is(exitCode, 0, stderr);
  }
  assert.is(sha256Of(received), sha256Of(file));
  assert.match((await receiver.ended).stderr, /100 %, \d peers\n41943040 bytes received\n$/);
});

test("a tracker, a share and a download live in one program", async () => {
  const file = scratch.file("data", 2 * MIB);
  const example = start("tracker-in-a-program.mjs", [file, scratch.folder()]);
  const received = await firstLine(example.child);
  const { exitCode, stderr } = await example.ended;
  assert.is(exitCode, 0, stderr);
  assert.is(stderr, "data: 2097152 bytes\n");
  assert.is(sha256Of(received), sha256Of(file));
});

test("an example that fails says why, and ends with the exit code of its error", async () => {
  const example = start("fetch-with-progress.mjs", ["nonsense", scratch.folder()]);
  const { exitCode, stderr } = await example.ended;
  assert.is(exitCode, 2, stderr);
  assert.match(stderr, /^[A-Z_]+: /);
});

test("every example is run here", () => {
  const source = readFileSync(join(REPOSITORY, "test", "library", "examples.test.ts"), "utf8");
  for (const name of readdirSync(EXAMPLES)) assert.ok(source.includes(`"${name}"`), name);
});

test.run();
