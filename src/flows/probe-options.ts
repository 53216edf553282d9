// How a tracker looks whether a peer is where it says, and how long whoever waits for that has to wait.
import { type ConnectionOptions, defaultConnectionOptions } from "../peer/options.js";

/** A peer that is there answers sooner, and one that is not must not keep others waiting. */
export const PROBE_OPTIONS: ConnectionOptions = {
  ...defaultConnectionOptions,
  dialTimeoutMs: 3_000,
  helloTimeoutMs: 3_000,
};

/** After so long a probe has come to an end. */
export const MAX_PROBE_MS = PROBE_OPTIONS.dialTimeoutMs + PROBE_OPTIONS.helloTimeoutMs;
