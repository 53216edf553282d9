// Random numbers that are the same for the same seed. Not for secrets.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // The first numbers of small seeds are alike.
    for (let i = 0; i < 4; i++) this.next();
  }

  /** From 0 up to but not including 1 (mulberry32). */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  between([low, high]: readonly [number, number]): number {
    return low + (high - low) * this.next();
  }

  /** From 0 up to but not including `end`. */
  index(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** With this mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** With mean 0 and deviation 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}
