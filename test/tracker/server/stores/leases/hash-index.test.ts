import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HashIndex } from "../../../../../src/tracker/server/stores/leases/hash-index.js";
import { KeyedHash } from "../../../../../src/tracker/server/stores/leases/keyed-hash.js";
import { KeyedRows } from "../../../../../src/tracker/server/stores/leases/keyed-rows.js";
import { NO_ROW, Slab } from "../../../../../src/tracker/server/stores/leases/slab.js";

const MAX_ROWS = 5000;

function rowsWith(index: HashIndex, hash: number): number[] {
  const rows: number[] = [];
  for (let row = index.first(hash); row !== NO_ROW; row = index.next(row)) rows.push(row);
  return rows.sort((a, b) => a - b);
}

test("rows are found by their hash, however many come and go, and however many share one", () => {
  const step = fc.record({ isAdded: fc.boolean(), hash: fc.integer({ min: -40, max: 40 }), pick: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.integer(), (steps, spread) => {
      const slab = new Slab(MAX_ROWS);
      const index = new HashIndex(slab);
      const model = new Map<number, number>();
      for (const { isAdded, hash, pick } of steps) {
        if (isAdded) {
          const row = slab.take();
          index.add(row, Math.imul(hash, spread));
          model.set(row, Math.imul(hash, spread));
        } else if (model.size > 0) {
          const row = [...model.keys()][pick % model.size] ?? NO_ROW;
          index.remove(row);
          slab.giveBack(row);
          model.delete(row);
        }
      }
      for (let hash = -40; hash <= 40; hash++) {
        const wanted = [...model].filter(([, one]) => one === Math.imul(hash, spread)).map(([row]) => row);
        assert.equal(
          rowsWith(index, Math.imul(hash, spread)),
          wanted.sort((a, b) => a - b),
        );
      }
    }),
  );
});

test("a slab that is full refuses, and gives rows that were given back", () => {
  const slab = new Slab(3);
  assert.equal([slab.take(), slab.take(), slab.take()], [0, 1, 2]);
  assert.throws(() => slab.take(), /all 3 rows/);
  slab.giveBack(1);
  assert.is(slab.size, 2);
  assert.is(slab.take(), 1);
  assert.is(slab.end, 3);
});

test("columns hold what was written while a slab grows", () => {
  const slab = new Slab(MAX_ROWS);
  const [numbers, times, pairs] = [slab.column(), slab.float64(), slab.column(2)];
  for (let row = 0; row < MAX_ROWS; row++) {
    assert.is(slab.take(), row);
    numbers.set(row, 0, -row);
    times[row] = row / 3;
    pairs.set(row, 1, row);
  }
  for (let row = 0; row < MAX_ROWS; row++) {
    assert.equal([numbers.get(row), times[row], pairs.get(row), pairs.get(row, 1)], [-row, row / 3, 0, row]);
  }
});

test("keys are found in any order of adding, renaming and removing", () => {
  const step = fc.record({
    action: fc.constantFrom("add", "remove", "rename"),
    key: fc.nat(30),
    to: fc.nat(30),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const rows = new KeyedRows(new Slab(40), 3, new KeyedHash());
      const model = new Map<number, number>();
      const write = (key: number) => rows.keyWords.set([key, 7, key * 3]);
      for (const { action, key, to } of steps) {
        const row = model.get(key);
        if (action === "add" && row === undefined) {
          write(key);
          model.set(key, rows.add());
        } else if (action === "remove" && row !== undefined) {
          rows.remove(row);
          model.delete(key);
        } else if (action === "rename" && row !== undefined && !model.has(to)) {
          write(to);
          rows.rename(row);
          model.delete(key);
          model.set(to, row);
        }
      }
      for (let key = 0; key <= 30; key++) {
        write(key);
        assert.is(rows.find(), model.get(key) ?? NO_ROW);
      }
      for (const [key, row] of model) {
        rows.read(row);
        assert.equal([...rows.keyWords], [key, 7, key * 3]);
      }
    }),
  );
});

test("hashes are the same for the same key and words, spread evenly, and unlike with another key", () => {
  const hash = new KeyedHash(Buffer.from("01234567"));
  const words = Int32Array.from([1, 2, 3, 4]);
  assert.is(hash.ofWords(words, 0, 4), new KeyedHash(Buffer.from("01234567")).ofWords(words, 0, 4));
  assert.is(hash.ofPair(2, 3), hash.ofWords(words, 1, 3));
  const other = new KeyedHash(Buffer.from("01234568"));
  const buckets = new Int32Array(64);
  let same = 0;
  for (let n = 0; n < 64_000; n++) {
    const bucket = hash.ofPair(n, 5) & 63;
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    if (bucket === (other.ofPair(n, 5) & 63)) same += 1;
  }
  // About 1,000 in each, with a deviation of 32.
  for (const count of [...buckets, same]) assert.ok(Math.abs(count - 1000) < 200, `${count}`);
});

test.run();
