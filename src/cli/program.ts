// A run of the program from its command line to its exit code, with everything real: streams, signals, flows.
import { monotonicClock } from "../core/clock.js";
import { EXIT } from "../core/errors.js";
import { runCli } from "./entry.js";
import { flows } from "./flows.js";
import { processEvents } from "./process-events.js";
import { tuneForCalls, tuneForTransfers } from "./v8-tuning.js";

export { processEvents };

/** Runs the command that `argv` names, and leaves its exit code with the process. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  if (argv[0] === "tracker") tuneForCalls();
  else tuneForTransfers();
  // Until a command has said otherwise, an end is a bug.
  process.exitCode = EXIT.bug;
  const { stdin, stdout, stderr, env } = process;
  const streams = { stdin, stdout, stderr, env, colorDepth: 1 };
  process.exitCode = await runCli({ argv, ...streams, processEvents, flows, clock: monotonicClock });
}
