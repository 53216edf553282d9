// A pool whose threads load their code while the process still finds out what it is to do: that takes about as long. For the
// one flow of a command; whatever else needs a pool makes its own. Runs no task.
import { slotMemory } from "./slots.js";
import { WorkerPool } from "./worker-pool.js";

interface EarlyPool {
  readonly pool: WorkerPool;
  readonly hasSlots: boolean;
}

let early: EarlyPool | undefined;

/** Starts threads for the first who asks for a pool with slots, or without. Every call is followed by one of
 * `closeEarlyPool`. */
export function startEarlyPool(hasSlots: boolean): void {
  try {
    early ??= { pool: freshPool(hasSlots), hasSlots };
  } catch {
    // Who needs a pool will try again, and can say what is wrong.
  }
}

/** A pool of the caller's own, to be closed by it. `hasSlots`: whether chunks arrive in it. */
export function takePool(hasSlots: boolean): WorkerPool {
  if (early?.hasSlots !== hasSlots) return freshPool(hasSlots);
  const { pool } = early;
  early = undefined;
  return pool;
}

/** Closes what nobody has asked for. */
export async function closeEarlyPool(): Promise<void> {
  const unused = early?.pool;
  early = undefined;
  await unused?.close();
}

function freshPool(hasSlots: boolean): WorkerPool {
  return new WorkerPool(hasSlots ? slotMemory() : undefined);
}
