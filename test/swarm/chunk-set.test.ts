import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Random } from "../../bench/random.js";
import { ChunkSet } from "../../src/swarm/availability/chunk-set.js";

const sized = fc
  .integer({ min: 1, max: 2100 })
  .chain((length) =>
    fc.tuple(fc.constant(length), fc.array(fc.nat(length - 1)), fc.array(fc.nat(length - 1))),
  );

test("a set holds what was added and not deleted, in order, and counts it", () => {
  fc.assert(
    fc.property(sized, ([length, added, deleted]) => {
      const set = new ChunkSet(length);
      const plain = new Set<number>();
      for (const number of added)
        assert.is(set.add(number), !plain.has(number) && plain.add(number) !== undefined);
      for (const number of deleted) assert.is(set.delete(number), plain.delete(number));
      assert.equal(
        [...set],
        [...plain].sort((a, b) => a - b),
      );
      assert.is(set.count, plain.size);
    }),
  );
});

test("a copy has the same numbers, and changes by itself", () => {
  const set = new ChunkSet(100);
  for (const number of [0, 31, 32, 99]) set.add(number);
  const copy = set.copy();
  set.delete(31);
  copy.add(50);
  assert.equal([...set], [0, 32, 99]);
  assert.equal([...copy], [0, 31, 32, 50, 99]);
  assert.is(copy.count, 5);
});

test("a full set has every number, and nothing beyond", () => {
  for (const length of [1, 31, 32, 33, 1024, 1025, 2000]) {
    const full = ChunkSet.full(length);
    assert.equal(
      [...full],
      Array.from({ length }, (_, number) => number),
    );
    assert.is(full.count, length);
    assert.is(full.next(length - 1), length - 1);
  }
});

test("what two sets have in common is found if there is any, and each of it with some draw", () => {
  fc.assert(
    fc.property(
      sized,
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      ([length, left, right], draws) => {
        const [a, b] = [left, right].map((numbers) => {
          const set = new ChunkSet(length);
          for (const number of numbers) set.add(number);
          return set;
        });
        if (a === undefined || b === undefined) throw new Error("there are two");
        const random = () => draws.next().value;
        const common = left.filter((number) => b.has(number));
        const drawn = a.randomCommon(b, random);
        if (drawn === undefined) assert.equal(common, []);
        else assert.ok(common.includes(drawn));
      },
    ),
  );
  const [a, b] = [new ChunkSet(3000), new ChunkSet(3000)];
  const common = [3, 40, 41, 1500, 2999];
  for (const number of common) {
    a.add(number);
    b.add(number);
  }
  for (const number of [4, 1400]) a.add(number);
  for (const number of [5, 1401]) b.add(number);
  const random = new Random(1).next;
  const drawn = new Set(Array.from({ length: 1000 }, () => a.randomCommon(b, random)));
  assert.equal(
    [...drawn].sort((x, y) => (x ?? 0) - (y ?? 0)),
    common,
  );
});

test.run();
