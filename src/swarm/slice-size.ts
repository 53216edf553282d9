// How much of a chunk goes at a time on one connection. Not much at first, so that those who ask and read nothing hold
// little; by the rate once that is known; less while memory is short. Pure: told what the kernel took and when, time
// comes in as a parameter. Never reads, never sends.
import type { ServerOptions } from "./options.js";

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

/** With all memory free one slice may take this part of it, with half of it free a quarter of that, and so on: so
 * well over a hundred connections may stand still, however fast they were before, until nothing is left for others. */
const MAX_PART_OF_POOL = 1 / 16;

/** One of which nothing is known has more than the least only while so much of the memory is free. */
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

  /** Bytes wait for the kernel from now on, and none did before. */
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
    // That a kernel takes bytes quickly says nothing, that it does not says enough.
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

  /** Memory for the next slice, a power of two, where `remainingBytes` of the chunk are left and `inFlight` slices
   * are on their way; 0: not before one of those is out. `freeBytes` of `poolBytes` of memory are free. */
  next(remainingBytes: number, inFlight: number, freeBytes: number, poolBytes: number): number {
    const { minSliceBytes, maxSlicesInFlight } = this.#options;
    // More than one at a time only saves the time of a read: not worth memory that is short, or for a peer of which
    // nothing is known.
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
