// Texts from the command line → the values that flows take. Every refusal is USAGE and names the option.
import {
  type Endpoint,
  type ListenAddress,
  requireListenAddress,
  requireTrackerEndpoint,
} from "../address/endpoint.js";
import { MAX_TIMER_MS } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import { LOG_LEVELS, type LogLevel } from "../core/log-level.js";
import { formatBytes, formatRate, parseBytes, parseBytesPerSecond, parseDurationMs } from "../core/units.js";
import { defaultPeerListen, MIN_BYTES_PER_SECOND } from "../flows/defaults.js";
import { isChunkSize, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from "../manifest/limits.js";
import type { IfTaken } from "../storage/part/taken-name.js";
import { RateBudget } from "../swarm/rate-budget.js";
import { DEFAULT_TRACKER_PORT, MAX_PEERS_KEPT } from "../tracker/limits.js";
import { OPTIONS } from "./option-table.js";
import { COLOR_MODES, type ColorMode } from "./render/palette.js";

const MIN_TIMEOUT_MS = 100;

/** On no usual machine can a process have more files open. */
const MAX_COUNT = 65_535;

export interface TrackerChoice {
  readonly trackers: readonly Endpoint[];
  /** Nobody named a tracker: one that answers on this machine is used. */
  readonly probeLocalTracker: boolean;
}

export function trackerChoice(given: readonly string[] = []): TrackerChoice {
  const trackers = given.map((text) =>
    requireTrackerEndpoint(text, OPTIONS.tracker.names, DEFAULT_TRACKER_PORT),
  );
  return { trackers, probeLocalTracker: trackers.length === 0 };
}

/** Where to accept peers. */
export function peerListenArgument(text: string | undefined): ListenAddress {
  if (text === undefined) return defaultPeerListen;
  return requireListenAddress(text, OPTIONS.peerListen.names, defaultPeerListen.port);
}

export function chunkSizeArgument(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes !== undefined && isChunkSize(bytes)) return bytes;
  const range = `${formatBytes(MIN_CHUNK_BYTES)} to ${formatBytes(MAX_CHUNK_BYTES)}`;
  return refuse(OPTIONS.chunkSize.names, text, `a power of two from ${range}, for example 1MiB`);
}

export function timeoutArgument(text: string | undefined, defaultMs: number): number {
  if (text === undefined) return defaultMs;
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= MIN_TIMEOUT_MS && ms <= MAX_TIMER_MS) return ms;
  return refuse(OPTIONS.timeout.names, text, "a duration from 100ms to 24 days, for example 30s or 5min");
}

/** The budget of --upload-limit or --download-limit, one for the whole process; undefined: no limit. */
export function rateArgument(
  option: typeof OPTIONS.uploadLimit | typeof OPTIONS.downloadLimit,
  text: string | undefined,
): RateBudget | undefined {
  if (text === undefined) return undefined;
  const bytesPerSecond = parseBytesPerSecond(text);
  if (bytesPerSecond !== undefined && bytesPerSecond >= MIN_BYTES_PER_SECOND)
    return new RateBudget(bytesPerSecond);
  const least = formatRate(MIN_BYTES_PER_SECOND);
  return refuse(option.names, text, `a rate of at least ${least}, for example 500KiB/s or 10MiB/s`);
}

type CountOption = (typeof OPTIONS)[
  | "maxPeers"
  | "maxConnectionsPerHost"
  | "untilCopies"
  | "perAddressLimit"
  | "perContentLimit"];

/** A number of peers, connections, copies or calls, at least 1. The peers that a tracker keeps need no connections, so
 * there may be more of them. */
export function countArgument<Default>(
  option: CountOption,
  text: string | undefined,
  defaultCount: Default,
): number | Default {
  if (text === undefined) return defaultCount;
  const most = option === OPTIONS.perContentLimit ? MAX_PEERS_KEPT : MAX_COUNT;
  const count = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= most) return count;
  return refuse(option.names, text, `a number from 1 to ${most}`);
}

/** What --overwrite and --rename ask for. */
export function ifTakenArgument(overwrite: boolean, rename: boolean): IfTaken {
  if (overwrite && rename)
    throw new GoshareError("USAGE", "--overwrite and --rename cannot be used together", {
      hint: "choose one of them",
    });
  return overwrite ? "replace" : rename ? "rename" : "refuse";
}

export function logLevelArgument(text: string): LogLevel {
  return (
    LOG_LEVELS.find((level) => level === text) ?? refuse(OPTIONS.logLevel.names, text, LOG_LEVELS.join(", "))
  );
}

export function colorArgument(text: string): ColorMode {
  return (
    COLOR_MODES.find((mode) => mode === text) ?? refuse(OPTIONS.color.names, text, COLOR_MODES.join(", "))
  );
}

function refuse(option: string, text: string, wanted: string): never {
  throw new GoshareError("USAGE", `${option} ${JSON.stringify(text)} is not understood`, {
    hint: `it takes ${wanted}`,
  });
}
