// Bash scripts that drive goshare by what --json prints, with jq, as people write them. They are run as they stand and
// judge by themselves; here they are given `goshare`, and a machine of their own to remember things on.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { programProblem } from "../support/installed-program.js";
import { REPOSITORY } from "../support/repository.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";

const SCRIPTS = join(REPOSITORY, "test", "scripts");
const MAIN = fileURLToPath(new URL("../../src/program/main.js", import.meta.url));
const LIFETIME_MS = 90_000;
/** What the other scripts share. */
const SESSION = "session.sh";

const scratch = new ScratchFolder();
test.after(() => scratch.remove());

const problem = programProblem("jq", "--version", "GOSHARE_REQUIRE_JQ");
const scripts = readdirSync(SCRIPTS).filter((name) => name !== SESSION);

test("there is a script for each thing that scripts do", () => {
  const things = ["download", "resume", "share", "stop", "verify", "wait"];
  assert.equal(
    scripts.sort(),
    things.map((thing) => `${thing}.sh`),
  );
});

for (const script of scripts) {
  const title = `a script with jq can ${script.replace(/\.sh$/, "")}`;
  if (problem === undefined) test(title, () => runScript(script));
  else skipTest(title, problem);
}

async function runScript(script: string): Promise<void> {
  const bin = scratch.folder();
  const home = scratch.folder();
  writeFileSync(join(bin, "goshare"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, {
    mode: 0o755,
  });
  const child = spawn("bash", [join(SCRIPTS, script)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...{ PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`, TMPDIR: home },
      ...{ GOSHARE_TRACKER: "", GOSHARE_TICKET: "", XDG_STATE_HOME: home, XDG_CONFIG_HOME: home },
    },
    // Its own way out ends what it started.
    killSignal: "SIGTERM",
    timeout: LIFETIME_MS,
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  assert.is(stderr, "");
  assert.is(stdout, "");
  assert.is(exitCode, 0);
}

test.run();
