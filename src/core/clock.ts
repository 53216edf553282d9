// Time as a parameter, so that leases and deadlines can be tested without waiting. Monotonic: a step of the
// machine's clock must never end a lease.

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  nowMs(): number;
}

export const monotonicClock: Clock = { nowMs: () => performance.now() };

/** Waits `ms`, or until `signal` aborts if that is sooner. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}
