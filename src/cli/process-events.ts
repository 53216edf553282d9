// The real process: its signals, what nobody caught, and its end. Never prints.
import type { ProcessEvents, StopSignal } from "./context.js";

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

  exitNow: (exitCode) => process.exit(exitCode),
};
