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

/** Columns of rows, each row known by its number. A row that was given back is taken again before a new one; its
 * columns then hold what was left in them. */
export class Slab {
  readonly #maxRows: number;
  readonly #columns: { readonly memory: GrowingMemory; readonly rowBytes: number }[] = [];
  readonly #nextFree: Int32Array;
  #firstFree = NO_ROW;
  #size = 0;
  #end = 0;

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
    this.#nextFree = this.int32();
  }

  /** A column of `perRow` numbers for each row. To be made before the first row is taken. */
  int32(perRow = 1): Int32Array {
    return new Int32Array(this.#column(4 * perRow));
  }

  uint32(perRow = 1): Uint32Array {
    return new Uint32Array(this.#column(4 * perRow));
  }

  float64(): Float64Array {
    return new Float64Array(this.#column(8));
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
      this.#firstFree = this.#nextFree[row] ?? NO_ROW;
    } else {
      if (this.#end >= this.#maxRows) throw new Error(`all ${this.#maxRows} rows are taken`);
      row = this.#end++;
      for (const { memory, rowBytes } of this.#columns) memory.growTo(this.#end * rowBytes);
    }
    this.#size += 1;
    return row;
  }

  giveBack(row: number): void {
    this.#nextFree[row] = this.#firstFree;
    this.#firstFree = row;
    this.#size -= 1;
  }

  #column(rowBytes: number): ArrayBuffer {
    const memory = new GrowingMemory(FIRST_ROWS * rowBytes, this.#maxRows * rowBytes);
    this.#columns.push({ memory, rowBytes });
    return memory.buffer;
  }
}
