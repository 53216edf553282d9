// How busy this process is: calls a second and how late its event loop is, each over the last seconds and relative to
// what it is meant to bear. Sets no timer and refuses nobody.
import type { Clock } from "../../core/clock.js";

/** How often `tick` is to be called. */
export const LOAD_TICK_MS = 250;

/** Time over which both are averaged: long enough for a pause of garbage collection not to matter. */
const AVERAGED_MS = 10_000;

export interface LoadLimits {
  /** Calls of every kind that the process is meant to answer. */
  readonly callsPerSecond: number;
  /** How late its timers may be on average. */
  readonly maxLagMs: number;
}

export class LoadMeter {
  readonly #limits: LoadLimits;
  readonly #clock: Clock;
  #calls = 0;
  #tickedAtMs: number;
  #callsPerSecond = 0;
  #lagMs = 0;

  constructor(limits: LoadLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tickedAtMs = clock.nowMs();
  }

  get callsPerSecond(): number {
    return this.#callsPerSecond;
  }

  get lagMs(): number {
    return this.#lagMs;
  }

  /** The higher of both loads; 1: as much as the process is meant to bear. */
  get load(): number {
    const { callsPerSecond, maxLagMs } = this.#limits;
    return Math.max(this.#callsPerSecond / callsPerSecond, this.#lagMs / maxLagMs);
  }

  /** A call has begun. */
  called(): void {
    this.#calls += 1;
  }

  /** To be called by a timer every LOAD_TICK_MS. */
  tick(): void {
    const nowMs = this.#clock.nowMs();
    const elapsedMs = Math.max(1, nowMs - this.#tickedAtMs);
    const weight = 1 - Math.exp(-elapsedMs / AVERAGED_MS);
    this.#callsPerSecond += weight * ((this.#calls * 1000) / elapsedMs - this.#callsPerSecond);
    this.#lagMs += weight * (Math.max(0, elapsedMs - LOAD_TICK_MS) - this.#lagMs);
    this.#calls = 0;
    this.#tickedAtMs = nowMs;
  }
}
