// A pool whose threads load their code while the process still works out what it has to do, which takes about as long.
// For the one flow of a command; anything else that needs a pool makes its own. Runs no task.
import { slotMemory } from "./slots.js";
import { WorkerPool } from "./worker-pool.js";

let early: WorkerPool | undefined;

/** Starts the threads of the pool that `takePool` gives first. Every call must be followed by one of
 * `closeEarlyPool`. */
export function startEarlyPool(): WorkerPool | undefined {
  try {
    early ??= freshPool();
  } catch {
    // Whoever needs a pool will try again, and can say what is wrong.
  }
  return early;
}

/** A pool with slots for chunks. It is the caller's own, and the caller closes it. */
export function takePool(): WorkerPool {
  const pool = early ?? freshPool();
  early = undefined;
  return pool;
}

/** Closes the early pool if nobody has taken it. */
export async function closeEarlyPool(): Promise<void> {
  const unused = early;
  early = undefined;
  await unused?.close();
}

/** Slots that are not used take no memory. */
function freshPool(): WorkerPool {
  return new WorkerPool(slotMemory());
}
