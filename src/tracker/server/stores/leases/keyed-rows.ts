// Rows found by a key of fixed length. A key is written to one place and looked up from there, so that a lookup
// allocates nothing.
import { HashIndex } from "./hash-index.js";
import type { KeyedHash } from "./keyed-hash.js";
import { type Column, NO_ROW, type Slab } from "./slab.js";

export class KeyedRows {
  /** The key that is looked up or was read last, as bytes. `keyWords` is the same memory as words. */
  readonly key: Buffer;
  readonly keyWords: Int32Array;
  readonly #slab: Slab;
  readonly #hash: KeyedHash;
  readonly #index: HashIndex;
  readonly #keys: Column;

  constructor(slab: Slab, wordsPerKey: number, hash: KeyedHash) {
    this.#slab = slab;
    this.#hash = hash;
    this.#index = new HashIndex(slab);
    this.#keys = slab.column(wordsPerKey);
    this.keyWords = new Int32Array(wordsPerKey);
    this.key = Buffer.from(this.keyWords.buffer);
  }

  /** The row with the key in `key`; NO_ROW if there is none. */
  find(): number {
    return this.#find(this.#hashOfKey());
  }

  /** Takes a row for the key in `key`, which no row may have yet. */
  add(): number {
    const row = this.#slab.take();
    this.#set(row, this.#hashOfKey());
    return row;
  }

  remove(row: number): void {
    this.#index.remove(row);
    this.#slab.giveBack(row);
  }

  /** Gives `row` the key in `key`, which no row may have yet. */
  rename(row: number): void {
    this.#index.remove(row);
    this.#set(row, this.#hashOfKey());
  }

  /** Reads the key of `row` into `key`. */
  read(row: number): void {
    this.copyTo(row, this.keyWords.length, this.keyWords, 0);
  }

  /** Copies the first `count` words of the key of `row` to `words`, from `at` on. */
  copyTo(row: number, count: number, words: Int32Array, at: number): void {
    this.#keys.copy(row, count, words, at);
  }

  /** Whether the key of `row` begins with the first `count` of `words`. */
  beginsWith(row: number, words: Int32Array, count: number): boolean {
    return this.#keys.equals(row, words, count);
  }

  #hashOfKey(): number {
    return this.#hash.ofWords(this.keyWords, 0, this.keyWords.length);
  }

  #find(hash: number): number {
    for (let row = this.#index.first(hash); row !== NO_ROW; row = this.#index.next(row)) {
      if (this.beginsWith(row, this.keyWords, this.keyWords.length)) return row;
    }
    return NO_ROW;
  }

  #set(row: number, hash: number): void {
    this.#keys.write(row, this.keyWords);
    this.#index.add(row, hash);
  }
}
