// How many copies of each chunk the neighbours are known to have, and the rarest chunk of a set. A chunk that is held
// here is in exactly one bucket, the one for its number of copies. Does not know which neighbours have them, nor why.
import assert from "node:assert/strict";
import type { Bitfield } from "../../core/bitfield.js";
import { ChunkSet } from "./chunk-set.js";

/** If so few chunks are wanted, each is looked at: near the end most buckets hold none of them. */
const FEW_CHUNKS = 128;

export class KnownCopies {
  /** What is held here. */
  readonly held: ChunkSet;
  readonly #copies: Uint16Array;
  /** By number of copies; a bucket that becomes empty is dropped, and used for the next that is needed. */
  readonly #buckets: (ChunkSet | undefined)[] = [];
  #spare: ChunkSet | undefined;
  /** Neighbours that have every chunk. They add the same to all chunks and so do not change which is rarest: they are
   * counted once, not for each chunk. */
  everywhere = 0;

  constructor(held: Bitfield) {
    this.held = new ChunkSet(held.length);
    this.#copies = new Uint16Array(held.length);
    for (const chunkIndex of held) this.gained(chunkIndex);
  }

  /** Buckets that take memory, `chunkCount / 8` bytes each: at most one for each number of copies, and one spare. */
  get bucketCount(): number {
    const used = this.#buckets.filter((bucket) => bucket !== undefined).length;
    return used + (this.#spare === undefined ? 0 : 1);
  }

  /** A chunk is held here now; returns whether that is news. */
  gained(chunkIndex: number): boolean {
    if (!this.held.add(chunkIndex)) return false;
    this.#bucket(this.of(chunkIndex)).add(chunkIndex);
    return true;
  }

  /** Known copies of a chunk, without those counted in `everywhere`. */
  of(chunkIndex: number): number {
    return this.#copies[chunkIndex] ?? 0;
  }

  /** One more copy of a chunk is known. */
  add(chunkIndex: number): void {
    const copies = this.of(chunkIndex);
    assert(copies < 0xffff, "no more neighbours than can be counted");
    this.#move(chunkIndex, copies, copies + 1);
  }

  /** One copy of a chunk less is known. */
  remove(chunkIndex: number): void {
    const copies = this.of(chunkIndex);
    assert(copies > 0, `a copy of chunk ${chunkIndex} was counted before`);
    this.#move(chunkIndex, copies, copies - 1);
  }

  /** One of the chunks of `wanted` with the fewest copies; undefined if there are none. All of `wanted` are held here
   * and have `atLeast` copies or more. */
  rarest(wanted: ChunkSet, atLeast: number, random: () => number): number | undefined {
    if (wanted.count <= FEW_CHUNKS) return this.#rarestOfFew(wanted, random);
    for (let copies = atLeast; copies < this.#buckets.length; copies++) {
      const chunkIndex = this.#buckets[copies]?.randomCommon(wanted, random);
      if (chunkIndex !== undefined) return chunkIndex;
    }
    return undefined;
  }

  /** The same by looking at each; all that are equally rare have the same chance. */
  #rarestOfFew(wanted: ChunkSet, random: () => number): number | undefined {
    let rarest: number | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    let ties = 0;
    for (let at = wanted.next(0); at !== undefined; at = wanted.next(at + 1)) {
      const copies = this.of(at);
      if (copies > fewest) continue;
      ties = copies < fewest ? 1 : ties + 1;
      fewest = copies;
      if (ties === 1 || random() * ties < 1) rarest = at;
    }
    return rarest;
  }

  #move(chunkIndex: number, from: number, to: number): void {
    this.#copies[chunkIndex] = to;
    if (!this.held.has(chunkIndex)) return;
    const bucket = this.#bucket(from);
    bucket.delete(chunkIndex);
    if (bucket.count === 0) {
      this.#spare = bucket;
      this.#buckets[from] = undefined;
    }
    this.#bucket(to).add(chunkIndex);
  }

  #bucket(copies: number): ChunkSet {
    const known = this.#buckets[copies];
    if (known !== undefined) return known;
    const bucket = this.#spare ?? new ChunkSet(this.held.length);
    this.#spare = undefined;
    this.#buckets[copies] = bucket;
    return bucket;
  }
}
