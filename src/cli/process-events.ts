// The real process: its signals, what nobody caught, and its end. Never prints.
import type { Writable } from "node:stream";
import type { ProcessEvents, StopSignal } from "./context.js";

/** How long a process that is to end at once waits for whoever reads its last line. */
const LAST_WORDS_MS = 500;

const OUTPUTS: readonly Writable[] = [process.stdout, process.stderr];
const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

export const processEvents: ProcessEvents = {
  onStopSignal(listener) {
    for (const signal of STOP_SIGNALS) process.on(signal, listener);
    return () => {
      for (const signal of STOP_SIGNALS) process.off(signal, listener);
    };
  },

  onCrash(listener) {
    // An emptied event loop is a promise that nobody will settle: without this it would look like success.
    const onEmpty = () => listener(new Error("nothing was left to wait for, and the command had not ended"));
    process.on("uncaughtException", listener);
    process.on("beforeExit", onEmpty);
    return () => {
      process.off("uncaughtException", listener);
      process.off("beforeExit", onEmpty);
    };
  },

  exitNow(exitCode) {
    if (OUTPUTS.every(({ writableLength }) => writableLength === 0)) process.exit(exitCode);
    const exit = () => process.exit(exitCode);
    setTimeout(exit, LAST_WORDS_MS);
    void outputTaken().then(exit);
  },
};

/** Resolves when everything that was written has been taken by whoever reads it, or nobody reads it any more. A pipe
 * holds 64 KiB, and Node keeps the rest: what ends the process before has cut its output off. */
export async function outputTaken(): Promise<void> {
  await Promise.all(
    OUTPUTS.map((stream) => new Promise<void>((resolve) => stream.write("", () => resolve()))),
  );
}
