// What the store wants of Redis, and nothing else of it: scripts that run there, and one value that all trackers
// over it agree on.
import type { RedisScript } from "./redis-scripts.js";

/** Whatever Redis cannot do for now rejects with STORE_UNAVAILABLE, and soon; a write for which it has no memory
 * with RedisFullError. */
export interface RedisCalls {
  /** Whether the keys of one call have to be in one slot. */
  readonly isCluster: boolean;
  run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number | Uint8Array)[],
  ): Promise<unknown>;
  /** What stands at `key`; `bytes` from now on if nothing did. */
  settle(key: string, bytes: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Redis has reached its maxmemory and has nothing that it may evict. */
export class RedisFullError extends Error {
  override readonly name = "RedisFullError";
}
