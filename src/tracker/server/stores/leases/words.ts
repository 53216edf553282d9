// Rows of 32-bit words, as a snapshot holds them: written to memory that is reused, and read back with every length
// checked. In the byte order of the machine; a snapshot says which that is.

const FIRST_WORDS = 16 * 1024;

export class WordWriter {
  #words = new Uint32Array(FIRST_WORDS);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written; valid until more is written. */
  get written(): Uint32Array {
    return this.#words.subarray(0, this.#length);
  }

  put(word: number): void {
    this.#makeRoom(1);
    this.#words[this.#length++] = word;
  }

  putAll(words: Int32Array, count = words.length): void {
    this.#makeRoom(count);
    for (let i = 0; i < count; i++) this.#words[this.#length++] = words[i] ?? 0;
  }

  /** Writes an unsigned number of up to 53 bits. */
  putLarge(value: number): void {
    this.put(value % 2 ** 32);
    this.put(Math.floor(value / 2 ** 32));
  }

  putBytes(bytes: Uint8Array): void {
    const words = new Int32Array(Math.ceil(bytes.length / 4));
    new Uint8Array(words.buffer).set(bytes);
    this.put(bytes.length);
    this.putAll(words);
  }

  /** Overwrites a word. */
  replace(at: number, word: number): void {
    this.#words[at] = word;
  }

  /** Drops what was written from `length` on. */
  cutTo(length: number): void {
    this.#length = length;
  }

  #makeRoom(count: number): void {
    if (this.#length + count <= this.#words.length) return;
    const words = new Uint32Array(Math.max(2 * this.#words.length, this.#length + count));
    words.set(this.written);
    this.#words = words;
  }
}

/** Throws a RangeError if something is longer than what is left. */
export class WordReader {
  readonly #words: Uint32Array;
  #next = 0;

  constructor(words: Uint32Array) {
    this.#words = words;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#words.length;
  }

  /** Throws if there are fewer than `count` left. */
  require(count: number): void {
    if (count > this.#words.length - this.#next) throw new RangeError("there are too few words");
  }

  take(): number {
    const word = this.#words[this.#next++];
    if (word === undefined) throw new RangeError("the words end too soon");
    return word;
  }

  /** Fills `words` from `start` up to, not including, `end`. */
  takeInto(words: Int32Array, start: number, end: number): void {
    for (let i = start; i < end; i++) words[i] = this.take();
  }

  takeLarge(): number {
    const low = this.take();
    return this.take() * 2 ** 32 + low;
  }

  takeBytes(): Uint8Array {
    const length = this.take();
    const start = this.#next;
    this.#next += Math.ceil(length / 4);
    if (this.#next > this.#words.length) throw new RangeError("the bytes end too soon");
    const words = this.#words.slice(start, this.#next);
    return new Uint8Array(words.buffer, 0, length);
  }
}
