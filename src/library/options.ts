// Options of the library as programs give them: texts for addresses, numbers with their units, everything optional.
// Only here are they turned into options of the flows. Programs without types may give anything: what has the wrong
// kind is refused with USAGE.
import { inspect } from "node:util";
import { requireEndpoint, requireListenAddress, requireTrackerEndpoint } from "../address/endpoint.js";
import { GoshareError } from "../core/errors.js";
import { defaultFlowOptions, defaultPeerListen, MIN_BYTES_PER_SECOND } from "../flows/defaults.js";
import type { DownloadOptions } from "../flows/downloading/download-options.js";
import type { InspectOptions } from "../flows/inspect.js";
import type { ShareOptions } from "../flows/share.js";
import { isChunkSize, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from "../manifest/limits.js";
import type { IfTaken } from "../storage/part/taken-name.js";
import { RateBudget } from "../swarm/rate-budget.js";
import { DEFAULT_TRACKER_PORT } from "../tracker/limits.js";

/** Options of every call. */
export interface CallOptions {
  /** Ends the work; verified chunks are kept. */
  readonly signal?: AbortSignal | undefined;
  /** Trackers, HOST:PORT each. No others are looked for. */
  readonly trackers?: readonly string[] | undefined;
}

/** Options of both ends of a transfer. */
export interface PeerCallOptions extends CallOptions {
  /** Where to accept peers, HOST:PORT; port 0: any free one. Not given: port 9000 of every address, or a free port if
   * that is taken. */
  readonly listen?: string | undefined;
  /** Limit of what is sent to all peers together. */
  readonly uploadBytesPerSecond?: number | undefined;
  /** Exchanges with at most so many peers at a time. */
  readonly maxPeers?: number | undefined;
  /** Connections accepted from one address. */
  readonly maxConnectionsPerHost?: number | undefined;
}

export interface ShareCallOptions extends PeerCallOptions {
  /** Where others reach this machine, HOST:PORT each; replaces its own addresses. */
  readonly advertise?: readonly string[] | undefined;
  /** Where to write the .goshare file; beside the share if not given. */
  readonly manifestPath?: string | undefined;
  /** A power of two from 64 KiB to 4 MiB; chosen by size if not given. */
  readonly chunkSizeBytes?: number | undefined;
  /** False keeps the manifest away from trackers. */
  readonly publish?: boolean | undefined;
  /** Patterns of what to leave out of a folder, such as "*.tmp" or "build/**". */
  readonly exclude?: readonly string[] | undefined;
  /** A folder in which digests are remembered, so that unchanged files are not read again; none if not given. */
  readonly stateDirectory?: string | undefined;
  /** Whether all files are read, whatever is remembered. */
  readonly rehash?: boolean | undefined;
}

export interface DownloadCallOptions extends PeerCallOptions {
  /** The folder to download into; "downloads" if not given. */
  readonly output?: string | undefined;
  /** Only what matches, such as "*.jpg" or "photos/2024"; "!GLOB" leaves out. Everything if not given. */
  readonly select?: readonly string[] | undefined;
  /** What to do if the name of the share is taken; "refuse" if not given. */
  readonly ifTaken?: "refuse" | "replace" | "rename" | undefined;
  /** A folder with an older version: chunks that it already has are copied, not fetched. */
  readonly reuse?: string | undefined;
  /** Whether chunks are asked for in the order of the share. */
  readonly sequential?: boolean | undefined;
  /** How long nothing may arrive until it gives up, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** No more is asked of all peers together. */
  readonly downloadBytesPerSecond?: number | undefined;
}

export interface ReadCallOptions extends CallOptions {
  /** The one file, by patterns as in DownloadCallOptions, if the share has several. */
  readonly select?: readonly string[] | undefined;
  /** Exchanges with at most so many peers at a time. */
  readonly maxPeers?: number | undefined;
  /** How long nothing may arrive until it gives up, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** No more is asked of all peers together. */
  readonly downloadBytesPerSecond?: number | undefined;
}

export interface InspectCallOptions extends CallOptions {
  /** How long to look for the manifest, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

const IF_TAKEN: readonly IfTaken[] = ["refuse", "replace", "rename"];

export function shareOptions(path: string, given: ShareCallOptions): ShareOptions {
  return {
    path: requireText("path", path),
    ...peerOptions(given),
    maxPeers: count("maxPeers", given.maxPeers, defaultFlowOptions.maxSharePeers),
    advertise: texts("advertise", given.advertise).map((one) =>
      requireEndpoint(one, "advertise", defaultPeerListen.port),
    ),
    manifestPath: text("manifestPath", given.manifestPath),
    chunkSizeBytes: chunkSize(given.chunkSizeBytes),
    publish: given.publish ?? true,
    exclude: texts("exclude", given.exclude),
    stateDirectory: text("stateDirectory", given.stateDirectory),
    rehash: given.rehash ?? false,
  };
}

export function downloadOptions(what: string, given: DownloadCallOptions): DownloadOptions {
  return {
    what: requireText("what", what),
    ...peerOptions(given),
    maxPeers: count("maxPeers", given.maxPeers, defaultFlowOptions.maxDownloadPeers),
    outputDirectory: text("output", given.output) ?? defaultFlowOptions.outputDirectory,
    output: undefined,
    select: texts("select", given.select),
    ifTaken: oneOf("ifTaken", IF_TAKEN, given.ifTaken) ?? "refuse",
    reuseDirectory: text("reuse", given.reuse),
    sequential: given.sequential ?? false,
    timeoutMs: count("timeoutMs", given.timeoutMs, defaultFlowOptions.timeoutMs),
    downloadBudget: budget("downloadBytesPerSecond", given.downloadBytesPerSecond),
    seed: false,
  };
}

export function inspectOptions(what: string, given: InspectCallOptions): InspectOptions {
  return {
    what: requireText("what", what),
    ...trackerOptions(given),
    timeoutMs: count("timeoutMs", given.timeoutMs, defaultFlowOptions.timeoutMs),
  };
}

/** `given`, which must be a text. */
export function requireText(name: string, given: unknown): string {
  if (typeof given === "string") return given;
  throw wrong(name, given, "a text");
}

/** `given`, which must be a text if there is one. */
export function text(name: string, given: unknown): string | undefined {
  return given === undefined ? undefined : requireText(name, given);
}

/** `given`, which must be one of `choices` if there is one. */
export function oneOf<T extends string>(name: string, choices: readonly T[], given: unknown): T | undefined {
  const chosen = choices.find((choice) => choice === given);
  if (given === undefined || chosen !== undefined) return chosen;
  throw wrong(name, given, `one of ${choices.join(", ")}`);
}

function texts(name: string, given: unknown = []): readonly string[] {
  if (!Array.isArray(given)) throw wrong(name, given, "an array of texts");
  return given.map((one) => requireText(name, one));
}

function wrong(name: string, given: unknown, wanted: string): GoshareError {
  const shown = inspect(given, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  return new GoshareError("USAGE", `${name} is ${shown}`, { hint: `it must be ${wanted}` });
}

function chunkSize(bytes: number | undefined): number | undefined {
  if (bytes === undefined || isChunkSize(bytes)) return bytes;
  throw wrong("chunkSizeBytes", bytes, `a power of two from ${MIN_CHUNK_BYTES} to ${MAX_CHUNK_BYTES}`);
}

function trackerOptions(given: CallOptions) {
  return {
    trackers: texts("trackers", given.trackers).map((one) =>
      requireTrackerEndpoint(one, "trackers", DEFAULT_TRACKER_PORT),
    ),
    probeLocalTracker: false,
  };
}

function peerOptions(given: PeerCallOptions) {
  const listen = text("listen", given.listen);
  return {
    ...trackerOptions(given),
    listen:
      listen === undefined
        ? defaultPeerListen
        : requireListenAddress(listen, "listen", defaultPeerListen.port),
    listenGiven: listen !== undefined,
    uploadBudget: budget("uploadBytesPerSecond", given.uploadBytesPerSecond),
    maxConnectionsPerHost: count(
      "maxConnectionsPerHost",
      given.maxConnectionsPerHost,
      defaultFlowOptions.maxConnectionsPerHost,
    ),
  };
}

function budget(name: string, bytesPerSecond: number | undefined): RateBudget | undefined {
  if (bytesPerSecond === undefined) return undefined;
  if (typeof bytesPerSecond === "number" && bytesPerSecond >= MIN_BYTES_PER_SECOND)
    return new RateBudget(bytesPerSecond);
  throw wrong(name, bytesPerSecond, `a number of at least ${MIN_BYTES_PER_SECOND}`);
}

function count(name: string, given: number | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (Number.isFinite(given) && given >= 1) return given;
  throw wrong(name, given, "a number of at least 1");
}
