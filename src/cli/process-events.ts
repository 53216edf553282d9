// The real process: its signals, what nobody caught, and its end. Never prints.
import { basename } from "node:path";
import type { Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { diskErrorCode, errnoOf, GoshareError, isErrno } from "../core/errors.js";
import type { ProcessEvents, StopSignal } from "./context.js";
import { isTerminal } from "./render/palette.js";

/** How long a process that is to end at once waits for whoever reads its last line. */
const LAST_WORDS_MS = 500;

const OUTPUTS: readonly Writable[] = [process.stdout, process.stderr];

/** Whoever starts goshare with nohup wants it to outlive its terminal. Node forgets at its start which signals were
 * ignored, so only shells that name the program they started (bash, zsh) tell. */
const outlivesTerminal = basename(process.env["_"] ?? "") === "nohup";
if (outlivesTerminal) process.on("SIGHUP", () => undefined);
const STOP_SIGNALS: readonly StopSignal[] = outlivesTerminal
  ? ["SIGINT", "SIGTERM"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

let outputFailure: GoshareError | undefined;
const onOutputFailure = new Set<(error: GoshareError) => void>();

process.stdout.on("error", (error) => {
  // The reader has gone: no reason to stop a transfer. The rest of the output is lost with the reader.
  if (isErrno(error, "EPIPE", "ECONNRESET") || isTerminal(process.stdout) || outputFailure !== undefined)
    return;
  outputFailure = new GoshareError(
    diskErrorCode(errnoOf(error) ?? "") ?? "DISK_FAILED",
    `cannot write to standard output: ${error.message}`,
    { hint: "free some space there or write it elsewhere, and run the same command again", cause: error },
  );
  for (const listener of onOutputFailure) listener(outputFailure);
});
// Nothing is left to say it with.
process.stderr.on("error", () => undefined);

/** Node's own exit waits for its threads, and a thread that waits for a disk may do so for ever. A shell sees the same
 * exit code. In the first process of a container nothing happens, since the system spares it its own signals. */
function endBySignal(signal: StopSignal): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

export const processEvents: ProcessEvents = {
  onStopSignal(listener) {
    for (const signal of STOP_SIGNALS) process.on(signal, listener);
    return () => {
      for (const signal of STOP_SIGNALS) process.off(signal, listener);
    };
  },

  onCrash(listener) {
    // An event loop that runs empty means a promise that nobody will settle: without this it would look like success.
    const onEmpty = () =>
      listener(new Error("there was nothing left to wait for, but the command had not ended"));
    process.on("uncaughtException", listener);
    process.on("beforeExit", onEmpty);
    return () => {
      process.off("uncaughtException", listener);
      process.off("beforeExit", onEmpty);
    };
  },

  onOutputFailure(listener) {
    onOutputFailure.add(listener);
    return () => onOutputFailure.delete(listener);
  },

  // A pipe holds 64 KiB, and Node keeps the rest: whoever ends the process before that is read cuts its output off.
  async outputTaken() {
    await Promise.all(
      OUTPUTS.filter(({ writableLength }) => writableLength > 0).map(
        (stream) => new Promise<void>((resolve) => stream.write("", () => resolve())),
      ),
    );
    // Node reports that a write has failed a little later than that it is over.
    await setImmediate();
    return outputFailure;
  },

  exitNow(exitCode, signal) {
    const exit = () => {
      if (signal !== undefined) endBySignal(signal);
      process.exit(exitCode);
    };
    if (OUTPUTS.every(({ writableLength }) => writableLength === 0)) exit();
    setTimeout(exit, LAST_WORDS_MS);
    void this.outputTaken().then(exit);
  },
};
