// Time as a parameter, so that leases and deadlines can be tested without waiting. Monotonic: a step of the
// machine's clock must never end a lease.

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  nowMs(): number;
}

export const monotonicClock: Clock = { nowMs: () => performance.now() };

/** Ends what was put off; too late, or twice, it does nothing. */
export type Cancel = () => void;

/** A clock that also calls: whatever decides when something is due runs in a simulation as it does in a process. */
export interface Timers extends Clock {
  /** Calls `run` once, when what happens at this moment is over. */
  soon(run: () => void): void;
  /** Calls `run` once, about `delayMs` from now. */
  later(delayMs: number, run: () => void): Cancel;
}

/** Those of this process. None of them keeps it alive: it would have nothing else to do. */
export const processTimers: Timers = {
  ...monotonicClock,
  soon: (run) => void setImmediate(run),
  later: (delayMs, run) => {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** The longest wait that Node's timers take for what it is, in milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** What `promise` comes to; rejects with an Error if that takes longer. */
export async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when `signal` aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

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
