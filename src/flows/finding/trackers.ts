// Which trackers a flow uses: those that the user names, those that a ticket or .goshare file names, and one on this
// machine if it answers at once. Asks only whether that one is there.
import { type Endpoint, formatEndpoint, isTellable } from "../../address/endpoint.js";
import { hostScope } from "../../address/host.js";
import { DEFAULT_TRACKER_PORT } from "../../tracker/limits.js";
import { probeTracker } from "../../tracker/probe.js";
import type { ContentSource } from "./content-source.js";

const LOCAL_TRACKER: Endpoint = { host: "localhost", port: DEFAULT_TRACKER_PORT, transport: "tcp" };
/** How long a tracker that nobody named may take to answer. */
export const LOCAL_PROBE_MS = 200;

export interface TrackerWish {
  /** The trackers, as they were named. */
  readonly trackers: readonly Endpoint[];
  /** Whether to look for one on this machine if none is named. */
  readonly probeLocalTracker: boolean;
}

/** `named` without repetition; if none was named and `probeLocal`, the one on this machine if it answers. */
export async function chooseTrackers(
  named: readonly Endpoint[],
  probeLocal: boolean,
): Promise<readonly Endpoint[]> {
  // The first counts: the user's come before a ticket's, and with them the certificate to expect.
  const unique = new Map<string, Endpoint>();
  for (const tracker of named) {
    const name = formatEndpoint(tracker);
    if (!unique.has(name)) unique.set(name, tracker);
  }
  if (named.length === 0 && probeLocal && (await probeTracker(LOCAL_TRACKER, LOCAL_PROBE_MS))) {
    return [LOCAL_TRACKER];
  }
  return [...unique.values()];
}

/** The trackers to ask for `source`: those that the user names, then those in `source`. One on this machine is looked
 * for only if `source` names no peer either. */
export function trackersFor(
  source: Pick<ContentSource, "trackers" | "peers">,
  { trackers, probeLocalTracker }: TrackerWish,
): Promise<readonly Endpoint[]> {
  const named = [...trackers, ...source.trackers];
  return chooseTrackers(named, probeLocalTracker && source.peers.length === 0);
}

/** Those of `trackers` that other machines can reach, with the addresses to reach them, for tickets and .goshare files.
 * One on loopback gets this machine's address for others if it answers there, and is left out if not. `own`: this
 * machine's endpoints, best first; if they are loopback too, there are no other machines. */
export async function trackersForOthers(
  trackers: readonly Endpoint[],
  own: readonly Endpoint[],
): Promise<readonly Endpoint[]> {
  const [best] = own;
  const tellable = trackers.filter(isTellable);
  if (best === undefined || hostScope(best.host) === "loopback") return tellable;
  const reachable = await Promise.all(
    tellable.map(async (tracker) => {
      if (hostScope(tracker.host) !== "loopback") return tracker;
      const outside = { ...tracker, host: best.host };
      return (await probeTracker(outside, LOCAL_PROBE_MS)) ? outside : undefined;
    }),
  );
  return reachable.filter((tracker) => tracker !== undefined);
}
