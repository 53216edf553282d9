#!/usr/bin/env node
// The program. Checks Node's version before it loads anything that an old Node cannot read, which is why it has no
// static imports, then runs the command and leaves its exit code.

/** Node 20 will do from this minor version on, and Node 22 from that one on, as will everything newer: as in
 * package.json ("engines"), with which a test compares them. */
const LEAST_MINOR_OF_20 = 19;
const LEAST_MINOR_OF_22 = 9;

/** How long the process may linger when the command is over, what it said has been read, and something still keeps it
 * alive. */
const LINGER_MS = 2_000;

/** Commands that need worker threads. */
const THREADED = ["share", "download", "resume", "verify"];

async function main(): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isEnough =
    major > 22 ||
    (major === 22 && minor >= LEAST_MINOR_OF_22) ||
    (major === 20 && minor >= LEAST_MINOR_OF_20);
  if (!isEnough) {
    const needed = `Node 20.${LEAST_MINOR_OF_20}, 22.${LEAST_MINOR_OF_22} or newer`;
    process.stderr.write(
      `error: goshare needs ${needed}, but this is ${process.version}\n  see https://nodejs.org/\n`,
    );
    process.exitCode = 1;
    return;
  }

  const argv = process.argv.slice(2);
  const isHelp = argv.includes("--help") || argv.includes("-h");
  const isThreaded = !isHelp && THREADED.includes(argv[0] ?? "");
  const early = isThreaded ? await import("../workers/early-pool.js") : undefined;
  early?.startEarlyPool();
  const { processEvents, runProgram } = await import("./program.js");
  await runProgram(argv);
  await early?.closeEarlyPool();
  await processEvents.outputTaken();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

await main();
