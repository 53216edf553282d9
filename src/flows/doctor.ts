// Looks whether goshare can work here: Node, ports, trackers, disk, clock, hash rate, one after another, each with a
// verdict and, where there is one, a way to mend it. Changes nothing.
import type { Endpoint, ListenAddress } from "../address/endpoint.js";
import { EVERY_HOST } from "../address/listening.js";
import { GoshareError } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import type { FindingEvent } from "../events/finding-event.js";
import { DEFAULT_TRACKER_PORT } from "../tracker/limits.js";
import { checkDisk, checkHashRate, checkRuntime } from "./machine-checks.js";
import {
  CLOCK,
  checkPeerPort,
  checkReachable,
  checkTracker,
  checkTrackerPort,
  NO_TRACKER,
} from "./network-checks.js";
import { chooseTrackers } from "./trackers.js";

export type Check = Omit<Extract<FindingEvent, { type: "checked" }>, "type">;

export interface DoctorOptions {
  readonly trackers: readonly Endpoint[];
  readonly probeLocalTracker: boolean;
  /** Where peers are to be accepted. */
  readonly listen: ListenAddress;
  /** Where downloads go. */
  readonly outputDirectory: string;
}

/** Emits a `checked` for each thing it has looked at. Throws PROBLEM_FOUND if any of them keeps goshare from working. */
export async function doctor(
  options: DoctorOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<void> {
  const problems: string[] = [];
  const tell = (check: Check) => {
    signal.throwIfAborted();
    if (check.verdict === "problem") problems.push(check.subject);
    observe({ type: "checked", ...check });
  };
  tell(checkRuntime(process.versions.node, Date.now()));
  tell(await checkPeerPort(options.listen));
  tell(await checkTrackerPort({ host: EVERY_HOST, port: DEFAULT_TRACKER_PORT }));
  const trackers = await chooseTrackers(options.trackers, options.probeLocalTracker);
  const observedHosts: string[] = [];
  for (const tracker of trackers) {
    const { check, info } = await checkTracker(tracker, signal);
    tell(check);
    if (info !== undefined) observedHosts.push(info.observedHost);
  }
  if (trackers.length === 0) tell(NO_TRACKER);
  tell(checkReachable(options.listen, observedHosts));
  tell(checkDisk(options.outputDirectory));
  tell(CLOCK);
  tell(await checkHashRate(signal));
  if (problems.length > 0) {
    throw new GoshareError("PROBLEM_FOUND", `goshare cannot work here as it should: ${problems.join(", ")}`, {
      hint: "what is said there mends it",
    });
  }
}
