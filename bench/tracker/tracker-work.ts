// What a tracker under measurement holds and is asked, and how the process that asks is told: lines of JSON in both
// directions. Knows no tracker and makes no calls.

/** Peers that hold leases from before the first measured call. */
export interface Population {
  /** Peers with one share each; every second one is of the crowd. */
  readonly singles: number;
  /** Peers with many shares each; every one of them is of the crowd. */
  readonly collectors: number;
  readonly sharesPerCollector: number;
  /** Swarms besides the crowd, over which all other leases are spread. */
  readonly swarms: number;
}

export function leasesOf({ singles, collectors, sharesPerCollector }: Population): number {
  return singles + collectors * sharesPerCollector;
}

/** `announce-one`, `announce-many`: a peer of that kind renews what it holds and wants no peers, as sharers and
 * downloads do. `list-peers`: asks for 50 peers of a share, alternately of the crowd and of another swarm. `mixed`:
 * alternately a renewal of a peer with one share (with many, if nobody has just one) and a list. */
export type CallKind = "announce-one" | "announce-many" | "list-peers" | "mixed";

/** Calls of one kind for a while. */
export interface SliceRequest {
  /** The kind of the event that answers. */
  readonly name: string;
  readonly kind: CallKind;
  readonly durationMs: number;
  /** An open rate; without it a fixed number of calls is under way, and the next follows when one is answered. */
  readonly callsPerSecond?: number | undefined;
}

/** The results of one slice, up to the answer to its last call. */
export interface SliceResult {
  readonly calls: number;
  readonly answerBytes: number;
  readonly seconds: number;
  /** From when a call was sent until its answer was there. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The text of an argument or of a line; a process and its parent are of the same build. */
export function toText(value: Population | SliceRequest): string {
  return JSON.stringify(value);
}
