// Whether the store of a tracker can be used: asks again and again, and tells when that changes. Its only timer ends a
// question that is not answered.
import { withTimeout } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import type { TrackerStore } from "./store.js";

/** The time a store has to answer. */
const CHECK_TIMEOUT_MS = 2_000;

/** Called when the store can be used again, or with the reason why it no longer can. */
export type HealthChange = (problem: GoshareError | undefined) => void;

export class StoreHealth {
  readonly #store: TrackerStore;
  readonly #changed: HealthChange;
  readonly #timeoutMs: number;
  #isUsable = true;
  #isChecking = false;

  /** A store counts as usable until it has failed: it has just been opened. */
  constructor(store: TrackerStore, changed: HealthChange, timeoutMs = CHECK_TIMEOUT_MS) {
    this.#store = store;
    this.#changed = changed;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks, unless it still waits for an answer. Never rejects. */
  async check(): Promise<void> {
    if (this.#store.check === undefined || this.#isChecking) return;
    this.#isChecking = true;
    try {
      await withTimeout(this.#store.check(), this.#timeoutMs);
      this.#set(undefined);
    } catch (thrown) {
      this.#set(unavailable(thrown));
    } finally {
      this.#isChecking = false;
    }
  }

  #set(problem: GoshareError | undefined): void {
    const isUsable = problem === undefined;
    if (isUsable === this.#isUsable) return;
    this.#isUsable = isUsable;
    this.#changed(problem);
  }
}

/** An error by which the store itself says so says more. */
function unavailable(cause: unknown): GoshareError {
  if (cause instanceof GoshareError && cause.code === "STORE_UNAVAILABLE") return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new GoshareError("STORE_UNAVAILABLE", `the tracker's store cannot be used: ${message}`, { cause });
}
