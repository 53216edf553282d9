import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { spawnGoshare } from "../support/goshare-child.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { startShare } from "../support/transfer.js";

const scratch = new ScratchFolder();

const MAIN = fileURLToPath(new URL("../../src/program/main.js", import.meta.url));
const TRACKER = ["tracker", "--store", "memory", "--listen", "127.0.0.1:0"];

interface Ran {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...argv: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], { timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

test.after(() => {
  killAll();
  scratch.remove();
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  test(`a tracker says where it listens, and ${signal} ends it with stopped and exit code 0`, async () => {
    const tracker = new GoshareProcess(TRACKER);
    const { endpoint } = await tracker.waitFor("listening");
    assert.match(String(endpoint), /^127\.0\.0\.1:[1-9]\d*$/);
    assert.equal(await tracker.stop(signal), { exitCode: 0, signal: null });
    assert.equal(tracker.events.at(-1), { stopped: { signal, bytesSent: "0" } });
    assert.is(tracker.stderr, "");
  });
}

test("what nohup has started outlives its terminal", async () => {
  const tracker = new GoshareProcess(TRACKER, undefined, { env: { _: "/usr/bin/nohup" } });
  await tracker.waitFor("listening");
  tracker.kill("SIGHUP");
  assert.equal(await tracker.stop("SIGTERM"), { exitCode: 0, signal: null });
  assert.equal(tracker.events.at(-1), { stopped: { signal: "SIGTERM", bytesSent: "0" } });
});

test("a tracker logs to stderr and hands out metrics if it is told so, and its events stay as they are", async () => {
  const tracker = new GoshareProcess([...TRACKER, "--log-level", "debug", "--metrics", "127.0.0.1:0"]);
  const { endpoint } = await tracker.waitFor("listening");
  const { endpoint: metrics } = await tracker.waitFor("metricsListening");
  assert.match(await (await fetch(`http://${metrics}/metrics`)).text(), "goshare_tracker_peers 0\n");
  const asked = new GoshareProcess(["tracker", "status", String(endpoint)]);
  assert.is((await asked.exited).exitCode, 0);
  assert.equal(await tracker.stop(), { exitCode: 0, signal: null });
  assert.equal(
    tracker.events.map((event) => Object.keys(event)[0]),
    ["metricsListening", "listening", "stopped"],
  );
  const lines = tracker.stderr.trim().split("\n");
  const said = lines.map((line) => JSON.parse(line)["msg"]);
  assert.equal(said, [
    ...["metrics", "listening", "call", "call"],
    ...["stopping: running calls may finish", "stopped"],
  ]);
});

test("a second tracker at the same port ends with ADDRESS_IN_USE and exit code 4", async () => {
  const first = new GoshareProcess(TRACKER);
  const { endpoint } = await first.waitFor("listening");
  const second = new GoshareProcess(["tracker", "--store", "memory", "--listen", String(endpoint)]);
  const failed = await second.waitFor("failed");
  assert.is(failed["code"], "ADDRESS_IN_USE");
  assert.equal(await second.exited, { exitCode: 4, signal: null });
  await first.stop();
});

test("usage errors end the process with 2 and leave stdout alone", async () => {
  const { code, stdout, stderr } = await run("share");
  assert.is(code, 2);
  assert.is(stdout, "");
  assert.match(stderr, /^error: /);
});

test("help is printed on stdout without escape sequences where nobody watches", async () => {
  const { code, stdout, stderr } = await run("--help");
  assert.is(code, 0);
  assert.is(stderr, "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  assert.not.match(stdout, /\u001b/);
});

test("a reader that goes away is no reason for a stack, nor for the tracker to end", async () => {
  const child = spawn(process.execPath, [MAIN, ...TRACKER, "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  try {
    await once(child.stdout, "data");
    child.stdout.destroy();
    await once(child.stdout, "close");
    child.kill("SIGTERM");
    const [code] = await once(child, "close");
    assert.is(code, 0, stderr);
    assert.is(stderr, "");
  } finally {
    child.kill("SIGKILL");
  }
});

test("whoever reads slowly gets all of it: a process does not end before it is taken", async () => {
  const folder = join(scratch.folder(), "many names");
  mkdirSync(folder);
  const names = Array.from({ length: 3_000 }, (_, n) => `${"a name that takes room ".repeat(4)}${n}`);
  for (const name of names) writeFileSync(join(folder, name), "");
  const share = await startShare(folder);
  const child = spawnGoshare(["inspect", `${folder}.goshare`, "--json"]);
  // Longer than a process stays when it is over.
  await setTimeout(3_000);
  const [stdout] = await Promise.all([text(child.stdout), once(child, "close")]);
  const { inspected } = JSON.parse(stdout.split("\n")[0] ?? "");
  assert.is(inspected.entries.length, names.length);
  assert.match(stdout, /\n\{"done":.*\}\n$/);
  await share.process.stop();
});

test.run();
