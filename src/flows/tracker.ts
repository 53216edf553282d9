// Runs a tracker, and lends it what it does not have itself: a peer's way to dial other peers, by which it checks which
// peer is where. Decides nothing.
import { GoshareError } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import { probePeer } from "../peer/probe.js";
import type { TrackerOptions } from "../tracker/server/options.js";
import type { FindPeer } from "../tracker/server/proven-endpoints.js";
import { type RunningTracker, startTracker as startServer } from "../tracker/server/start.js";
import { PROBE_OPTIONS } from "./finding/probe-options.js";
import { newLocalPeer } from "./peers/local-peer.js";

/** Starts a tracker that listens when the promise resolves. Throws USAGE, ADDRESS_IN_USE or PERMISSION_DENIED, or the
 * reason of `signal` if that ends the start. */
export function startTracker(
  options: Partial<TrackerOptions>,
  observe: EventObserver,
  signal?: AbortSignal,
): Promise<RunningTracker> {
  const local = newLocalPeer(() => 0);
  const find: FindPeer = async (endpoint, signal) => {
    try {
      return await probePeer(endpoint, local, PROBE_OPTIONS, signal);
    } catch (thrown) {
      const { blame, code } = GoshareError.from(thrown);
      // A peer that speaks only another version is none that others could be sent to.
      if (blame === "peer" || code === "NEWER_FORMAT") return undefined;
      throw thrown;
    }
  };
  return startServer(options, observe, undefined, find, signal);
}
