// Which store a tracker keeps its leases in, by one word: the only place that knows all stores.
import path from "node:path";
import type { Clock } from "../../../core/clock.js";
import { EXIT, GoshareError } from "../../../core/errors.js";
import { stateDirectory } from "../../../storage/state-directory.js";
import type { StoreLimits, TrackerStore } from "../store.js";
import { FileStore, type StoreWarning } from "./file-store.js";
import { MemoryStore } from "./memory-store.js";
import { looksLikeRedis } from "./redis-address.js";

const FILE = "file";
const MEMORY = "memory";

/** Opens the store that `spec` names. "memory" keeps nothing beyond this process; "file:DIR" keeps leases and roots in
 * a folder, "file" in one of this user's; if that cannot be written to, they stay in memory and `warn` is told.
 * redis://HOST:PORT and its variants (redis-address.ts) keep them in a Redis. Throws USAGE if `spec` names no store,
 * STORE_BUSY if another process has DIR, STORE_UNAVAILABLE if no Redis answers, the reason of `signal` if that ends the
 * wait for a process that may have DIR. */
export async function openStore(
  spec: string,
  limits: StoreLimits,
  clock: Clock,
  warn: StoreWarning,
  signal?: AbortSignal,
): Promise<TrackerStore> {
  if (spec === MEMORY) return new MemoryStore(limits, clock);
  if (looksLikeRedis(spec)) {
    const { openRedisStore } = await import("./open-redis-store.js");
    return openRedisStore(spec, limits, clock);
  }
  const directory = directoryIn(spec);
  if (directory === undefined) {
    throw new GoshareError("USAGE", `there is no store ${JSON.stringify(spec)}`, {
      hint: `name "${FILE}:DIR", "${FILE}", "${MEMORY}" or "redis://HOST:PORT"`,
    });
  }
  try {
    return await FileStore.open({ directory, limits, clock, warn, signal });
  } catch (thrown) {
    const error = GoshareError.from(thrown);
    // Two trackers on one machine must both run without options; a user that names a folder means it.
    const isBusy = error.code === "STORE_BUSY";
    if (isBusy ? spec !== FILE : error.exitCode !== EXIT.disk) throw error;
    const effect = "leases and manifests stay in memory, and are lost when this tracker ends";
    warn(error.code, `${error.message}; ${effect}`, directory);
    return new MemoryStore(limits, clock);
  }
}

/** The folder that `spec` names; undefined if it names none. */
function directoryIn(spec: string): string | undefined {
  if (spec === FILE) return path.join(stateDirectory(process.env), "tracker");
  const named = spec.startsWith(`${FILE}:`) ? spec.slice(FILE.length + 1) : "";
  return named === "" ? undefined : path.resolve(named);
}
