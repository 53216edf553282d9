// Defaults, for the command line and the library alike.
import type { ListenAddress } from "../address/endpoint.js";
import { defaultConnectionOptions, defaultListenerOptions } from "../peer/options.js";
import { defaultDownloadSwarmOptions, defaultServerOptions } from "../swarm/options.js";

export interface FlowOptions {
  readonly outputDirectory: string;
  /** How long a download may stand still, in milliseconds. */
  readonly timeoutMs: number;
  /** Most peers of a share, and of a download. */
  readonly maxSharePeers: number;
  readonly maxDownloadPeers: number;
  readonly maxConnectionsPerHost: number;
}

export const defaultFlowOptions: FlowOptions = Object.freeze({
  outputDirectory: "downloads",
  timeoutMs: 5 * 60_000,
  maxSharePeers: defaultServerOptions.maxNeighbours,
  maxDownloadPeers: defaultDownloadSwarmOptions.maxPeers,
  maxConnectionsPerHost: defaultListenerOptions.maxConnectionsPerHost,
});

/** The lowest rate limit that is allowed: below it peers hang up on each other. */
export const MIN_BYTES_PER_SECOND = defaultConnectionOptions.minBytesPerSecond;

/** Where peers are accepted unless the user says otherwise. */
export const defaultPeerListen: ListenAddress = {
  host: defaultListenerOptions.host,
  port: defaultListenerOptions.port,
};
