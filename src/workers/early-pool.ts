// A pool whose threads load their code while the process still finds out what it is to do: that takes about as long. For the
// one flow of a command; whatever else needs a pool makes its own. Runs no task.
import { slotMemory } from "./slots.js";
import { WorkerPool } from "./worker-pool.js";

let early: WorkerPool | undefined;

/** Starts threads for the first who asks for a pool. Every call is followed by one of `closeEarlyPool`. */
export function startEarlyPool(): WorkerPool | undefined {
  try {
    early ??= freshPool();
  } catch {
    // Who needs a pool will try again, and can say what is wrong.
  }
  return early;
}

/** A pool of the caller's own, to be closed by it, with slots for chunks. */
export function takePool(): WorkerPool {
  const pool = early ?? freshPool();
  early = undefined;
  return pool;
}

/** Closes what nobody has asked for. */
export async function closeEarlyPool(): Promise<void> {
  const unused = early;
  early = undefined;
  await unused?.close();
}

/** The memory of slots that are not used is none. */
function freshPool(): WorkerPool {
  return new WorkerPool(slotMemory());
}
