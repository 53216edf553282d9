// From an address to a store in Redis. Loaded only where one is named: the client library takes longer to load
// than most commands take to run.
import type { Clock } from "../../../core/clock.js";
import type { StoreLimits } from "../store.js";
import { parseRedisAddress } from "./redis-address.js";
import { RedisConnection } from "./redis-connection.js";
import { RedisStore } from "./redis-store.js";

/** Rejects with USAGE for what is no address, STORE_UNAVAILABLE if nobody answers there. */
export async function openRedisStore(spec: string, limits: StoreLimits, clock: Clock): Promise<RedisStore> {
  return new RedisStore(await RedisConnection.open(parseRedisAddress(spec)), limits, clock);
}
