// Ids: 32 bytes, written as 64 lower-case hex digits.
import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  contentIdFromBytes,
  idToBytes,
  parseContentId,
  peerIdFromBytes,
  randomPeerId,
  toHex,
  writeHex,
} from "../../src/core/ids.js";

test("a content id is read in any case and with space around it", () => {
  const digits = "0123456789abcdef".repeat(4);
  for (const text of [digits, digits.toUpperCase(), ` ${digits}\n`]) assert.is(parseContentId(text), digits);
});

test("the bytes of an id are written where they belong and nowhere else", () => {
  for (let i = 0; i < 20; i++) {
    const bytes = randomBytes(32);
    const into = new Uint8Array(40).fill(7);
    writeHex(toHex(bytes), into, 4);
    assert.equal(Buffer.from(into), Buffer.concat([Buffer.alloc(4, 7), bytes, Buffer.alloc(4, 7)]));
  }
});

test("what is not 64 hex digits is no content id", () => {
  const digits = "a".repeat(64);
  for (const text of ["", digits.slice(1), `${digits}a`, `g${digits.slice(1)}`, `0x${digits.slice(2)}`])
    assert.is(parseContentId(text), undefined, text);
  assert.is(parseContentId(`${"a".repeat(32)} ${"a".repeat(32)}`), undefined);
});

test("bytes become ids and ids bytes", () => {
  const bytes = randomBytes(32);
  for (const fromBytes of [contentIdFromBytes, peerIdFromBytes]) {
    const id = fromBytes(bytes);
    assert.is(id, bytes.toString("hex"));
    if (id !== undefined) assert.equal(Buffer.from(idToBytes(id)), bytes);
  }
});

test("an id does not change when the buffer it came from does", () => {
  const buffer = randomBytes(100);
  const wanted = buffer.subarray(10, 42).toString("hex");
  const id = contentIdFromBytes(buffer.subarray(10, 42));
  buffer.fill(0);
  assert.is(id, wanted);
});

test("any other number of bytes is no id", () => {
  for (const length of [0, 31, 33, 64]) {
    assert.is(contentIdFromBytes(new Uint8Array(length)), undefined);
    assert.is(peerIdFromBytes(new Uint8Array(length)), undefined);
  }
});

test("peer ids are random", () => {
  const ids = new Set(Array.from({ length: 100 }, () => randomPeerId()));
  assert.is(ids.size, 100);
  for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
});

test("hex is of the view, not of the buffer behind it", () => {
  assert.is(toHex(Uint8Array.of(1, 2, 0xff, 4).subarray(1, 3)), "02ff");
});

test.run();
