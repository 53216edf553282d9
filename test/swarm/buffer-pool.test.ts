// Pooled buffers: never more bytes than allowed, but always at least one buffer.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BufferPool } from "../../src/swarm/uploading/buffer-pool.js";

test("grants buffers of the size asked for until its bytes are in use", () => {
  const pool = new BufferPool(100);
  const granted = [pool.acquire(40), pool.acquire(40)];
  assert.equal(
    granted.map((buffer) => buffer?.byteLength),
    [40, 40],
  );
  assert.is(pool.acquire(40), undefined);
  assert.is(pool.inUse, 2);
});

test("one buffer is granted even if it is larger than all that is allowed", () => {
  const pool = new BufferPool(100);
  const large = pool.acquire(1000);
  assert.is(large?.byteLength, 1000);
  assert.is(pool.acquire(1), undefined);
  if (large !== undefined) pool.release(large);
  assert.is(pool.acquire(1)?.byteLength, 1);
});

test("a buffer that came back is used again, and never by two at a time", () => {
  const pool = new BufferPool(100);
  const first = pool.acquire(50);
  const second = pool.acquire(50);
  assert.is.not(first, second);
  if (first !== undefined) pool.release(first);
  assert.is(pool.acquire(50), first);
  assert.is(pool.acquire(50), undefined);
});

test("buffers of one size make room for those of another", () => {
  const pool = new BufferPool(100);
  const small = Array.from({ length: 10 }, () => pool.acquire(10));
  assert.is(pool.acquire(60), undefined);
  for (const buffer of small.slice(0, 6)) if (buffer !== undefined) pool.release(buffer);
  assert.is(pool.acquire(60)?.byteLength, 60);
  assert.is(pool.acquire(10), undefined);
});

test("giving back what was not taken is a bug", () => {
  assert.throws(() => new BufferPool(100).release(Buffer.alloc(10)));
});

test("never has more bytes than allowed in use and in store together, unless it has one buffer only", () => {
  const MAX_BYTES = 100;
  const sizes = fc.constantFrom(10, 30, 50, 150);
  const step = fc.oneof(
    sizes.map((size) => ({ size })),
    fc.nat(30).map((which) => ({ which })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const pool = new BufferPool(MAX_BYTES);
      const inUse: Uint8Array[] = [];
      for (const next of steps) {
        if ("size" in next) {
          const buffer = pool.acquire(next.size);
          if (buffer === undefined) assert.ok(inUse.length > 0, "the first is always granted");
          else {
            assert.not(inUse.includes(buffer));
            inUse.push(buffer);
          }
        } else {
          const [buffer] = inUse.splice(next.which % Math.max(1, inUse.length), 1);
          if (buffer !== undefined) pool.release(buffer);
        }
        assert.is(pool.inUse, inUse.length);
        // The only buffer there is may be larger than all that is allowed.
        assert.ok(pool.bytes <= MAX_BYTES || (inUse.length <= 1 && pool.bytes === 150));
        assert.ok(inUse.reduce((sum, buffer) => sum + buffer.byteLength, 0) <= pool.bytes);
      }
    }),
  );
});

test.run();
