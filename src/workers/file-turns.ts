// Whose turn it is to write to a file: one thread at a time. The kernel lets only one writer into a file anyway, and
// the others spin for as long as its chunk takes; a thread that sleeps meanwhile leaves its core to the sockets. Files
// share a fixed number of locks, in memory that all workers share.

/** Files whose descriptors differ by a multiple of this share a lock. */
const LOCKS = 64;

const FREE = 0;
const TAKEN = 1;
/** Taken, and somebody may be waiting. */
const AWAITED = 2;

/** Memory for `FileTurns`, the same for every worker of a pool. */
export function fileTurnsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(LOCKS * Int32Array.BYTES_PER_ELEMENT);
}

export class FileTurns {
  readonly #locks: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#locks = new Int32Array(memory);
  }

  /** Waits for its turn at the file behind `fd`, then runs `write`. Blocks the thread: never call it on an event
   * loop. */
  take(fd: number, write: () => void): void {
    const lock = fd % LOCKS;
    this.#acquire(lock);
    try {
      write();
    } finally {
      this.#release(lock);
    }
  }

  /** The mutex of U. Drepper, "Futexes Are Tricky" (2011), section 6: no system call unless somebody waits. */
  #acquire(lock: number): void {
    let seen = Atomics.compareExchange(this.#locks, lock, FREE, TAKEN);
    if (seen === FREE) return;
    if (seen !== AWAITED) seen = Atomics.exchange(this.#locks, lock, AWAITED);
    while (seen !== FREE) {
      Atomics.wait(this.#locks, lock, AWAITED);
      seen = Atomics.exchange(this.#locks, lock, AWAITED);
    }
  }

  #release(lock: number): void {
    if (Atomics.exchange(this.#locks, lock, FREE) === AWAITED) Atomics.notify(this.#locks, lock, 1);
  }
}
