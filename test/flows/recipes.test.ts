// The recipes of the documentation, run as they stand between hosts of their own. What reaches them instead of ssh is
// put in their place.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MIB } from "../../src/core/units.js";
import { namespaceTest } from "../support/namespace-test.js";
import { type NetworkHost, NetworkSwitch, removeHosts } from "../support/network-hosts.js";
import { REPOSITORY } from "../support/repository.js";
import { ScratchFolder, sha256Of } from "../support/scratch-folder.js";

const RECIPE = join(REPOSITORY, "docs", "recipes", "to-many-machines");
const MAIN = fileURLToPath(new URL("../../src/program/main.js", import.meta.url));
const LIFETIME_MS = 90_000;
const MACHINES = 6;

const scratch = new ScratchFolder();
test.after(() => {
  removeHosts();
  scratch.remove();
});

/** A folder for the path, with `goshare`, and `reach HOST COMMAND` which runs a command in a host as ssh does. */
function tools(): string {
  const folder = scratch.folder();
  const program = (name: string, line: string) =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  program("goshare", `exec "${process.execPath}" "${MAIN}" "$@"`);
  program("reach", `exec ip netns exec "$1" sh -c "cd '${folder}' && mkdir -p $1 && cd $1 && $2"`);
  return folder;
}

async function runRecipe(from: NetworkHost, bin: string, args: readonly string[]) {
  const [command = "", ...rest] = [...from.wrapper, RECIPE, ...args];
  const child = spawn(command, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PATH: `${bin}:${process.env["PATH"] ?? ""}`,
      GOSHARE_RSH: "reach",
      GOSHARE_TRACKER: "",
      XDG_STATE_HOME: join(bin, "state"),
    },
    timeout: LIFETIME_MS,
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { exitCode, stdout, stderr };
}

namespaceTest("one command sends a file to many machines, and ends when all of them have it", async () => {
  const network = new NetworkSwitch();
  const from = network.plug("10.78.0.1/24");
  const machines = Array.from({ length: MACHINES }, (_, n) => network.plug(`10.78.0.${n + 2}/24`));
  const bin = tools();
  const source = scratch.file("a checkpoint.bin", 24 * MIB);
  const names = machines.map(({ name }) => name);
  const { exitCode, stdout, stderr } = await runRecipe(from, bin, [source, "in coming", ...names]);
  assert.is(exitCode, 0, stderr);
  assert.is(stdout, `complete on ${MACHINES} machines\n`);
  for (const name of names) {
    assert.is(sha256Of(join(bin, name, "in coming", "a checkpoint.bin")), sha256Of(source));
  }
  const again = await runRecipe(from, bin, [source, "in coming", ...names]);
  assert.equal([again.exitCode, again.stdout], [0, `complete on ${MACHINES} machines\n`], again.stderr);
});

namespaceTest("a machine that cannot be reached is named, and the others have everything", async () => {
  const network = new NetworkSwitch();
  const from = network.plug("10.79.0.1/24");
  const machine = network.plug("10.79.0.2/24");
  const bin = tools();
  const source = join(scratch.folder(), "data");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content");
  const { exitCode, stderr } = await runRecipe(from, bin, [source, "in", machine.name, "no-such-machine"]);
  assert.is(exitCode, 1);
  assert.match(stderr, /not complete on: no-such-machine\n$/);
  assert.ok(existsSync(join(bin, machine.name, "in", "data", "file")));
});

namespaceTest("what cannot be shared is said, and nobody is asked to fetch it", async () => {
  const network = new NetworkSwitch();
  const from = network.plug("10.80.0.1/24");
  const { exitCode, stderr } = await runRecipe(from, tools(), ["/nowhere/at/all", "in", "machine"]);
  assert.is(exitCode, 1);
  assert.match(stderr, /does not exist/);
  assert.match(stderr, /could not be shared\n$/);
});

test.run();
