// Rows of numbers in typed arrays: a million leases are a handful of objects to the garbage collector. Does not know
// what the numbers mean.

/** Stands for no row. */
export const NO_ROW = -1;

/** Rows that a slab may be made for. Numbers derived from theirs stay below 2^31. */
export const MAX_ROWS = 2 ** 24;

const FIRST_ROWS = 1024;

/** Memory that doubles in place: address space for `maxBytes` is reserved at once, pages come as they are written to.
 * So nothing is ever copied, and views that were made without a length grow with it. */
export class GrowingMemory {
  readonly buffer: ArrayBuffer;

  constructor(bytes: number, maxBytes: number) {
    this.buffer = new ArrayBuffer(Math.min(bytes, maxBytes), { maxByteLength: maxBytes });
  }

  /** Makes room for at least `bytes`, which must not be more than `maxBytes`. New memory holds zeros. */
  growTo(bytes: number): void {
    const { byteLength, maxByteLength } = this.buffer;
    if (bytes > byteLength) this.buffer.resize(Math.min(Math.max(bytes, 2 * byteLength), maxByteLength));
  }
}

/** Numbers of every row of a slab. */
export class Column {
  #words: Int32Array = new Int32Array(0);
  #rowWords = 0;
  #offset = 0;

  /** Called once by its slab, before the first row is taken. */
  place(words: Int32Array, rowWords: number, offset: number): void {
    this.#words = words;
    this.#rowWords = rowWords;
    this.#offset = offset;
  }

  /** The number at `index` of a row, signed. */
  get(row: number, index = 0): number {
    return this.#words[row * this.#rowWords + this.#offset + index] ?? 0;
  }

  set(row: number, index: number, value: number): void {
    this.#words[row * this.#rowWords + this.#offset + index] = value;
  }

  /** Copies the first `count` numbers of a row to `words`, from `at` on. */
  copy(row: number, count: number, words: Int32Array, at: number): void {
    const start = row * this.#rowWords + this.#offset;
    const source = this.#words;
    for (let i = 0; i < count; i++) words[at + i] = source[start + i] ?? 0;
  }

  /** Writes the first numbers of a row. */
  write(row: number, words: Int32Array): void {
    this.#words.set(words, row * this.#rowWords + this.#offset);
  }

  /** Whether the first `count` numbers of a row are those of `words`. */
  equals(row: number, words: Int32Array, count: number): boolean {
    const start = row * this.#rowWords + this.#offset;
    const own = this.#words;
    for (let i = 0; i < count; i++) if (own[start + i] !== words[i]) return false;
    return true;
  }
}

/** What the processor fetches at a time. */
const CACHE_LINE_WORDS = 16;

/** Rows of columns, each row known by its number. All that a row has lies together, in whole cache lines: of a million
 * rows hardly one is in the processor's caches, and what a row costs is how many lines of it are looked at. A row that
 * was given back is taken again before a new one; its columns then hold what was left in them. */
export class Slab {
  readonly #maxRows: number;
  readonly #columns: { readonly column: Column; readonly words: number }[] = [];
  readonly #apart: GrowingMemory[] = [];
  readonly #nextFree = new Column();
  #memory: GrowingMemory | undefined;
  #rowBytes = 0;
  #firstFree = NO_ROW;
  #size = 0;
  #end = 0;

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
  }

  /** A column of `words` signed numbers for each row, next to the one made before. To be made before the first row is
   * taken. */
  column(words = 1): Column {
    const column = new Column();
    this.#columns.push({ column, words });
    return column;
  }

  /** A number for each row, apart from the rest, for what is looked at in all rows one after another. */
  float64(): Float64Array {
    const memory = new GrowingMemory(8 * FIRST_ROWS, 8 * this.#maxRows);
    this.#apart.push(memory);
    return new Float64Array(memory.buffer);
  }

  /** Rows that are taken. */
  get size(): number {
    return this.#size;
  }

  get maxRows(): number {
    return this.#maxRows;
  }

  /** No row from here on was ever taken. */
  get end(): number {
    return this.#end;
  }

  /** Takes a row. Throws if all are taken: the caller keeps count of them. */
  take(): number {
    let row = this.#firstFree;
    if (row !== NO_ROW) {
      this.#firstFree = this.#nextFree.get(row);
    } else {
      if (this.#end >= this.#maxRows) throw new Error(`all ${this.#maxRows} rows are taken`);
      row = this.#end++;
      this.#memory ??= this.#placeColumns();
      this.#memory.growTo(this.#end * this.#rowBytes);
      for (const memory of this.#apart) memory.growTo(this.#end * 8);
    }
    this.#size += 1;
    return row;
  }

  giveBack(row: number): void {
    this.#nextFree.set(row, 0, this.#firstFree);
    this.#firstFree = row;
    this.#size -= 1;
  }

  #placeColumns(): GrowingMemory {
    const columns = [...this.#columns, { column: this.#nextFree, words: 1 }];
    const used = columns.reduce((sum, { words }) => sum + words, 0);
    const rowWords = Math.ceil(used / CACHE_LINE_WORDS) * CACHE_LINE_WORDS;
    this.#rowBytes = 4 * rowWords;
    const memory = new GrowingMemory(FIRST_ROWS * this.#rowBytes, this.#maxRows * this.#rowBytes);
    const view = new Int32Array(memory.buffer);
    let offset = 0;
    for (const { column, words } of columns) {
      column.place(view, rowWords, offset);
      offset += words;
    }
    return memory;
  }
}
