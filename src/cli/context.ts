// What a command is given instead of reaching for globals: streams, environment, the process's signals, and the flows.
// Tests give their own. Decides nothing.
import type { BaseContext } from "clipanion";
import type { Clock } from "../core/clock.js";
import type { GoshareError } from "../core/errors.js";

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The process as a command sees it. Each `on…` returns how to stop listening. */
export interface ProcessEvents {
  onStopSignal(listener: (signal: StopSignal) => void): () => void;
  /** Something was thrown where nobody could catch it, or nothing is left to wait for. */
  onCrash(listener: (thrown: unknown) => void): () => void;
  /** Standard output cannot be written, such as on a full disk. A reader that has gone does not count. */
  onOutputFailure(listener: (error: GoshareError) => void): () => void;
  /** Resolves when readers have taken everything that was written, or nobody reads it any more; with the first failure
   * of standard output, if there was one. */
  outputTaken(): Promise<GoshareError | undefined>;
  /** Ends the process at once; if the reader of its output is behind, after at most half a second for the last words.
   * With `signal`, ends it by that signal, which also stops threads that wait for a disk. */
  exitNow(exitCode: number, signal?: StopSignal): void;
}

/** Loads a flow when its command runs: `--help` must not wait for sockets and worker pools. */
export interface Flows {
  share(): Promise<Pick<typeof import("../flows/share.js"), "requireShareable" | "prepareShare">>;
  download(): Promise<Pick<typeof import("../flows/download.js"), "download">>;
  downloads(): Promise<Pick<typeof import("../flows/downloads.js"), "downloadSeveral">>;
  inspect(): Promise<Pick<typeof import("../flows/inspect.js"), "inspect">>;
  verify(): Promise<Pick<typeof import("../flows/verify.js"), "verify">>;
  status(): Promise<Pick<typeof import("../flows/status.js"), "status">>;
  trackerStatus(): Promise<Pick<typeof import("../flows/tracker-status.js"), "trackerStatus">>;
  doctor(): Promise<Pick<typeof import("../flows/doctor.js"), "doctor">>;
  begun(): Promise<Pick<typeof import("../flows/downloading/begun-downloads.js"), "resumableDownloads">>;
  discard(): Promise<Pick<typeof import("../flows/discard.js"), "discard">>;
  tracker(): Promise<Pick<typeof import("../flows/tracker.js"), "startTracker">>;
}

export interface CommandContext extends BaseContext {
  /** What stands after `goshare` on the command line. */
  readonly argv: readonly string[];
  readonly processEvents: ProcessEvents;
  readonly flows: Flows;
  readonly clock: Clock;
}
