// Divides long work on the event loop, such as a look at each file of a share, into turns by time: however slow the
// disk, sockets, timers and signals wait for a few milliseconds and the step under way, no longer.
import { setImmediate as yieldToLoop } from "node:timers/promises";

/** A turn holds the event loop for this long, and then until the step under way is done. */
const MAX_HOLD_MS = 10;

/** Turns, one after another; the first begins when this is made. */
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

  /** Begins a turn, after the event loop was left to others in another way. */
  begin(): void {
    this.#sinceMs = performance.now();
  }
}
