import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ContentId, contentIdFromBytes } from "../../src/core/ids.js";
import {
  decodeJournal,
  encodeCommitMark,
  encodeJournalHeader,
  encodeJournalRecords,
  maxJournalBytes,
} from "../../src/storage/part/journal.js";

function contentId(fill: number): ContentId {
  const id = contentIdFromBytes(new Uint8Array(32).fill(fill));
  if (id === undefined) throw new Error("32 bytes are a content id");
  return id;
}

const ID = contentId(7);
const MAX_CHUNKS = 2 ** 24;

const journal = (chunkCount: number, ...records: readonly (readonly number[])[]) =>
  Buffer.concat([encodeJournalHeader(ID, chunkCount), ...records.map(encodeJournalRecords)]);

/** A chunk count, and numbers of chunks below it in any order. */
const anyRecords = fc
  .integer({ min: 1, max: 5000 })
  .chain((chunkCount) =>
    fc.record({ chunkCount: fc.constant(chunkCount), held: fc.array(fc.nat(chunkCount - 1)) }),
  );

const rising = (numbers: Iterable<number>) => [...new Set(numbers)].sort((a, b) => a - b);

test("a journal claims what was put into it, in whatever order and however often", () => {
  fc.assert(
    fc.property(anyRecords, fc.nat(20), ({ chunkCount, held }, split) => {
      const bytes = journal(chunkCount, held.slice(0, split), held.slice(split));
      const claims = decodeJournal(bytes, ID, chunkCount);
      assert.equal([...(claims?.held ?? [])], rising(held));
      assert.is(claims?.isCommitting, false);
      assert.is(claims?.wholeBytes, bytes.length);
    }),
  );
});

test("the mark of a commit is seen wherever it stands, and is no chunk", () => {
  fc.assert(
    fc.property(anyRecords, ({ chunkCount, held }) => {
      const bytes = Buffer.concat([
        journal(chunkCount, held),
        encodeCommitMark(true),
        encodeJournalRecords([0]),
      ]);
      const claims = decodeJournal(bytes, ID, chunkCount);
      assert.is(claims?.isCommitting, true);
      assert.equal([...(claims?.held ?? [])], rising([...held, 0]));
    }),
  );
});

test("of several marks the last one counts", () => {
  for (const marks of [
    [true, false],
    [true, false, true],
    [false, false],
  ]) {
    const claims = decodeJournal(Buffer.concat([journal(3, [1]), ...marks.map(encodeCommitMark)]), ID, 3);
    assert.is(claims?.isCommitting, marks.at(-1));
    assert.equal([...(claims?.held ?? [])], [1]);
  }
});

test("a journal cut anywhere claims a beginning of what it held, and says where whole records end", () => {
  const held = [3, 0, 250, 999, 3, 17];
  const bytes = journal(1000, held);
  const headerBytes = encodeJournalHeader(ID, 1000).length;
  for (let length = 0; length <= bytes.length; length++) {
    const claims = decodeJournal(bytes.subarray(0, length), ID, 1000);
    const whole = Math.max(0, Math.floor((length - headerBytes) / 4));
    assert.equal([...(claims?.held ?? [])], rising(held.slice(0, whole)));
    assert.is(claims?.wholeBytes, headerBytes + whole * 4);
  }
});

test("garbage behind the header never claims a chunk that is not there", () => {
  fc.assert(
    fc.property(anyRecords, fc.uint8Array({ maxLength: 400 }), ({ chunkCount, held }, garbage) => {
      const bytes = Buffer.concat([journal(chunkCount, held), garbage]);
      const claims = decodeJournal(bytes, ID, chunkCount);
      assert.ok(claims);
      for (const chunkIndex of claims.held) assert.ok(chunkIndex < chunkCount);
      for (const chunkIndex of held) assert.ok(claims.held.has(chunkIndex));
      assert.is((bytes.length - claims.wholeBytes) % 4, garbage.length % 4);
      assert.ok(bytes.length - claims.wholeBytes < 4);
    }),
  );
});

test("any change of the header makes it another journal, any change behind it stays in range", () => {
  const bytes = journal(100, [1, 2, 99]);
  const headerBytes = encodeJournalHeader(ID, 100).length;
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
      const damaged = Buffer.from(bytes);
      damaged[offset] = (damaged[offset] ?? 0) ^ flip;
      const claims = decodeJournal(damaged, ID, 100);
      if (offset < headerBytes) assert.is(claims, undefined);
      else for (const chunkIndex of claims?.held ?? []) assert.ok(chunkIndex < 100);
    }),
  );
});

test("bytes that are no journal are told from one and never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(MAX_CHUNKS), (bytes, chunkCount) => {
      // A header that was cut off is the beginning of any journal, and claims nothing.
      const isBeginning = bytes.every((byte, at) => byte === encodeJournalHeader(ID, chunkCount)[at]);
      assert.is(decodeJournal(bytes, ID, chunkCount)?.held.count, isBeginning ? 0 : undefined);
    }),
  );
});

test("the journal of another content id, or of another number of chunks, is another", () => {
  const bytes = journal(8, [1, 2, 3]);
  assert.ok(decodeJournal(bytes, ID, 8));
  assert.is(decodeJournal(bytes, contentId(8), 8), undefined);
  assert.is(decodeJournal(bytes, ID, 9), undefined);
});

test("a view into a larger buffer is read from its own beginning", () => {
  const bytes = journal(8, [5]);
  const around = Buffer.concat([Buffer.alloc(13, 0xff), bytes, Buffer.alloc(13, 0)]);
  const view = new Uint8Array(around.buffer, around.byteOffset + 13, bytes.length);
  assert.equal([...(decodeJournal(view, ID, 8)?.held ?? [])], [5]);
});

test("the largest share and the empty one have journals", () => {
  const largest = journal(MAX_CHUNKS, [MAX_CHUNKS - 1]);
  assert.equal([...(decodeJournal(largest, ID, MAX_CHUNKS)?.held ?? [])], [MAX_CHUNKS - 1]);
  const empty = decodeJournal(journal(0, [0, 1]), ID, 0);
  assert.is(empty?.held.count, 0);
  assert.is(empty?.isCommitting, false);
});

test("no journal that runs wrote is too large, and what counts as one can be read at once", () => {
  for (const chunkCount of [0, 1, 5000, MAX_CHUNKS]) {
    const whole = encodeJournalHeader(ID, chunkCount).byteLength + 4 * (chunkCount + 1);
    assert.ok(maxJournalBytes(chunkCount) >= 2 * whole);
    assert.ok(maxJournalBytes(chunkCount) <= 2 ** 28);
  }
});

test.run();
