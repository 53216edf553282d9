// Bitfields against sets of numbers.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";

/** A length and numbers below it. */
const lengthAndMembers = fc
  .integer({ min: 1, max: 200 })
  .chain((length) =>
    fc.tuple(fc.constant(length), fc.uniqueArray(fc.nat(length - 1), { maxLength: length })),
  );

function fieldOf(length: number, members: Iterable<number>): Bitfield {
  const field = new Bitfield(length);
  for (const member of members) field.add(member);
  return field;
}

function assertSame(field: Bitfield, members: ReadonlySet<number>): void {
  assert.equal(
    [...field],
    [...members].sort((a, b) => a - b),
  );
  assert.is(field.count, members.size);
  assert.is(field.isFull, members.size === field.length);
  for (let index = -1; index <= field.length; index++) {
    assert.is(field.has(index), members.has(index), `has ${index}`);
    let missing: number | undefined;
    for (let candidate = field.length - 1; candidate >= Math.max(0, index); candidate--)
      if (!members.has(candidate)) missing = candidate;
    assert.is(field.nextMissing(index), missing, `next missing from ${index}`);
  }
}

test("a bitfield is a set of numbers, whatever is added and taken away", () => {
  const steps = fc
    .integer({ min: 1, max: 100 })
    .chain((length) =>
      fc.tuple(fc.constant(length), fc.array(fc.tuple(fc.boolean(), fc.nat(length - 1)), { maxLength: 60 })),
    );
  fc.assert(
    fc.property(steps, ([length, changes]) => {
      const field = new Bitfield(length);
      const members = new Set<number>();
      for (const [isAdded, index] of changes) {
        const isNews = members.has(index) !== isAdded;
        assert.is(isAdded ? field.add(index) : field.delete(index), isNews);
        if (isAdded) members.add(index);
        else members.delete(index);
      }
      assertSame(field, members);
    }),
  );
});

test("its bytes are as the wire has them, and bring the same set back", () => {
  fc.assert(
    fc.property(lengthAndMembers, ([length, members]) => {
      const bytes = fieldOf(length, members).toBytes();
      assert.is(bytes.byteLength, Math.ceil(length / 8));
      assert.is(bytes.byteLength, Bitfield.byteLength(length));
      for (let index = 0; index < bytes.byteLength * 8; index++) {
        const isSet = ((bytes[Math.floor(index / 8)] ?? 0) & (0x80 >> (index % 8))) !== 0;
        assert.is(isSet, members.includes(index));
      }
      const back = Bitfield.fromBytes(bytes, length);
      assert.ok(back !== undefined);
      assertSame(back, new Set(members));
      bytes.fill(0xff);
      assertSame(back, new Set(members));
    }),
  );
});

test("bytes of the wrong number or with a spare bit set are no bitfield", () => {
  assert.is(Bitfield.fromBytes(Uint8Array.of(0x80), 0), undefined);
  assert.is(Bitfield.fromBytes(new Uint8Array(0), 1), undefined);
  assert.is(Bitfield.fromBytes(new Uint8Array(2), 8), undefined);
  assert.is(Bitfield.fromBytes(new Uint8Array(1), 9), undefined);
  for (let length = 1; length < 8; length++) {
    for (let spare = length; spare < 8; spare++)
      assert.is(Bitfield.fromBytes(Uint8Array.of(0x80 >> spare), length), undefined);
  }
  assert.is(Bitfield.fromBytes(Uint8Array.of(0xff), 8)?.count, 8);
  assert.is(Bitfield.fromBytes(new Uint8Array(0), 0)?.count, 0);
});

test("a full bitfield holds every number and has no spare bit set", () => {
  for (let length = 0; length <= 40; length++) {
    const full = Bitfield.full(length);
    assertSame(full, new Set(Array.from({ length }, (_, index) => index)));
    assert.ok(Bitfield.fromBytes(full.toBytes(), length)?.isFull);
  }
});

test("a copy goes its own way", () => {
  const field = fieldOf(10, [1, 2]);
  const copy = field.copy();
  copy.add(3);
  field.delete(1);
  assert.equal([[...field], [...copy]], [[2], [1, 2, 3]]);
});

test("numbers outside it are a bug of the caller", () => {
  const field = new Bitfield(8);
  for (const index of [-1, 8]) {
    assert.throws(() => field.add(index));
    assert.throws(() => field.delete(index));
  }
  for (const length of [-1, 1.5, Number.NaN]) assert.throws(() => new Bitfield(length));
});

test.run();
