// How much of a chunk goes at a time on one connection. Little at first, so that peers which ask and read nothing hold
// little; by the rate once that is known; less while memory is short. Pure: told what the kernel took and when, time
// comes in as a parameter. Never reads, never sends.
import type { ServerOptions } from "../options.js";

export type SliceOptions = Pick<
  ServerOptions,
  | "minSliceBytes"
  | "maxSliceBytes"
  | "firstSliceBytes"
  | "sliceDurationMs"
  | "rateWindowBytes"
  | "rateWindowMs"
  | "maxSlicesInFlight"
>;

/** The part of the memory that one slice may take while all of it is free; with half of it free, a quarter of that, and
 * so on. So well over a hundred connections, however fast they were, may stand still before nothing is left for
 * others. */
const MAX_PART_OF_POOL = 1 / 16;

/** A connection whose rate is not known has more than the least only while this part of the memory is free. */
const MOSTLY_FREE = 3 / 4;

export class SliceSize {
  readonly #options: SliceOptions;
  #bytes: number;
  #isMeasured = false;
  #windowBytes = 0;
  #windowMs = 0;
  #countedAtMs = 0;

  constructor(options: SliceOptions) {
    this.#options = options;
    this.#bytes = Math.min(options.maxSliceBytes, Math.max(options.minSliceBytes, options.firstSliceBytes));
  }

  /** From now on bytes wait for the kernel; none did before. */
  waiting(nowMs: number): void {
    this.#countedAtMs = nowMs;
  }

  /** The kernel has taken `bytes`. */
  taken(bytes: number, nowMs: number): void {
    const { rateWindowBytes, rateWindowMs, sliceDurationMs, minSliceBytes, maxSliceBytes } = this.#options;
    const elapsedMs = nowMs - this.#countedAtMs;
    this.#windowBytes += bytes;
    this.#windowMs += elapsedMs;
    this.#countedAtMs = nowMs;
    // A kernel that takes bytes quickly proves nothing; one that takes them slowly proves enough.
    if (!this.#isMeasured && elapsedMs > sliceDurationMs)
      this.#bytes = Math.max(minSliceBytes, this.#bytes / 2);
    const isLong = this.#isMeasured && this.#windowMs >= rateWindowMs;
    if (this.#windowBytes < rateWindowBytes && !isLong) return;
    const bytesInDuration =
      this.#windowMs === 0 ? maxSliceBytes : (this.#windowBytes / this.#windowMs) * sliceDurationMs;
    this.#bytes = Math.min(maxSliceBytes, Math.max(minSliceBytes, powerOfTwoUpTo(bytesInDuration)));
    this.#isMeasured = true;
    this.#windowBytes = 0;
    this.#windowMs = 0;
  }

  /** Bytes of memory for the next slice, a power of two; 0: not before a slice is out. `remainingBytes` of the chunk
   * are left, `inFlight` slices are on their way, `freeBytes` of the pool's `poolBytes` are free. */
  next(remainingBytes: number, inFlight: number, freeBytes: number, poolBytes: number): number {
    const { minSliceBytes, maxSlicesInFlight } = this.#options;
    // A second slice only saves the time of a read: that is not worth memory that is short, or a peer whose rate is not
    // known.
    const isRoomy = this.#isMeasured && freeBytes * 2 >= poolBytes;
    if (inFlight >= (isRoomy ? maxSlicesInFlight : 1)) return 0;
    const mostBytes = (freeBytes / poolBytes) ** 2 * poolBytes * MAX_PART_OF_POOL;
    const isBounded = !this.#isMeasured && freeBytes < MOSTLY_FREE * poolBytes;
    const bytes = isBounded ? minSliceBytes : Math.min(this.#bytes, powerOfTwoUpTo(mostBytes));
    const neededBytes = powerOfTwoFrom(remainingBytes);
    return Math.max(minSliceBytes, Math.min(bytes, neededBytes));
  }
}

function powerOfTwoUpTo(bytes: number): number {
  return bytes < 1 ? 1 : 2 ** Math.floor(Math.log2(bytes));
}

function powerOfTwoFrom(bytes: number): number {
  return bytes <= 1 ? 1 : 2 ** Math.ceil(Math.log2(bytes));
}
