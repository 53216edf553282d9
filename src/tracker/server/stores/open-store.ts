// Which store a tracker keeps its leases in, by one word: the one place that knows them all.
import type { Clock } from "../../../core/clock.js";
import { GoshareError } from "../../../core/errors.js";
import type { StoreLimits, TrackerStore } from "../store.js";
import { MemoryStore } from "./memory-store.js";

/** Opens the store that `spec` names: "memory" keeps nothing beyond this process. Throws USAGE for what names none. */
export async function openStore(spec: string, limits: StoreLimits, clock: Clock): Promise<TrackerStore> {
  if (spec === "memory") return new MemoryStore(limits, clock);
  throw new GoshareError("USAGE", `there is no store ${JSON.stringify(spec)}`, { hint: 'name "memory"' });
}
