// How many peers and leases there are, estimated from announcements alone: a peer that renews every 30 s announces
// twice a minute. Costs the same however many there are. Of several trackers over one store, each counts the peers that
// announce to it.
import type { Clock } from "../../../core/clock.js";
import { TTL_PER_RENEWAL } from "../../limits.js";
import type { StoreSize } from "../store.js";

const WINDOW_MS = 60_000;

interface Tally {
  /** Announcements, and leases in them, each multiplied by the interval at which it comes again. */
  peerMs: number;
  leaseMs: number;
}

export class AnnounceMeter {
  readonly #clock: Clock;
  #startedAtMs: number;
  #current: Tally = { peerMs: 0, leaseMs: 0 };
  #last: Tally = { peerMs: 0, leaseMs: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
  }

  /** Counts an announcement that leaves this many leases of `ttlMs`. */
  count(leases: number, ttlMs: number): void {
    this.#turn();
    if (leases > 0) this.#current.peerMs += ttlMs / TTL_PER_RENEWAL;
    this.#current.leaseMs += (leases * ttlMs) / TTL_PER_RENEWAL;
  }

  estimate(): Pick<StoreSize, "peers" | "leases"> {
    const passedMs = this.#turn();
    const part = 1 - passedMs / WINDOW_MS;
    const count = (key: keyof Tally) => Math.round((this.#current[key] + part * this.#last[key]) / WINDOW_MS);
    return { peers: count("peerMs"), leases: count("leaseMs") };
  }

  /** Begins a new window if one is over. Returns how much of the current one has passed. */
  #turn(): number {
    const passedMs = this.#clock.nowMs() - this.#startedAtMs;
    if (passedMs < WINDOW_MS) return passedMs;
    const isNext = passedMs < 2 * WINDOW_MS;
    this.#last = isNext ? this.#current : { peerMs: 0, leaseMs: 0 };
    this.#current = { peerMs: 0, leaseMs: 0 };
    this.#startedAtMs += Math.floor(passedMs / WINDOW_MS) * WINDOW_MS;
    return passedMs % WINDOW_MS;
  }
}
