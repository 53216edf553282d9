// The end of a process that has to end at once, whatever its threads wait for.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ScratchFolder } from "../support/scratch-folder.js";

const EVENTS = fileURLToPath(new URL("../../src/cli/process-events.js", import.meta.url));
const scratch = new ScratchFolder();
test.after(() => scratch.remove());

/** Ends itself by a second signal while a thread opens a pipe that nobody writes to, as one does that waits for a disk. */
function program(pipe: string): string {
  return `
    import { Worker } from "node:worker_threads";
    import { processEvents } from ${JSON.stringify(EVENTS)};
    const stuck = "require('node:worker_threads').parentPort.postMessage('');" +
      "require('node:fs').openSync(" + JSON.stringify(${JSON.stringify(pipe)}) + ", 'r')";
    processEvents.onStopSignal(() => undefined);
    new Worker(stuck, { eval: true, execArgv: [] }).once("message", () => processEvents.exitNow(130, "SIGINT"));
  `;
}

test("a process ends at once though one of its threads cannot be stopped", async () => {
  const pipe = join(scratch.folder(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program(pipe)], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const [exitCode, signal]: unknown[] = await once(child, "exit");
  assert.equal([exitCode, signal], [null, "SIGINT"]);
});

test.run();
