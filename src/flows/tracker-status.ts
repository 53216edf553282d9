// Asks one tracker for its status: what it says of itself, how quickly it answers, and its health. Announces nothing.
import { type Endpoint, formatEndpoint } from "../address/endpoint.js";
import type { Clock } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import { TrackerClient } from "../tracker/client.js";

/** Emits `trackerStatus`. Throws TRACKER_UNREACHABLE, TRACKER_PROTOCOL or TRACKER_REFUSED: the last also when it
 * answers and says that it is not serving. */
export async function trackerStatus(
  tracker: Endpoint,
  observe: EventObserver,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const client = new TrackerClient(tracker, { maxAttempts: 1 });
  const name = formatEndpoint(tracker);
  try {
    // The first call dials, and loads the code to talk to a tracker.
    const health = await client.health(signal);
    const startMs = clock.nowMs();
    const info = await client.info(signal);
    const roundTripUs = Math.round((clock.nowMs() - startMs) * 1000);
    observe({ type: "trackerStatus", tracker: name, ...info, roundTripUs, health });
    if (health !== "NOT_SERVING") return;
    throw new GoshareError("TRACKER_REFUSED", `tracker ${name} says that it is not serving`, {
      hint: "it is about to stop, or its store cannot be used: see its own output",
    });
  } finally {
    await client.close();
  }
}
