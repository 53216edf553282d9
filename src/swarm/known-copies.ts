// How many copies of each chunk the neighbours are known to have, and the rarest chunk of a set. A chunk that is held
// here stands in exactly one bucket, that of its number of copies. Does not know whose copies they are, nor why.
import assert from "node:assert/strict";
import type { Bitfield } from "../core/bitfield.js";
import { ChunkSet } from "./chunk-set.js";

/** Of so few chunks each is looked at: near the end most buckets have nothing that is still wanted. */
const FEW_CHUNKS = 128;

export class KnownCopies {
  /** What is held here. */
  readonly held: ChunkSet;
  readonly #copies: Uint16Array;
  /** By number of copies; one that became empty is dropped, and used for the next that is needed. */
  readonly #buckets: (ChunkSet | undefined)[] = [];
  #spare: ChunkSet | undefined;
  /** Neighbours that have every chunk: what is the same for all changes nothing of which is the rarest, so they are
   * counted once, and not for each chunk. */
  everywhere = 0;

  constructor(held: Bitfield) {
    this.held = new ChunkSet(held.length);
    this.#copies = new Uint16Array(held.length);
    for (const chunkIndex of held) this.gained(chunkIndex);
  }

  /** Buckets that take memory, `chunkCount / 8` bytes each: at most one for each number of copies, and a spare. */
  get bucketCount(): number {
    const used = this.#buckets.filter((bucket) => bucket !== undefined).length;
    return used + (this.#spare === undefined ? 0 : 1);
  }

  /** It is held here now; whether that is news. */
  gained(chunkIndex: number): boolean {
    if (!this.held.add(chunkIndex)) return false;
    this.#bucket(this.of(chunkIndex)).add(chunkIndex);
    return true;
  }

  /** Known copies of a chunk, beside those that are everywhere. */
  of(chunkIndex: number): number {
    return this.#copies[chunkIndex] ?? 0;
  }

  /** One more is known. */
  add(chunkIndex: number): void {
    const copies = this.of(chunkIndex);
    assert(copies < 0xffff, "no more neighbours than can be counted");
    this.#move(chunkIndex, copies, copies + 1);
  }

  /** One less is known. */
  remove(chunkIndex: number): void {
    const copies = this.of(chunkIndex);
    assert(copies > 0, `a copy of chunk ${chunkIndex} was counted before`);
    this.#move(chunkIndex, copies, copies - 1);
  }

  /** One of those with the fewest copies among `wanted`, which are all held here and have `atLeast` copies or more;
   * undefined if there are none. */
  rarest(wanted: ChunkSet, atLeast: number, random: () => number): number | undefined {
    if (wanted.count <= FEW_CHUNKS) return this.#rarestOfFew(wanted, random);
    for (let copies = atLeast; copies < this.#buckets.length; copies++) {
      const chunkIndex = this.#buckets[copies]?.randomCommon(wanted, random);
      if (chunkIndex !== undefined) return chunkIndex;
    }
    return undefined;
  }

  /** The same by looking at each: of those that are equally rare, any with the same chance. */
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
