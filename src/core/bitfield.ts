// A set of chunk numbers, one bit each, in the order the wire uses: bit 0x80 of byte 0 is number 0, spare
// bits at the end are 0. Counts as it changes, so that asking how many are set costs nothing.
import assert from "node:assert/strict";

export class Bitfield {
  /** How many numbers the set can hold: 0 to length - 1. */
  readonly length: number;
  readonly #bytes: Uint8Array;
  #count = 0;

  constructor(length: number) {
    assert(Number.isSafeInteger(length) && length >= 0);
    this.length = length;
    this.#bytes = new Uint8Array(Bitfield.byteLength(length));
  }

  /** Bytes that hold `length` bits. */
  static byteLength(length: number): number {
    return Math.ceil(length / 8);
  }

  /** The set written in `bytes` (copied), or undefined if their number is wrong or a spare bit is set. */
  static fromBytes(bytes: Uint8Array, length: number): Bitfield | undefined {
    if (bytes.byteLength !== Bitfield.byteLength(length)) return undefined;
    const spareBits = bytes.byteLength * 8 - length;
    const last = bytes[bytes.byteLength - 1] ?? 0;
    if ((last & ((1 << spareBits) - 1)) !== 0) return undefined;
    const field = new Bitfield(length);
    field.#bytes.set(bytes);
    for (const byte of bytes) field.#count += BITS_IN_BYTE[byte] ?? 0;
    return field;
  }

  static full(length: number): Bitfield {
    const field = new Bitfield(length);
    field.#bytes.fill(0xff);
    const spareBits = field.#bytes.byteLength * 8 - length;
    if (spareBits > 0) field.#bytes[field.#bytes.byteLength - 1] = (0xff << spareBits) & 0xff;
    field.#count = length;
    return field;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  has(index: number): boolean {
    return (
      index >= 0 && index < this.length && ((this.#bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
    );
  }

  /** Whether the set changed. `index` must be below `length`. */
  add(index: number): boolean {
    assert(index >= 0 && index < this.length, `chunk ${index} of ${this.length}`);
    if (this.has(index)) return false;
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] ?? 0) | (0x80 >> (index & 7));
    this.#count++;
    return true;
  }

  /** Whether the set changed. `index` must be below `length`. */
  delete(index: number): boolean {
    assert(index >= 0 && index < this.length, `chunk ${index} of ${this.length}`);
    if (!this.has(index)) return false;
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] ?? 0) & ~(0x80 >> (index & 7));
    this.#count--;
    return true;
  }

  /** The smallest number from `from` up that is not in the set, or undefined. Skips full bytes. */
  nextMissing(from: number): number | undefined {
    let index = Math.max(0, from);
    while (index < this.length) {
      if ((index & 7) === 0 && this.#bytes[index >> 3] === 0xff) index += 8;
      else if (this.has(index)) index++;
      else return index;
    }
    return undefined;
  }

  /** The numbers in the set, rising. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let byte = 0; byte < this.#bytes.byteLength; byte++) {
      const bits = this.#bytes[byte] ?? 0;
      if (bits === 0) continue;
      for (let bit = 0; bit < 8; bit++) if ((bits & (0x80 >> bit)) !== 0) yield byte * 8 + bit;
    }
  }

  copy(): Bitfield {
    const field = new Bitfield(this.length);
    field.#bytes.set(this.#bytes);
    field.#count = this.#count;
    return field;
  }

  /** A copy of the bytes, as the wire carries them. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }
}

const BITS_IN_BYTE = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll("0", "").length,
);
