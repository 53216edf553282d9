// Reports how far reading and hashing is: a few times a second, and always at the end. Decides nothing.
import type { EventObserver } from "../../events/event.js";
import { PROGRESS_MS, RateMeter } from "../../events/rate.js";

/** Returns what to call as bytes are hashed. `bytesKnown` need not be hashed. */
export function hashingProgress(givenPath: string, bytesKnown: number, observe: EventObserver) {
  const meter = new RateMeter(performance.now(), bytesKnown);
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  return (bytesDone: number, bytesTotal: number, files: number) => {
    const nowMs = performance.now();
    meter.record(nowMs, bytesDone);
    if (nowMs - reportedAtMs < PROGRESS_MS && (bytesDone < bytesTotal || bytesTotal === 0)) return;
    reportedAtMs = nowMs;
    const bytesPerSecond = meter.bytesPerSecond(nowMs);
    observe({ type: "hashing", path: givenPath, bytesDone, bytesTotal, files, bytesPerSecond });
  };
}
