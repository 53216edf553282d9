// Time as a parameter, so that leases and deadlines can be tested without waiting. Monotonic: a step of the
// machine's clock must never end a lease.

export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  nowMs(): number;
}

export const monotonicClock: Clock = { nowMs: () => performance.now() };

/** Cancels a call that was put off; too late, or a second time, it does nothing. */
export type Cancel = () => void;

/** A clock that also calls back, so that whatever decides when something is due runs in a simulation as in a
 * process. */
export interface Timers extends Clock {
  /** Calls `run` once, after everything that happens at this moment. */
  soon(run: () => void): void;
  /** Calls `run` once, about `delayMs` from now. */
  later(delayMs: number, run: () => void): Cancel;
}

/** The timers of this process. What they put off does not keep it alive, since it would have nothing else to do. */
export const processTimers: Timers = {
  ...monotonicClock,
  soon: (run) => void setImmediate(run),
  later: (delayMs, run) => {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** Whether this process stood still before a look that was due at `dueMs`: stopped by Ctrl-Z, or its machine slept. What
 * others did not do meanwhile must not be held against them: what they did do may still be on its way in. A look that
 * is late by less than a quarter of `patienceMs`, for which others may do nothing, hardly matters: a process that is
 * merely busy now and then must not go on being patient with somebody who is gone. */
export function stoodStill(dueMs: number, nowMs: number, patienceMs: number): boolean {
  return nowMs - dueMs > patienceMs / 4;
}

/** The longest wait that Node's timers keep to, in milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Settles as `promise` does; rejects with an Error if that takes longer than `timeoutMs`. */
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
