// HalfSipHash-1-3, which Linux uses for its hash tables: without the key nobody can choose peers or shares that fall
// into one bucket. For tables in memory only; it is no proof of anything.
import { randomBytes } from "node:crypto";

/** The two constants of HalfSipHash. */
const V2 = 0x6c796765;
const V3 = 0x74656462;

export class KeyedHash {
  readonly #key0: number;
  readonly #key1: number;

  /** `key`: 8 random bytes. */
  constructor(key: Buffer = randomBytes(8)) {
    this.#key0 = key.readInt32LE(0);
    this.#key1 = key.readInt32LE(4);
  }

  /** A signed 32-bit hash of `words` from `start` up to, not including, `end`. */
  ofWords(words: Int32Array, start: number, end: number): number {
    let v0 = this.#key0;
    let v1 = this.#key1;
    let v2 = V2 ^ this.#key0;
    let v3 = V3 ^ this.#key1;
    for (let i = start; i <= end + 3; i++) {
      // After the words comes their number of bytes, then three rounds without input.
      const word = i < end ? (words[i] ?? 0) : i === end ? (end - start) << 26 : 0;
      if (i === end + 1) v2 ^= 0xff;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    return v1 ^ v3;
  }

  ofPair(first: number, second: number): number {
    pair[0] = first;
    pair[1] = second;
    return this.ofWords(pair, 0, 2);
  }
}

const pair = new Int32Array(2);
