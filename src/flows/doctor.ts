// Checks whether goshare can work here: Node, ports, trackers, disk, clock, hash rate, one after another, each with a
// verdict and, if there is one, a remedy. Changes nothing, except that it announces a share to a tracker for some
// seconds.
import type { Endpoint } from "../address/endpoint.js";
import { EVERY_HOST } from "../address/listening.js";
import { GoshareError } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import type { FindingEvent } from "../events/finding-event.js";
import { DEFAULT_TRACKER_PORT } from "../tracker/limits.js";
import { checkDisk, checkHashRate, checkRuntime } from "./checking/machine-checks.js";
import {
  CLOCK,
  checkPeerPort,
  checkTracker,
  checkTrackerPort,
  NO_TRACKER,
} from "./checking/network-checks.js";
import { checkReachable, type ListenWish, type SeeingTracker } from "./checking/reachable-check.js";
import { chooseTrackers } from "./finding/trackers.js";

export type Check = Omit<Extract<FindingEvent, { type: "checked" }>, "type">;

/** `listen`: where to accept peers. */
export interface DoctorOptions extends ListenWish {
  readonly trackers: readonly Endpoint[];
  readonly probeLocalTracker: boolean;
  /** Where downloads go. */
  readonly outputDirectory: string;
}

/** Emits a `checked` for each check. Throws PROBLEM_FOUND if any problem keeps goshare from working. */
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
  const answering: SeeingTracker[] = [];
  for (const tracker of trackers) {
    const { check, seeing } = await checkTracker(tracker, signal);
    tell(check);
    if (seeing !== undefined) answering.push(seeing);
  }
  if (trackers.length === 0) tell(NO_TRACKER);
  tell(await checkReachable(options, answering, signal));
  tell(checkDisk(options.outputDirectory));
  tell(CLOCK);
  tell(await checkHashRate(signal));
  if (problems.length > 0) {
    throw new GoshareError("PROBLEM_FOUND", `goshare cannot work properly here: ${problems.join(", ")}`, {
      hint: "the checks above say how to fix it",
    });
  }
}
