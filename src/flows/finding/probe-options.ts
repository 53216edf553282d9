// How a tracker checks whether a peer is where it says, and how long that takes at most.
import { type ConnectionOptions, defaultConnectionOptions } from "../../peer/options.js";

/** A peer that is there answers sooner; one that is not must not keep others waiting. */
export const PROBE_OPTIONS: ConnectionOptions = {
  ...defaultConnectionOptions,
  dialTimeoutMs: 3_000,
  helloTimeoutMs: 3_000,
};

/** The longest time a probe takes. */
export const MAX_PROBE_MS = PROBE_OPTIONS.dialTimeoutMs + PROBE_OPTIONS.helloTimeoutMs;
