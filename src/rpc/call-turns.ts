// When calls have their turn: a few of each address in one turn of the event loop, so that hundreds that come at once from
// one do not keep all others waiting until the last of them is dealt with. Drops nothing: how many may wait is bounded by
// the streams that connections may have. Reads no call.
import { hostNetwork, isLoopbackAddress } from "../address/host.js";
import { processTimers, type Timers } from "../core/clock.js";

export class CallTurns {
  readonly #callsPerTurn: number;
  readonly #timers: Pick<Timers, "soon">;
  /** Those of each address in this turn. */
  readonly #taken = new Map<string, number>();
  /** Those that wait, the first first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;

  /** `callsPerTurn`: of one address, in one turn of the event loop. */
  constructor(callsPerTurn: number, timers: Pick<Timers, "soon"> = processTimers) {
    this.#callsPerTurn = callsPerTurn;
    this.#timers = timers;
  }

  /** Runs what a call from `host`, as its socket shows it, is about: now or in a later turn; always now if it is this
   * machine's own. */
  take(host: string, run: () => void): void {
    if (isLoopbackAddress(host)) return run();
    const network = hostNetwork(host);
    const waiting = this.#waiting.get(network);
    if (waiting !== undefined) {
      waiting.push(run);
      return;
    }
    const taken = this.#taken.get(network) ?? 0;
    this.#schedule();
    if (taken >= this.#callsPerTurn) this.#waiting.set(network, [run]);
    else {
      this.#taken.set(network, taken + 1);
      run();
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.soon(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#taken.clear();
    for (const [network, waiting] of this.#waiting) {
      const next = waiting.splice(0, this.#callsPerTurn);
      this.#taken.set(network, next.length);
      if (waiting.length === 0) this.#waiting.delete(network);
      for (const run of next) run();
    }
    if (this.#taken.size > 0) this.#schedule();
  }
}
