// A set of chunk numbers made to be walked and compared 32 at a time: words of 32 bits, and one bit for each word that
// is not empty, so that 1,024 numbers are skipped in one step. Counts as it changes. Never sent: the wire carries a
// Bitfield.
import assert from "node:assert/strict";
import type { Bitfield } from "../../core/bitfield.js";

/** The bit of number 0 in its word; number 31 has the lowest. So leading zeros count up to the first number. */
const TOP_BIT = 0x8000_0000;

export class ChunkSet {
  /** How many numbers the set can hold: 0 to `length` - 1. */
  readonly length: number;
  readonly #words: Uint32Array;
  /** One bit for each word that is not 0. */
  readonly #filled: Uint32Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#words = new Uint32Array(Math.ceil(length / 32));
    this.#filled = new Uint32Array(Math.ceil(this.#words.length / 32));
  }

  static from(field: Bitfield): ChunkSet {
    const set = new ChunkSet(field.length);
    for (const chunkIndex of field) set.add(chunkIndex);
    return set;
  }

  static full(length: number): ChunkSet {
    const set = new ChunkSet(length);
    fill(set.#words, length);
    fill(set.#filled, set.#words.length);
    set.#count = length;
    return set;
  }

  copy(): ChunkSet {
    const set = new ChunkSet(this.length);
    set.#words.set(this.#words);
    set.#filled.set(this.#filled);
    set.#count = this.#count;
    return set;
  }

  get count(): number {
    return this.#count;
  }

  has(chunkIndex: number): boolean {
    return ((this.#words[chunkIndex >>> 5] ?? 0) & (TOP_BIT >>> (chunkIndex & 31))) !== 0;
  }

  /** Whether the set changed. `chunkIndex` must be below `length`. */
  add(chunkIndex: number): boolean {
    assert(chunkIndex >= 0 && chunkIndex < this.length);
    const at = chunkIndex >>> 5;
    const word = this.#words[at] ?? 0;
    const bit = TOP_BIT >>> (chunkIndex & 31);
    if ((word & bit) !== 0) return false;
    this.#words[at] = word | bit;
    if (word === 0) this.#filled[at >>> 5] = (this.#filled[at >>> 5] ?? 0) | (TOP_BIT >>> (at & 31));
    this.#count++;
    return true;
  }

  /** Whether the set changed. `chunkIndex` must be below `length`. */
  delete(chunkIndex: number): boolean {
    assert(chunkIndex >= 0 && chunkIndex < this.length);
    const at = chunkIndex >>> 5;
    const word = this.#words[at] ?? 0;
    const bit = TOP_BIT >>> (chunkIndex & 31);
    if ((word & bit) === 0) return false;
    const rest = word & ~bit;
    this.#words[at] = rest;
    if (rest === 0) this.#filled[at >>> 5] = (this.#filled[at >>> 5] ?? 0) & ~(TOP_BIT >>> (at & 31));
    this.#count--;
    return true;
  }

  /** The smallest number in the set from `from` up; undefined if there is none. */
  next(from: number): number | undefined {
    const at = from >>> 5;
    const rest = (this.#words[at] ?? 0) & (0xffff_ffff >>> (from & 31));
    if (rest !== 0) return at * 32 + Math.clz32(rest);
    const after = at + 1;
    let filled = (this.#filled[after >>> 5] ?? 0) & (0xffff_ffff >>> (after & 31));
    for (let group = after >>> 5; group < this.#filled.length; filled = this.#filled[++group] ?? 0) {
      if (filled === 0) continue;
      const found = group * 32 + Math.clz32(filled);
      return found * 32 + Math.clz32(this.#words[found] ?? 0);
    }
    return undefined;
  }

  /** The numbers in the set, rising. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let at = this.next(0); at !== undefined; at = this.next(at + 1)) yield at;
  }

  /** A number that is in both sets; undefined if there is none. Draws a group of 1,024 numbers, a word of 32 in it and
   * a number in that, each with the same chance among those in which both sets have numbers. If what was drawn has no
   * number in common, it walks on to the next. `random` gives from 0 up to but not including 1. */
  randomCommon(other: ChunkSet, random: () => number): number | undefined {
    const groups = this.#filled.length;
    let candidates = 0;
    for (let group = 0; group < groups; group++) if (this.#filledInBoth(other, group) !== 0) candidates++;
    if (candidates === 0) return undefined;
    let first = -1;
    for (let skipped = Math.floor(random() * candidates); skipped >= 0; skipped--)
      while (this.#filledInBoth(other, ++first) === 0);
    const words = this.#filledInBoth(other, first);
    // Goes round from there: the first group comes again at the end, for the words before the one drawn.
    const fromDrawn = 0xffff_ffff >>> nthBit(words, Math.floor(random() * bitCount(words)));
    for (let step = 0; step <= groups; step++) {
      const group = (first + step) % groups;
      const mask = step === 0 ? fromDrawn : step === groups ? ~fromDrawn : -1;
      let filled = this.#filledInBoth(other, group) & mask;
      while (filled !== 0) {
        const bit = Math.clz32(filled);
        filled &= ~(TOP_BIT >>> bit);
        const at = group * 32 + bit;
        const common = (this.#words[at] ?? 0) & (other.#words[at] ?? 0);
        if (common !== 0) return at * 32 + nthBit(common, Math.floor(random() * bitCount(common)));
      }
    }
    return undefined;
  }

  #filledInBoth(other: ChunkSet, group: number): number {
    return (this.#filled[group] ?? 0) & (other.#filled[group] ?? 0);
  }
}

/** Sets the first `bits` bits. */
function fill(words: Uint32Array, bits: number): void {
  words.fill(0xffff_ffff);
  if (bits % 32 !== 0) words[words.length - 1] = ~(0xffff_ffff >>> (bits % 32));
}

/** How many bits of a word are set. */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Where the n-th set bit of a word is, n from 0, counted from the top. */
function nthBit(word: number, n: number): number {
  let rest = word;
  for (let passed = 0; passed < n; passed++) rest &= ~(TOP_BIT >>> Math.clz32(rest));
  return Math.clz32(rest);
}
