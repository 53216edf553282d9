// From an address to a store in Redis. Loaded only if one is named: the client library takes longer to load than most
// commands take to run.
import type { Clock } from "../../../core/clock.js";
import { GoshareError } from "../../../core/errors.js";
import type { StoreLimits } from "../store.js";
import { parseRedisAddress } from "./redis-address.js";
import { RedisConnection } from "./redis-connection.js";
import { RedisStore } from "./redis-store.js";

/** Rejects with USAGE if `spec` is no address, STORE_UNAVAILABLE if nothing answers there or it cannot do what is
 * needed. */
export async function openRedisStore(spec: string, limits: StoreLimits, clock: Clock): Promise<RedisStore> {
  const address = parseRedisAddress(spec);
  const store = new RedisStore(await RedisConnection.open(address), limits, clock);
  try {
    await store.probe();
    return store;
  } catch (thrown) {
    await store.close();
    if (thrown instanceof GoshareError) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new GoshareError("STORE_UNAVAILABLE", `${address.name} cannot be used: ${reason}`, {
      cause: thrown,
      hint: "it needs Redis or Valkey 7.0 or later, and permission to run scripts on keys that begin with goshare:",
    });
  }
}
