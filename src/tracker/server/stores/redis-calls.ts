// All that the store wants of Redis: scripts that run there, and one value that all trackers over it agree on.
import type { RedisScript } from "./redis-scripts.js";

/** Calls that Redis cannot answer for now soon reject with STORE_UNAVAILABLE; a write for which it has no memory
 * rejects with RedisFullError. */
export interface RedisCalls {
  /** Whether all keys of a call have to be in one slot. */
  readonly isCluster: boolean;
  run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number | Uint8Array)[],
  ): Promise<unknown>;
  /** The value at `key`, which is set to `bytes` if there was none. */
  settle(key: string, bytes: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Redis has reached its maxmemory and has nothing that it may evict. */
export class RedisFullError extends Error {
  override readonly name = "RedisFullError";
}
