// What a command is given instead of reaching for globals: streams, environment, the process's signals, and
// the flows. Tests give others. Decides nothing.
import type { BaseContext } from "clipanion";
import type { Clock } from "../core/clock.js";
import type { GoshareError } from "../core/errors.js";

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** The process as a command sees it. Each `on…` returns how to stop listening. */
export interface ProcessEvents {
  onStopSignal(listener: (signal: StopSignal) => void): () => void;
  /** Something was thrown where nobody could catch it, or nothing is left to wait for. */
  onCrash(listener: (thrown: unknown) => void): () => void;
  /** Standard output cannot be written, such as on a full disk. That its reader has gone is no such thing. */
  onOutputFailure(listener: (error: GoshareError) => void): () => void;
  /** Resolves when everything that was written has been taken by whoever reads it, or nobody reads it any more: with the
   * first failure of standard output, if there was one. */
  outputTaken(): Promise<GoshareError | undefined>;
  /** Ends the process at once; where its reader is behind, after half a second for what was said last. With `signal` by that
   * signal, which stops threads too that wait for a disk. */
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
  begun(): Promise<Pick<typeof import("../flows/begun-downloads.js"), "resumableDownloads">>;
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
