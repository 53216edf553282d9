// In which order chunks are asked for where nothing fails: each of them once, whatever comes first, and from one
// peer in the order of their numbers, beginning anywhere.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { type PeerId, peerIdFromBytes } from "../../src/core/ids.js";
import { ChunkScheduler } from "../../src/swarm/downloading/scheduler.js";

const MAX_CHUNKS = 20;
const PEERS = [0, 1, 2];

function peerId(index: number): PeerId {
  const id = peerIdFromBytes(Buffer.alloc(32, index + 1));
  if (id === undefined) throw new Error("32 bytes are an id");
  return id;
}

function bitfield(length: number, chunks: readonly number[]): Bitfield {
  const field = new Bitfield(length);
  for (const chunk of chunks) field.add(chunk);
  return field;
}

interface Beginning {
  readonly count: number;
  readonly held: readonly number[];
  /** Being verified, and all of them wrong. */
  readonly unchecked: readonly number[];
  readonly firstChunk: number;
}

const beginning = fc.integer({ min: 1, max: MAX_CHUNKS }).chain((count) =>
  fc
    .record({
      held: fc.uniqueArray(fc.nat(count - 1), { maxLength: count }),
      unchecked: fc.uniqueArray(fc.nat(count - 1), { maxLength: count }),
      firstChunk: fc.nat(count - 1),
    })
    .map(({ held, unchecked, firstChunk }): Beginning => {
      return { count, held, unchecked: unchecked.filter((chunk) => !held.includes(chunk)), firstChunk };
    }),
);

const missingAtStart = ({ count, held }: Beginning): number[] =>
  Array.from({ length: count }, (_, chunk) => chunk).filter((chunk) => !held.includes(chunk));

/** The chunks asked for, in that order. Bit p of `holders[c]` says that peer p holds chunk c. `order` says what
 * happens next; when it is at its end, all that can happen does. */
function askedFor(start: Beginning, holders: readonly number[], order: readonly number[]): number[] {
  const { count, held, firstChunk } = start;
  const unchecked = [...start.unchecked];
  const scheduler = new ChunkScheduler(bitfield(count, held), bitfield(count, unchecked), firstChunk);
  for (const peer of PEERS) {
    const holds = holders.slice(0, count).flatMap((bits, chunk) => ((bits >> peer) & 1 ? [chunk] : []));
    scheduler.peerJoined(peerId(peer), bitfield(count, holds));
  }
  const asked: number[] = [];
  const onTheWay: { readonly peer: number; readonly chunk: number }[] = [];
  const ask = (peer: number): boolean => {
    const chunk = scheduler.next(peerId(peer));
    if (chunk === undefined) return false;
    asked.push(chunk);
    onTheWay.push({ peer, chunk });
    return true;
  };
  const arrive = (which: number) => {
    for (const { peer, chunk } of onTheWay.splice(which, 1)) {
      scheduler.delivered(peerId(peer), chunk);
      scheduler.verified(chunk);
    }
  };
  const findWrong = (which: number) => {
    for (const chunk of unchecked.splice(which, 1)) scheduler.missing(chunk);
  };
  for (const choice of order) {
    const place = choice % (PEERS.length + onTheWay.length + unchecked.length);
    if (place < PEERS.length) ask(place);
    else if (place < PEERS.length + onTheWay.length) arrive(place - PEERS.length);
    else findWrong(place - PEERS.length - onTheWay.length);
  }
  while (unchecked.length > 0) findWrong(0);
  for (const peer of PEERS) while (ask(peer));
  while (onTheWay.length > 0) arrive(0);
  assert.ok(scheduler.isDone);
  return asked;
}

test("where nothing fails every missing chunk is asked for exactly once, whatever comes first", () => {
  const somebody = fc.integer({ min: 1, max: 2 ** PEERS.length - 1 });
  const holders = fc.array(somebody, { minLength: MAX_CHUNKS, maxLength: MAX_CHUNKS });
  const order = fc.array(fc.nat(), { maxLength: 4 * MAX_CHUNKS });
  fc.assert(
    fc.property(beginning, holders, order, (start, holds, events) => {
      const asked = askedFor(start, holds, events);
      assert.equal(
        asked.sort((a, b) => a - b),
        missingAtStart(start),
      );
    }),
    { numRuns: 1000 },
  );
});

test("one peer is asked in order, from the first chunk on to the end and then from the beginning", () => {
  const onlyFirst = Array<number>(MAX_CHUNKS).fill(1);
  fc.assert(
    fc.property(beginning, (start) => {
      const missing = missingAtStart(start);
      const after = missing.filter((chunk) => chunk >= start.firstChunk);
      const before = missing.filter((chunk) => chunk < start.firstChunk);
      assert.equal(askedFor(start, onlyFirst, []), [...after, ...before]);
    }),
  );
});

test.run();
