// A random sample of two groups, the larger of which must not crowd out the other. Its cost grows with what it returns,
// whatever the groups' sizes. Pure: the caller says who is at a position.
import { firstPart } from "../mixed-part.js";

export interface SampleOf<T> {
  /** Members of each group. */
  readonly counts: readonly [number, number];
  readonly max: number;
  /** Members of a group that are known to be of no use at most; some more may be. */
  readonly spare: number;
  /** Gives numbers from 0 up to, not including, 1. */
  readonly random: () => number;
  /** The member at `position` of `group`; undefined if it is not to be given out. */
  readonly at: (group: 0 | 1, position: number) => T | undefined;
}

/** Up to `max` members, none twice. Within a group all are equally likely; so are all of both groups, unless one group
 * would get less than its least part. */
export function mixedSample<T>(wanted: SampleOf<T>): T[] {
  const { counts, max } = wanted;
  const first = new Draw(wanted, 0);
  const second = new Draw(wanted, 1);
  const drawn: T[] = [];
  first.drawUntil(drawn, firstPart(counts, max, wanted.random));
  second.drawUntil(drawn, max);
  // If the second group has not given its part, the first gives more.
  first.drawUntil(drawn, max);
  return drawn;
}

/** A Fisher–Yates shuffle of one group that goes only as far as needed, and notes swaps instead of making them: in
 * lists that are searched, since for so few draws a table costs more. */
class Draw<T> {
  readonly #wanted: SampleOf<T>;
  readonly #group: 0 | 1;
  readonly #count: number;
  /** Swapped positions; `#with` has for each the position whose member is there now. */
  readonly #swapped: number[] = [];
  readonly #with: number[] = [];
  #next = 0;

  constructor(wanted: SampleOf<T>, group: 0 | 1) {
    this.#wanted = wanted;
    this.#group = group;
    this.#count = wanted.counts[group];
  }

  /** Adds to `drawn` until it has `length`. */
  drawUntil(drawn: T[], length: number): void {
    const { random, at, max, spare } = this.#wanted;
    const end = Math.min(this.#count, 2 * (max + spare));
    for (; this.#next < end && drawn.length < length; this.#next++) {
      const i = this.#next;
      const j = i + Math.floor(random() * (this.#count - i));
      const member = at(this.#group, this.#standsAt(j));
      this.#swap(j, this.#standsAt(i));
      if (member !== undefined) drawn.push(member);
    }
  }

  #standsAt(position: number): number {
    const place = this.#swapped.indexOf(position);
    return place === -1 ? position : (this.#with[place] ?? position);
  }

  #swap(position: number, other: number): void {
    const place = this.#swapped.indexOf(position);
    if (place !== -1) this.#with[place] = other;
    else {
      this.#swapped.push(position);
      this.#with.push(other);
    }
  }
}
