// Warns once of each tracker that does not help, whichever part notices first. Decides nothing.
import type { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";

/** A tracker, HOST:PORT, has failed. */
export type TrackerWarnings = (tracker: string, error: GoshareError) => void;

/** Shared by everything in a command that asks trackers. */
export function trackerWarnings(observe: EventObserver): TrackerWarnings {
  const warned = new Set<string>();
  return (tracker, { code, message }) => {
    if (warned.has(tracker)) return;
    warned.add(tracker);
    observe({ type: "warning", code, message, path: tracker });
  };
}
