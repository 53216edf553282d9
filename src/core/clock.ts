// Time as a parameter, so that leases and deadlines can be tested without waiting. Monotonic: a step of the
// machine's clock must never end a lease.

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  nowMs(): number;
}

export const monotonicClock: Clock = { nowMs: () => performance.now() };
