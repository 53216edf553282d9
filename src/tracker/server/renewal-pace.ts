// How often peers are told to renew: often enough to be of use, and seldom enough for this process. It remembers, for
// each second to come, how many peers it has told to be back then. That is all it knows of peers, so it does not matter
// where leases are kept, nor how many other trackers renew them. Sets no timer.
import type { Clock } from "../../core/clock.js";
import { TTL_PER_RENEWAL } from "../limits.js";

export interface PaceLimits {
  /** Renewals that this process is meant to answer, within the two bounds that follow. */
  readonly renewalsPerSecond: number;
  readonly minRenewMs: number;
  readonly maxRenewMs: number;
}

/** Each answer asks for up to this part less than the whole interval, so that peers that came together do not come back
 * together. Never more, since a lease lasts a fixed number of whole intervals. */
const JITTER = 0.2;

/** For this time a process that has just started cannot know how many peers there are, only at what pace they come: it
 * tells peers to be back as if that pace went on. */
const WARM_UP_MS = 60_000;
const MIN_UPTIME_MS = 1_000;

export class RenewalPace {
  readonly #limits: PaceLimits;
  readonly #clock: Clock;
  readonly #load: () => number;
  readonly #random: () => number;
  readonly #startedAtMs: number;
  /** Peers told to be back in a second, by that second modulo the length. */
  readonly #backAt: Uint32Array;
  #expected = 0;
  /** Seconds before this one are no longer counted. */
  #firstSecond: number;

  /** `load`: how busy the process is, where 1 is as busy as it is meant to be. `random` gives numbers from 0 up to, not
   * including, 1. */
  constructor(limits: PaceLimits, clock: Clock, load: () => number, random: () => number = Math.random) {
    this.#limits = limits;
    this.#clock = clock;
    this.#load = load;
    this.#random = random;
    this.#startedAtMs = clock.nowMs();
    this.#backAt = new Uint32Array(Math.ceil(limits.maxRenewMs / 1000) + 2);
    this.#firstSecond = this.#nowSecond();
  }

  /** How many peers are still to come back. */
  get expectedPeers(): number {
    this.#forgetPast();
    return this.#expected;
  }

  /** The whole interval now. */
  get intervalMs(): number {
    const { renewalsPerSecond, minRenewMs, maxRenewMs } = this.#limits;
    const uptimeMs = Math.max(MIN_UPTIME_MS, this.#clock.nowMs() - this.#startedAtMs);
    const peers = this.expectedPeers * Math.max(1, WARM_UP_MS / uptimeMs);
    const forRenewalsMs = Math.max(minRenewMs, (peers * 1000) / renewalsPerSecond);
    return Math.round(Math.min(forRenewalsMs * Math.max(1, this.#load()), maxRenewMs));
  }

  /** How long a lease given now lasts: it outlives lost renewals. */
  get ttlMs(): number {
    return Math.ceil(this.intervalMs * TTL_PER_RENEWAL);
  }

  /** In how many milliseconds the peer that is answered now is to be back; from now on it is expected then. */
  nextRenewalMs(): number {
    const renewAfterMs = Math.round(this.intervalMs * (1 - JITTER * this.#random()));
    const second = Math.floor((this.#clock.nowMs() + renewAfterMs) / 1000);
    this.#add(second, 1);
    this.#expected += 1;
    return renewAfterMs;
  }

  #forgetPast(): void {
    const nowSecond = this.#nowSecond();
    // After a long pause all counted seconds are over.
    this.#firstSecond = Math.max(this.#firstSecond, nowSecond - this.#backAt.length);
    for (; this.#firstSecond < nowSecond; this.#firstSecond += 1) {
      const gone = this.#backAt[this.#firstSecond % this.#backAt.length] ?? 0;
      this.#expected -= gone;
      this.#add(this.#firstSecond, -gone);
    }
  }

  #add(second: number, count: number): void {
    const index = second % this.#backAt.length;
    this.#backAt[index] = (this.#backAt[index] ?? 0) + count;
  }

  #nowSecond(): number {
    return Math.floor(this.#clock.nowMs() / 1000);
  }
}
