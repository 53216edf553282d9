// Rows found by a key of fixed length. A key is written to one place and looked up from there, so that a lookup
// allocates nothing.
import { HashIndex } from "./hash-index.js";
import type { KeyedHash } from "./keyed-hash.js";
import { NO_ROW, type Slab } from "./slab.js";

export class KeyedRows {
  /** The key that is looked up or was read last, as bytes. `keyWords` is the same memory as words. */
  readonly key: Buffer;
  readonly keyWords: Uint32Array;
  readonly #slab: Slab;
  readonly #hash: KeyedHash;
  readonly #index: HashIndex;
  readonly #keys: Uint32Array;

  constructor(slab: Slab, wordsPerKey: number, hash: KeyedHash) {
    this.#slab = slab;
    this.#hash = hash;
    this.#index = new HashIndex(slab);
    this.#keys = slab.uint32(wordsPerKey);
    this.keyWords = new Uint32Array(wordsPerKey);
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
    const { keyWords } = this;
    const start = row * keyWords.length;
    for (let i = 0; i < keyWords.length; i++) keyWords[i] = this.#keys[start + i] ?? 0;
  }

  #hashOfKey(): number {
    return this.#hash.ofWords(this.keyWords, 0, this.keyWords.length);
  }

  #find(hash: number): number {
    for (let row = this.#index.first(hash); row !== NO_ROW; row = this.#index.next(row)) {
      if (this.#hasKey(row)) return row;
    }
    return NO_ROW;
  }

  #hasKey(row: number): boolean {
    const { keyWords } = this;
    const start = row * keyWords.length;
    for (let i = 0; i < keyWords.length; i++) if (this.#keys[start + i] !== keyWords[i]) return false;
    return true;
  }

  #set(row: number, hash: number): void {
    const start = row * this.keyWords.length;
    this.#keys.set(this.keyWords, start);
    this.#index.add(row, hash);
  }
}
