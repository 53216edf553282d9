// Which store a tracker keeps its leases in, by one word: the one place that knows them all.
import type { Clock } from "../../../core/clock.js";
import { GoshareError } from "../../../core/errors.js";
import type { StoreLimits, TrackerStore } from "../store.js";
import { MemoryStore } from "./memory-store.js";
import { looksLikeRedis } from "./redis-address.js";

/** Opens the store that `spec` names: "memory" keeps nothing beyond this process, redis://HOST:PORT and its
 * relatives (redis-address.ts) leave it to a Redis. Throws USAGE for what names none, STORE_UNAVAILABLE where it
 * does not answer. */
export async function openStore(spec: string, limits: StoreLimits, clock: Clock): Promise<TrackerStore> {
  if (spec === "memory") return new MemoryStore(limits, clock);
  if (looksLikeRedis(spec)) {
    const { openRedisStore } = await import("./open-redis-store.js");
    return openRedisStore(spec, limits, clock);
  }
  throw new GoshareError("USAGE", `there is no store ${JSON.stringify(spec)}`, {
    hint: 'name "memory", or redis://HOST:PORT',
  });
}
