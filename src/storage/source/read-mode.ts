// When to read a source file on the event loop and when through the thread pool. A read of cached data is cheaper when
// it is done at once (0.66 against 0.9 CPU s/GiB); a read that waits for a disk would stop every connection. So: at
// once while that is fast; after a slow read through the pool for a while; then it is tried again. A read that only
// waited for the processor is not slow. The kernel counts that, and is asked only once a read was slow, since asking
// costs more than many a read. Pure; measurements come in as parameters.

export interface ReadModeOptions {
  /** A read of one file at once that takes longer than this counts as slow. */
  readonly slowReadMs: number;
  /** After a slow read, this many go through the pool; doubles with each further slow one. */
  readonly minPoolReads: number;
  readonly maxPoolReads: number;
  /** After a slow read, so many are watched to see whether they wait. */
  readonly watchedReads: number;
}

export const defaultReadModeOptions: ReadModeOptions = Object.freeze({
  slowReadMs: 4,
  minPoolReads: 16,
  maxPoolReads: 1024,
  watchedReads: 64,
});

export class ReadMode {
  readonly #options: ReadModeOptions;
  #poolReadsLeft = 0;
  #nextPoolReads: number;
  #watchedReadsLeft = 0;

  constructor(options: ReadModeOptions = defaultReadModeOptions) {
    this.#options = options;
    this.#nextPoolReads = options.minPoolReads;
  }

  /** How the next read is to be done; counts it. */
  next(): "at-once" | "pool" {
    if (this.#poolReadsLeft === 0) return "at-once";
    this.#poolReadsLeft--;
    return "pool";
  }

  /** Whether to count if the next read at once waits. */
  get isWatched(): boolean {
    return this.#watchedReadsLeft > 0;
  }

  /** A read at once took `elapsedMs`. `waited`: whether the process gave up the processor during it, as when it waits
   * for a disk; undefined: that was not counted. */
  readAtOnce(elapsedMs: number, waited: boolean | undefined): void {
    const { slowReadMs, minPoolReads, maxPoolReads, watchedReads } = this.#options;
    const isSlow = elapsedMs > slowReadMs;
    this.#watchedReadsLeft = isSlow ? watchedReads : Math.max(0, this.#watchedReadsLeft - 1);
    if (!isSlow || waited !== true) {
      this.#nextPoolReads = minPoolReads;
      return;
    }
    this.#poolReadsLeft = this.#nextPoolReads;
    this.#nextPoolReads = Math.min(this.#nextPoolReads * 2, maxPoolReads);
  }
}
