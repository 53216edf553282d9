import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ChunkSegment } from "../../src/manifest/layout.js";
import {
  chunkFingerprint,
  encodeHashCache,
  FINGERPRINT_BYTES,
  HashCache,
  isSettled,
} from "../../src/storage/source/hash-cache.js";
import { holdLoop } from "../support/hold-loop.js";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const entries = fc.uniqueArray(fc.record({ fingerprint: bytes(FINGERPRINT_BYTES), digest: bytes(32) }), {
  maxLength: 40,
  selector: ({ fingerprint }) => Buffer.from(fingerprint).toString("hex"),
});

function decoded(bytes: Buffer): HashCache {
  const cache = HashCache.decode(bytes);
  assert.ok(cache !== undefined);
  return cache;
}

function segment(fileIndex: number, fileOffset: number, length: number): ChunkSegment {
  return { fileIndex, fileOffset, chunkOffset: 0, length };
}

test("whatever was put in is found, at its place and at any other, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(entries, bytes(FINGERPRINT_BYTES), fc.nat(50), async (given, stranger, elsewhere) => {
      const cache = decoded(await encodeHashCache(given.length, (index) => given[index]));
      assert.is(cache.size, given.length);
      for (const [place, { fingerprint, digest }] of given.entries()) {
        for (const where of [place, elsewhere]) {
          assert.equal(Buffer.from(cache.digest(fingerprint, where) ?? []), Buffer.from(digest));
        }
      }
      const isKnown = given.some(({ fingerprint }) => Buffer.from(fingerprint).equals(stranger));
      if (!isKnown) assert.is(cache.digest(stranger, elsewhere), undefined);
    }),
  );
});

test("chunks that are left out are not there, and the others still are", async () => {
  const kept = { fingerprint: new Uint8Array(FINGERPRINT_BYTES).fill(1), digest: new Uint8Array(32).fill(2) };
  const cache = decoded(await encodeHashCache(3, (index) => (index === 1 ? kept : undefined)));
  assert.is(cache.size, 1);
  assert.equal(cache.digest(kept.fingerprint, 1)?.[0], 2);
});

test("a large cache is made in turns", async () => {
  const entry = { fingerprint: new Uint8Array(FINGERPRINT_BYTES), digest: new Uint8Array(32) };
  let isTurn = false;
  setImmediate(() => {
    isTurn = true;
  });
  await encodeHashCache(5_000, (index) => {
    if (index === 3) holdLoop(11);
    return entry;
  });
  assert.ok(isTurn);
});

test("a cache that was cut or changed anywhere counts as none", async () => {
  const entry = { fingerprint: new Uint8Array(FINGERPRINT_BYTES), digest: new Uint8Array(32) };
  const whole = await encodeHashCache(2, () => entry);
  for (let length = 0; length < whole.length; length++) {
    assert.is(HashCache.decode(whole.subarray(0, length)), undefined);
  }
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.is(HashCache.decode(changed), undefined, `byte ${at}`);
  }
});

test("a fingerprint changes with each number of each file's identity, and with each run", () => {
  const segments = [segment(0, 0, 10), segment(1, 5, 7)];
  const identities = BigInt64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], BigInt);
  const hex = (some: readonly ChunkSegment[], ids = identities) =>
    Buffer.from(chunkFingerprint(some, ids)).toString("hex");
  const seen = new Set([hex(segments)]);
  for (let field = 0; field < identities.length; field++) {
    const changed = identities.slice();
    changed[field] = 99n;
    seen.add(hex(segments, changed));
  }
  seen.add(hex([segment(0, 1, 10), segment(1, 5, 7)]));
  seen.add(hex([segment(0, 0, 11), segment(1, 5, 7)]));
  seen.add(hex([segment(1, 5, 7), segment(0, 0, 10)]));
  seen.add(hex([segment(0, 0, 10)]));
  assert.is(seen.size, 1 + identities.length + 4);
});

test("a file that was changed within two seconds before it was read is not believed", () => {
  const beganAtMs = 1_000_000;
  const settled = (ctimeMs: number) => {
    const identities = BigInt64Array.from([1n, 2n, 3n, 4n, BigInt(ctimeMs) * 1_000_000n]);
    return isSettled([segment(0, 0, 10)], identities, beganAtMs);
  };
  assert.is(settled(beganAtMs - 2_001), true);
  assert.is(settled(beganAtMs - 2_000), false);
  assert.is(settled(beganAtMs), false);
  assert.is(settled(beganAtMs + 60_000), false);
});

test("a file whose time is finer than a millisecond is believed after a tenth of a second", () => {
  const beganAtMs = 1_000_000;
  const settled = (ctimeMs: number) => {
    const identities = BigInt64Array.from([1n, 2n, 3n, 4n, BigInt(ctimeMs) * 1_000_000n + 123_457n]);
    return isSettled([segment(0, 0, 10)], identities, beganAtMs);
  };
  assert.is(settled(beganAtMs - 101), true);
  assert.is(settled(beganAtMs - 100), false);
  assert.is(settled(beganAtMs), false);
  assert.is(settled(beganAtMs + 60_000), false);
});

test("of a chunk of several files each has to be believed", () => {
  const fine = [1n, 2n, 3n, 4n, 999_000n * 1_000_000n + 1n];
  const coarse = [1n, 2n, 3n, 4n, 999_000n * 1_000_000n];
  const both = BigInt64Array.from([...fine, ...coarse]);
  assert.is(isSettled([segment(0, 0, 10)], both, 1_000_000), true);
  assert.is(isSettled([segment(0, 0, 10), segment(1, 0, 10)], both, 1_000_000), false);
});

test.run();
