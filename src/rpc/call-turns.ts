// When calls have their turn: a few of each address in one turn of the event loop, and as many under way, so that
// hundreds that come at once from one address do not keep all others waiting until the last of them is dealt with.
// Bounds how many of an address may wait. Reads no call.
import { hostNetwork, isLoopbackAddress } from "../address/host.js";
import { processTimers, type Timers } from "../core/clock.js";

/** What becomes of a call: it has been run, will be in a later turn, or, since too many of its address wait, never. */
export type Turn = "begun" | "waits" | "turnedAway";

export class CallTurns {
  readonly #callsPerTurn: number;
  readonly #mostWaiting: number;
  readonly #timers: Pick<Timers, "soon">;
  /** How many calls of each address have begun in this turn, or are still under way. */
  readonly #taken = new Map<string, number>();
  readonly #underWay = new Map<string, number>();
  /** The calls of each address that wait, in the order in which they came. */
  readonly #waiting = new Map<string, Run[]>();
  #isScheduled = false;
  #isClosed = false;

  /** `callsPerTurn`: calls of one address that begin in one turn of the event loop, and that are under way at a time;
   * `mostWaiting`: those that may wait. */
  constructor(callsPerTurn: number, mostWaiting: number, timers: Pick<Timers, "soon"> = processTimers) {
    this.#callsPerTurn = callsPerTurn;
    this.#mostWaiting = mostWaiting;
    this.#timers = timers;
  }

  /** Runs `run` for a call from `host` (as its socket shows it): now or in a later turn; always now if it is this
   * machine's own. `run` returns undefined if the call has ended by then, or else a promise that resolves when it has,
   * and never rejects. */
  take(host: string, run: Run): Turn {
    if (isLoopbackAddress(host)) {
      void run();
      return "begun";
    }
    if (this.#isClosed) return "turnedAway";
    const network = hostNetwork(host);
    const taken = this.#taken.get(network) ?? 0;
    const waiting = this.#waiting.get(network);
    this.#schedule();
    if (waiting !== undefined || taken >= this.#callsPerTurn) return this.#wait(network, waiting, run);
    this.#begin(network, run);
    return "begun";
  }

  /** How many calls of the address of `host` wait. */
  waitingOf(host: string): number {
    return this.#waiting.get(hostNetwork(host))?.length ?? 0;
  }

  /** Calls that wait are not run any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
  }

  #begin(network: string, run: Run): void {
    add(this.#taken, network, 1);
    const ended = run();
    if (ended === undefined) return;
    add(this.#underWay, network, 1);
    void ended.then(() => {
      add(this.#underWay, network, -1);
      this.#schedule();
    });
  }

  #wait(network: string, waiting: Run[] = [], run: Run): Turn {
    if (waiting.length >= this.#mostWaiting) return "turnedAway";
    waiting.push(run);
    this.#waiting.set(network, waiting);
    return "waits";
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.soon(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#taken.clear();
    for (const [network, count] of this.#underWay) this.#taken.set(network, count);
    for (const [network, waiting] of this.#waiting) {
      const next = waiting.splice(0, this.#callsPerTurn - (this.#taken.get(network) ?? 0));
      if (waiting.length === 0) this.#waiting.delete(network);
      for (const run of next) this.#begin(network, run);
      // The turn after this one begins anew.
      if (next.length > 0) this.#schedule();
    }
  }
}

type Run = () => Promise<void> | undefined;

function add(counts: Map<string, number>, network: string, count: number): void {
  const sum = (counts.get(network) ?? 0) + count;
  if (sum === 0) counts.delete(network);
  else counts.set(network, sum);
}
