// Finds rows of a slab by the hash of their key: linear hashing with chains. Each added row splits at most one bucket,
// so a table never stops the process to be built anew. Compares no keys.
import { type Column, GrowingMemory, NO_ROW, type Slab } from "./slab.js";

/** A power of two. */
const FIRST_BUCKETS = 16;

export class HashIndex {
  /** For each row its hash, then the next row of the same bucket, plus 1, so that fresh memory means that there is
   * none. */
  readonly #links: Column;
  readonly #memory: GrowingMemory;
  /** The first row of each bucket, plus 1. */
  readonly #heads: Int32Array;
  #buckets = FIRST_BUCKETS;
  /** The largest power of two that is not more than the number of buckets. */
  #round = FIRST_BUCKETS;
  #size = 0;

  /** Adds a column to `slab`, and holds each of its rows at most once. */
  constructor(slab: Slab) {
    this.#links = slab.column(2);
    this.#memory = new GrowingMemory(4 * FIRST_BUCKETS, 4 * (FIRST_BUCKETS + slab.maxRows));
    this.#heads = new Int32Array(this.#memory.buffer);
  }

  /** The first row with this hash; NO_ROW if there is none. */
  first(hash: number): number {
    return this.#withHash(this.#heads[this.#bucketOf(hash)] ?? 0, hash);
  }

  /** `first` of each of the first `count` of `hashes`, into `rows`. One step for all of them before the next: so the
   * processor fetches them from memory side by side. */
  firstOfEach(hashes: Int32Array, count: number, rows: Int32Array): void {
    for (let i = 0; i < count; i++) rows[i] = this.#heads[this.#bucketOf(hashes[i] ?? 0)] ?? 0;
    for (let i = 0; i < count; i++) rows[i] = this.#withHash(rows[i] ?? 0, hashes[i] ?? 0);
  }

  /** The next row after `row` with the same hash. Nothing may be added or removed between. */
  next(row: number): number {
    return this.#withHash(this.#nextOf(row), this.#hashOf(row));
  }

  #withHash(link: number, hash: number): number {
    while (link !== 0 && this.#hashOf(link - 1) !== hash) link = this.#nextOf(link - 1);
    return link === 0 ? NO_ROW : link - 1;
  }

  add(row: number, hash: number): void {
    this.#links.set(row, 0, hash);
    this.#push(row, this.#bucketOf(hash));
    this.#size += 1;
    if (this.#size > this.#buckets) this.#split();
  }

  remove(row: number): void {
    const bucket = this.#bucketOf(this.#hashOf(row));
    const after = this.#nextOf(row);
    let link = this.#heads[bucket] ?? 0;
    if (link === row + 1) {
      this.#heads[bucket] = after;
    } else {
      while (this.#nextOf(link - 1) !== row + 1) link = this.#nextOf(link - 1);
      this.#setNext(link - 1, after);
    }
    this.#size -= 1;
  }

  #hashOf(row: number): number {
    return this.#links.get(row);
  }

  #nextOf(row: number): number {
    return this.#links.get(row, 1);
  }

  #setNext(row: number, link: number): void {
    this.#links.set(row, 1, link);
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (2 * this.#round - 1);
    return bucket < this.#buckets ? bucket : hash & (this.#round - 1);
  }

  #push(row: number, bucket: number): void {
    this.#setNext(row, this.#heads[bucket] ?? 0);
    this.#heads[bucket] = row + 1;
  }

  /** Opens one more bucket, and moves the rows there that the next bit of their hash sends there. */
  #split(): void {
    const old = this.#buckets - this.#round;
    this.#buckets += 1;
    this.#memory.growTo(4 * this.#buckets);
    let link = this.#heads[old] ?? 0;
    this.#heads[old] = 0;
    while (link !== 0) {
      const row = link - 1;
      link = this.#nextOf(row);
      this.#push(row, this.#bucketOf(this.#hashOf(row)));
    }
    if (this.#buckets === 2 * this.#round) this.#round = this.#buckets;
  }
}
