import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { keepSlotMemory, type Slot, SlotPool, slotMemory } from "../../src/workers/slots.js";

function takeAll(pool: SlotPool): Slot[] {
  const slots: Slot[] = [];
  for (let slot = pool.acquire(); slot !== undefined; slot = pool.acquire()) slots.push(slot);
  return slots;
}

test("memory is bounded for every chunk size, and there are always some slots", () => {
  for (let slotBytes = 64 * KIB; slotBytes <= 4 * MIB; slotBytes *= 2) {
    const pool = new SlotPool(slotMemory(), slotBytes, () => undefined);
    assert.ok(pool.size * slotBytes <= 32 * MIB);
    assert.ok(pool.size >= 8);
    assert.ok(pool.size <= 64);
  }
});

test("memory of a download that is over is had by the next, if nobody uses a slot of it any more", () => {
  const memory = slotMemory();
  keepSlotMemory(memory);
  assert.is(slotMemory(), memory);
  assert.is.not(slotMemory(), memory);

  const idle = new SlotPool(memory, MIB, () => undefined);
  const slot = idle.acquire();
  assert.ok(slot);
  assert.is(idle.wasIdle, false);
  idle.release(slot);
  idle.close();
  assert.is(idle.wasIdle, true);

  const busy = new SlotPool(memory, MIB, () => undefined);
  const late = busy.acquire();
  assert.ok(late);
  busy.close();
  busy.release(late);
  busy.close();
  assert.is(busy.wasIdle, false);
});

test("slots are of one size, lie side by side, and no two overlap", () => {
  const memory = slotMemory();
  const pool = new SlotPool(memory, 64 * KIB, () => undefined);
  assert.is(pool.freeCount, pool.size);
  const slots = takeAll(pool);
  assert.is(pool.freeCount, 0);
  assert.is(slots.length, pool.size);
  assert.equal(
    slots.map((slot) => slot.offset).sort((a, b) => a - b),
    Array.from({ length: pool.size }, (_, index) => index * 64 * KIB),
  );
  const all = new Uint8Array(memory);
  slots.forEach((slot, index) => {
    assert.is(slot.bytes.byteLength, 64 * KIB);
    slot.bytes.fill(index);
  });
  slots.forEach((slot, index) => {
    assert.is(all[slot.offset], index);
    assert.is(all[slot.offset + 64 * KIB - 1], index);
  });
});

test("a slot that comes back is told about and given out again", () => {
  let freed = 0;
  const pool = new SlotPool(slotMemory(), 4 * MIB, () => freed++);
  const slots = takeAll(pool);
  assert.is(pool.acquire(), undefined);
  const [first] = slots;
  assert.ok(first);
  pool.release(first);
  assert.is(freed, 1);
  assert.is(pool.freeCount, 1);
  assert.is(pool.acquire()?.offset, first.offset);
});

test("a pool that is closed wakes who waits, and keeps nothing of what still comes", () => {
  let freed = 0;
  const memory = slotMemory();
  const pool = new SlotPool(memory, 4 * MIB, () => freed++);
  const [first] = takeAll(pool);
  assert.ok(first);
  pool.close();
  assert.equal([freed, pool.freeCount > 0], [1, true]);
  const late = pool.acquire();
  assert.ok(late);
  assert.is(late.bytes.byteLength, 4 * MIB);
  assert.is.not(late.bytes.buffer, memory);
  pool.release(late);
  pool.release(first);
});

test("whoever waited may take the slot from inside the notice", () => {
  const taken: (Slot | undefined)[] = [];
  const pool: SlotPool = new SlotPool(slotMemory(), 4 * MIB, () => taken.push(pool.acquire()));
  const [first] = takeAll(pool);
  assert.ok(first);
  pool.release(first);
  assert.is(taken[0], first);
  assert.is(pool.freeCount, 0);
});

test("a slot released twice is a bug that shows at once", () => {
  const pool = new SlotPool(slotMemory(), 4 * MIB, () => undefined);
  const slot = pool.acquire();
  assert.ok(slot);
  pool.release(slot);
  assert.throws(() => pool.release(slot), /released once/);
});

test.run();
