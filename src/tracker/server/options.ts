// What a tracker decides for itself, and its defaults. What the protocol decides is in ../limits.ts. By default the
// command keeps what its tracker knows (cli/option-table.ts); a program that starts one says where.
import type { ListenAddress } from "../../address/endpoint.js";
import { MAX_PORT } from "../../address/limits.js";
import { MAX_TIMER_MS } from "../../core/clock.js";
import type { LogLevel } from "../../core/log-level.js";
import { type NumericRanges, resolveOptions } from "../../core/options.js";
import { MIB } from "../../core/units.js";
import {
  DEFAULT_CALLS_PER_ADDRESS,
  DEFAULT_PEERS_PER_CONTENT,
  DEFAULT_TRACKER_PORT,
  MAX_PEERS_KEPT,
  MAX_RENEW_MS,
  MIN_RENEW_MS,
} from "../limits.js";
import { MAX_ROWS } from "./stores/leases/slab.js";

export interface TrackerOptions {
  /** Address or name to listen at; "": every address, IPv4 and IPv6. */
  readonly listenHost: string;
  /** 0: any free port. */
  readonly listenPort: number;
  /** What keeps leases and roots; see stores/open-store.ts. */
  readonly store: string;
  /** Whether addresses that peers announce are listed without proof, besides those at which they are seen. */
  readonly trustAnnounced: boolean;
  /** Whether peers with addresses close to the asker's come first. */
  readonly preferNear: boolean;
  /** Peers that hold a lease. */
  readonly maxPeers: number;
  /** Leases of all peers together. */
  readonly maxLeases: number;
  readonly maxLeasesPerPeer: number;
  /** Leases on one content id, so that others have room too. A refused peer finds peers all the same. */
  readonly maxLeasesPerSwarm: number;
  /** Roots kept, in number and in bytes; 0 to keep none. */
  readonly maxManifests: number;
  readonly maxManifestBytesTotal: number;
  /** Peers are told to renew so often that this process stays below this rate, within the next two bounds; and less
   * often while it has more calls of all kinds than `callsPerSecond`, or its timers are later than `maxLagMs`. */
  readonly renewalsPerSecond: number;
  readonly minRenewMs: number;
  readonly maxRenewMs: number;
  readonly callsPerSecond: number;
  readonly maxLagMs: number;
  /** What one address (an IPv6 /64) may ask: calls a second, and leases that it keeps up. Loopback has no limits. */
  readonly perAddressLimit: number;
  readonly maxLeasesPerAddress: number;
  /** PEM files with the certificate and its key, for TLS; both or neither; and how often they are looked at again. */
  readonly tlsCertPath: string | undefined;
  readonly tlsKeyPath: string | undefined;
  readonly certificateCheckMs: number;
  /** Where Prometheus reads metrics; undefined: nowhere. */
  readonly metrics: ListenAddress | undefined;
  /** The level from which on a log is written to stderr. */
  readonly logLevel: LogLevel;
  readonly maxConnections: number;
  /** How many of them from one address; loopback may have all. */
  readonly maxConnectionsPerAddress: number;
  /** Calls under way, in all and from one address; loopback may have all. */
  readonly maxOpenCalls: number;
  readonly maxOpenCallsPerAddress: number;
  /** The same for calls that may stay open for as long as their caller wishes: watches of health, and reflection. */
  readonly maxOpenStreams: number;
  readonly maxOpenStreamsPerAddress: number;
  /** A connection without calls is closed after this: with many peers, none is to hold a socket between renewals. */
  readonly connectionIdleMs: number;
  /** Running calls get this long when the tracker stops. */
  readonly shutdownGraceMs: number;
}

export const defaultTrackerOptions: TrackerOptions = Object.freeze({
  listenHost: "",
  listenPort: DEFAULT_TRACKER_PORT,
  store: "memory",
  trustAnnounced: false,
  preferNear: false,
  maxPeers: MAX_PEERS_KEPT,
  maxLeases: 1_000_000,
  maxLeasesPerPeer: 10_000,
  maxLeasesPerSwarm: DEFAULT_PEERS_PER_CONTENT,
  maxManifests: 100_000,
  maxManifestBytesTotal: 256 * MIB,
  renewalsPerSecond: 1_000,
  minRenewMs: 30_000,
  maxRenewMs: MAX_RENEW_MS,
  callsPerSecond: 4_000,
  maxLagMs: 50,
  perAddressLimit: DEFAULT_CALLS_PER_ADDRESS,
  maxLeasesPerAddress: 100_000,
  tlsCertPath: undefined,
  tlsKeyPath: undefined,
  certificateCheckMs: 5_000,
  metrics: undefined,
  logLevel: "silent",
  maxConnections: 20_000,
  maxConnectionsPerAddress: 5_000,
  maxOpenCalls: 1_000,
  maxOpenCallsPerAddress: 32,
  maxOpenStreams: 128,
  maxOpenStreamsPerAddress: 8,
  connectionIdleMs: 60_000,
  shutdownGraceMs: 5_000,
});

const COUNT = [0, Number.MAX_SAFE_INTEGER] as const;
/** The range for peers and leases, which have numbered rows. */
const ROWS = [1, MAX_ROWS] as const;
const SOME = [1, Number.MAX_SAFE_INTEGER] as const;
const RENEWAL = [MIN_RENEW_MS, MAX_RENEW_MS] as const;
const DURATION = [0, MAX_TIMER_MS] as const;
const LAG = [1, 60_000] as const;

const ranges: NumericRanges<TrackerOptions> = {
  listenPort: [0, MAX_PORT],
  maxPeers: ROWS,
  maxLeases: ROWS,
  maxLeasesPerPeer: SOME,
  maxLeasesPerSwarm: SOME,
  maxManifests: COUNT,
  maxManifestBytesTotal: COUNT,
  renewalsPerSecond: SOME,
  minRenewMs: RENEWAL,
  maxRenewMs: RENEWAL,
  callsPerSecond: SOME,
  maxLagMs: LAG,
  perAddressLimit: SOME,
  maxLeasesPerAddress: SOME,
  certificateCheckMs: [1, MAX_TIMER_MS],
  maxConnections: SOME,
  maxConnectionsPerAddress: SOME,
  maxOpenCalls: SOME,
  maxOpenCallsPerAddress: SOME,
  maxOpenStreams: SOME,
  maxOpenStreamsPerAddress: SOME,
  connectionIdleMs: DURATION,
  shutdownGraceMs: DURATION,
};

/** `given` over the defaults. Throws USAGE for a number outside its range. */
export function resolveTrackerOptions(given: Partial<TrackerOptions>): TrackerOptions {
  return resolveOptions(defaultTrackerOptions, given, ranges);
}
