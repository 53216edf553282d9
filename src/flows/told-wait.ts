// How a flow waits for a process that may be at work at a part folder: whoever watches is told, and a signal ends it.
// Takes no lock.
import type { EventObserver } from "../events/event.js";
import type { LockWait } from "../storage/part/lock.js";

/** `path`: what the wait is for, as the user knows it. */
export function toldWait(observe: EventObserver, path: string, signal: AbortSignal): LockWait {
  const watching = (message: string): void =>
    observe({ type: "warning", code: "TARGET_BUSY", message, path });
  return { watching, signal };
}
