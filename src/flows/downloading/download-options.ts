// The options of a download: one object, made by its caller. Does nothing.
import type { Writable } from "node:stream";
import type { Endpoint, ListenAddress } from "../../address/endpoint.js";
import type { IfTaken } from "../../storage/part/taken-name.js";
import type { RateBudget } from "../../swarm/rate-budget.js";

export interface DownloadOptions {
  /** A ticket, the path of a .goshare file, or a content id. */
  readonly what: string;
  /** Made if it is not there. */
  readonly outputDirectory: string;
  /** Where the bytes of the one file go instead, in order and verified; nothing is then kept on the disk. */
  readonly output: Writable | undefined;
  /** A folder with an older version: chunks that it already has are copied, not fetched. */
  readonly reuseDirectory: string | undefined;
  /** Whether chunks are asked for in the order of the share. */
  readonly sequential: boolean;
  /** Patterns of paths within the share, with "!" before those to leave out; none: everything. */
  readonly select: readonly string[];
  /** What to do if the name of the share is taken there. */
  readonly ifTaken: IfTaken;
  readonly trackers: readonly Endpoint[];
  /** Whether to look for a tracker on this machine if none is named. */
  readonly probeLocalTracker: boolean;
  /** How long to wait for a manifest, or for the next verified chunk. */
  readonly timeoutMs: number;
  /** The rate at which chunks may be asked for; undefined: no limit. */
  readonly downloadBudget: RateBudget | undefined;
  /** The rate at which chunks may be sent; undefined: no limit. */
  readonly uploadBudget: RateBudget | undefined;
  readonly listen: ListenAddress;
  /** False: `listen` is the default, and a free port will do if it is taken. */
  readonly listenGiven: boolean;
  /** Peers to be connected to at most. */
  readonly maxPeers: number;
  /** Connections accepted from one address. */
  readonly maxConnectionsPerHost: number;
  /** Whether to go on serving when everything is there. */
  readonly seed: boolean;
}

type OrderWish = Pick<DownloadOptions, "select" | "sequential" | "output">;

/** A download that wants particular chunks, or all in order, asks for them: offers are of what others have to give. */
export function takesOffers({ select, sequential, output }: OrderWish): boolean {
  return select.length === 0 && !sequential && output === undefined;
}
