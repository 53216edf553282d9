// When to read a source file on the event loop and when through the thread pool. A read of cached data is
// cheaper when it is done at once (0.66 against 0.9 CPU s/GiB); a read that waits for a disk would stop every
// connection. So: at once while that is fast; after a slow one, through the pool for a while, then try again. One
// that only stood still because others had the processor is not slow. Pure; what was measured comes in.

export interface ReadModeOptions {
  /** A read of one file at once that takes longer than this counts as slow. */
  readonly slowReadMs: number;
  /** After a slow read, this many go through the pool; doubles with each further slow one. */
  readonly minPoolReads: number;
  readonly maxPoolReads: number;
}

export const defaultReadModeOptions: ReadModeOptions = Object.freeze({
  slowReadMs: 4,
  minPoolReads: 16,
  maxPoolReads: 1024,
});

export class ReadMode {
  readonly #options: ReadModeOptions;
  #poolReadsLeft = 0;
  #nextPoolReads: number;

  constructor(options: ReadModeOptions = defaultReadModeOptions) {
    this.#options = options;
    this.#nextPoolReads = options.minPoolReads;
  }

  /** How the next read is done; counts it. */
  next(): "at-once" | "pool" {
    if (this.#poolReadsLeft === 0) return "at-once";
    this.#poolReadsLeft--;
    return "pool";
  }

  /** A read at once took `elapsedMs`. `waited`: the process gave up the processor in it, as one does that waits
   * for a disk. */
  readAtOnce(elapsedMs: number, waited: boolean): void {
    if (elapsedMs <= this.#options.slowReadMs || !waited) {
      this.#nextPoolReads = this.#options.minPoolReads;
      return;
    }
    this.#poolReadsLeft = this.#nextPoolReads;
    this.#nextPoolReads = Math.min(this.#nextPoolReads * 2, this.#options.maxPoolReads);
  }
}
