// A random sample of two groups, the larger of which must not crowd out the other. Its cost grows with what it returns,
// whatever the groups' sizes. Knows no members: the caller says who is at a position.
import { firstPart } from "../mixed-part.js";

export interface SampleOf {
  /** Members of each group. */
  readonly counts: readonly [number, number];
  readonly max: number;
  /** Members of a group that are known to be of no use at most; some more may be. */
  readonly spare: number;
  /** Takes the members at the first `count` of `positions` of `group`; returns how many it has taken, for some may not be
   * given out. Many at a time, so that the processor fetches them from memory side by side. */
  readonly take: (group: 0 | 1, positions: Int32Array, count: number) => number;
}

/** Positions given to `take` at a time, at most. */
export const MAX_BATCH = 64;

/** Draws samples one after another, in memory that it reuses. */
export class MixedSampler {
  readonly #random: () => number;
  readonly #first: Draw;
  readonly #second: Draw;

  /** `random` gives numbers from 0 up to, not including, 1. */
  constructor(random: () => number) {
    this.#random = random;
    this.#first = new Draw(random, 0);
    this.#second = new Draw(random, 1);
  }

  /** Takes up to `max` members, none twice. Within a group all are equally likely; so are all of both groups, unless one
   * group would get less than its least part. */
  draw(wanted: SampleOf): void {
    const { counts, max } = wanted;
    this.#first.begin(wanted);
    this.#second.begin(wanted);
    let taken = this.#first.take(firstPart(counts, max, this.#random));
    taken += this.#second.take(max - taken);
    // If the second group has not given its part, the first gives more.
    this.#first.take(max - taken);
  }
}

const NOBODY: SampleOf = { counts: [0, 0], max: 0, spare: 0, take: () => 0 };

/** A Fisher–Yates shuffle of one group that goes only as far as needed, and notes swaps instead of making them. */
class Draw {
  readonly #random: () => number;
  readonly #group: 0 | 1;
  readonly #swaps = new Swaps();
  readonly #positions = new Int32Array(MAX_BATCH);
  #wanted = NOBODY;
  #next = 0;
  #end = 0;

  constructor(random: () => number, group: 0 | 1) {
    this.#random = random;
    this.#group = group;
  }

  begin(wanted: SampleOf): void {
    const { counts, max, spare } = wanted;
    this.#wanted = wanted;
    this.#next = 0;
    this.#end = Math.min(counts[this.#group], 2 * (max + spare));
    if (this.#end > 0) this.#swaps.clear(this.#end);
  }

  /** Takes so many more members, or as many as there are; returns how many it has taken. */
  take(wanted: number): number {
    let taken = 0;
    while (taken < wanted && this.#next < this.#end) {
      const batch = Math.min(wanted - taken, this.#end - this.#next, MAX_BATCH);
      for (let i = 0; i < batch; i++) this.#positions[i] = this.#drawn();
      taken += this.#wanted.take(this.#group, this.#positions, batch);
    }
    return taken;
  }

  #drawn(): number {
    const position = this.#next++;
    const others = this.#wanted.counts[this.#group] - position;
    return this.#swaps.swap(position, position + Math.floor(this.#random() * others));
  }
}

/** Fibonacci hashing: neighbouring positions are far from each other in the table. */
const GOLDEN = 0x9e3779b1;

/** Who stands where after swaps: a table with open addressing, at most half full. */
class Swaps {
  /** For each place in the table a position plus 1, then who stands there. */
  #table = new Int32Array(0);
  #bits = 0;

  /** Forgets all swaps, and makes room for so many. */
  clear(swaps: number): void {
    this.#bits = 33 - Math.clz32(swaps);
    if (this.#table.length < 2 << this.#bits) this.#table = new Int32Array(2 << this.#bits);
    else this.#table.fill(0, 0, 2 << this.#bits);
  }

  /** Lets who stands at `position` stand at `other`, and returns who stood there. `position` is not asked for again. */
  swap(position: number, other: number): number {
    const stands = this.#standsAt(this.#find(position), position);
    if (position === other) return stands;
    const at = this.#find(other);
    const stood = this.#standsAt(at, other);
    this.#table[at] = other + 1;
    this.#table[at + 1] = stands;
    return stood;
  }

  #standsAt(at: number, position: number): number {
    return this.#table[at] === 0 ? position : (this.#table[at + 1] ?? position);
  }

  /** Where `position` is in the table, or would be. */
  #find(position: number): number {
    const mask = (2 << this.#bits) - 1;
    let at = 2 * (Math.imul(position, GOLDEN) >>> (32 - this.#bits));
    while (this.#table[at] !== 0 && this.#table[at] !== position + 1) at = (at + 2) & mask;
    return at;
  }
}
