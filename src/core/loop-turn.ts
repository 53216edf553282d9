// Long work on the event loop, such as a look at each file of a share, in turns: sockets, timers and signals wait for a few
// milliseconds at most, however long a disk takes for one step.
import { setImmediate as yieldToLoop } from "node:timers/promises";

/** So long the event loop is held, and then for as long as the step takes that is under way. */
const MAX_HOLD_MS = 10;

/** One after another, from when this is made. */
export class LoopTurn {
  #sinceMs = performance.now();

  /** Whether it is time to `yield`. */
  get isOver(): boolean {
    return performance.now() - this.#sinceMs >= MAX_HOLD_MS;
  }

  /** Resolves when everybody else has had a turn. */
  async yield(): Promise<void> {
    await yieldToLoop();
    this.begin();
  }

  /** The event loop was left to others in another way. */
  begin(): void {
    this.#sinceMs = performance.now();
  }
}
