#!/usr/bin/env node
// The program. Looks at Node's version before anything is loaded that an old Node cannot read, then runs the
// command and leaves its exit code. Imports nothing of ours by itself for that reason.

/** As in package.json ("engines"), where a test compares it. */
const OLDEST_NODE: readonly [major: number, minor: number] = [20, 19];

/** How long the process may linger when the command is over, what it said has been read, and something still keeps it
 * alive. */
const LINGER_MS = 2_000;

async function main(): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    process.stderr.write(
      `error: goshare needs Node ${OLDEST_NODE.join(".")} or newer, and this is ${process.version}\n  see https://nodejs.org/\n`,
    );
    process.exitCode = 1;
    return;
  }

  const [{ tuneV8 }, { runCli }, { flows }, { processEvents }, { EXIT }, { monotonicClock }] =
    await Promise.all([
      import("./v8-tuning.js"),
      import("./entry.js"),
      import("./flows.js"),
      import("./process-events.js"),
      import("../core/errors.js"),
      import("../core/clock.js"),
    ]);
  // The calls of a tracker are JavaScript, and would take half as long again.
  if (process.argv[2] !== "tracker") tuneV8();
  // Until a command has said otherwise, an end is a bug.
  process.exitCode = EXIT.bug;
  const { stdin, stdout, stderr, env } = process;
  process.exitCode = await runCli({
    argv: process.argv.slice(2),
    stdin,
    stdout,
    stderr,
    env,
    colorDepth: 1,
    processEvents,
    flows,
    clock: monotonicClock,
  });
  await processEvents.outputTaken();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

await main();
