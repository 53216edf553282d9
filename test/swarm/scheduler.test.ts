// The scheduler against an oracle that keeps everything in plain sets and looks at all of it each time.
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Bitfield } from "../../src/core/bitfield.js";
import { type PeerId, peerIdFromBytes } from "../../src/core/ids.js";
import type { PeerCoverage } from "../../src/swarm/availability/coverage.js";
import { ChunkScheduler } from "../../src/swarm/downloading/scheduler.js";
import { Oracle } from "./scheduler-oracle.js";

function peerId(index: number): PeerId {
  const id = peerIdFromBytes(Buffer.alloc(32, index + 1));
  if (id === undefined) throw new Error("32 bytes are an id");
  return id;
}

interface Pair {
  readonly oracle: Oracle;
  readonly scheduler: ChunkScheduler;
}

type Command = fc.Command<Oracle, ChunkScheduler>;

/** A command out of a name and what it does; checks afterwards that nothing was lost. */
function command(
  name: string,
  check: (oracle: Readonly<Oracle>) => boolean,
  run: (pair: Pair) => void,
): Command {
  return {
    check,
    run: (oracle, scheduler) => {
      const pair = { oracle, scheduler };
      run(pair);
      assertAgree(pair);
    },
    toString: () => name,
  };
}

function assertAgree({ oracle, scheduler }: Pair): void {
  assert.equal(
    [...scheduler.held],
    [...oracle.held].sort((a, b) => a - b),
  );
  assert.is(scheduler.isDone, oracle.held.size === oracle.chunkCount - oracle.unwanted.size);
  const isFree = (chunk: number) =>
    chunk < oracle.limit &&
    !oracle.unwanted.has(chunk) &&
    !oracle.held.has(chunk) &&
    !oracle.verifying.has(chunk) &&
    !oracle.asked.some((one) => one.chunk === chunk);
  assert.is(scheduler.isAllTaken, !every.some(isFree));
  for (const peer of every.slice(0, PEERS + 1))
    assert.is(
      scheduler.holdsMissing(peerId(peer)),
      oracle.holdsMissing(peer),
      `peer ${peer} holds something`,
    );
}

const isHere = (peer: number) => (oracle: Oracle) => oracle.peers.has(peer);

function joins(peer: number, chunks: readonly number[]): Command {
  return command(
    `peer ${peer} joins with ${chunks}`,
    (oracle) => !oracle.peers.has(peer),
    ({ oracle, scheduler }) => {
      const holds = new Set(chunks.filter((chunk) => chunk < oracle.chunkCount));
      oracle.peers.set(peer, { holds: new Set(holds), refusedForGood: new Set() });
      scheduler.peerJoined(peerId(peer), coverageOf(holds, oracle.chunkCount));
    },
  );
}

function coverageOf(holds: ReadonlySet<number>, chunkCount: number): PeerCoverage {
  if (holds.size === 0) return "none";
  if (holds.size === chunkCount) return "complete";
  const field = new Bitfield(chunkCount);
  for (const chunk of holds) field.add(chunk);
  return field;
}

function leaves(peer: number): Command {
  return command(`peer ${peer} leaves`, isHere(peer), ({ oracle, scheduler }) => {
    oracle.peers.delete(peer);
    const others = oracle.asked.filter((one) => one.peer !== peer);
    oracle.asked.splice(0, oracle.asked.length, ...others);
    scheduler.peerLeft(peerId(peer));
  });
}

function gains(peer: number, chunks: readonly number[]): Command {
  return command(`peer ${peer} gains ${chunks}`, isHere(peer), ({ oracle, scheduler }) => {
    const gained = chunks.filter((chunk) => chunk < oracle.chunkCount);
    const state = oracle.peers.get(peer);
    for (const chunk of gained) {
      state?.holds.add(chunk);
      state?.refusedForGood.delete(chunk);
    }
    scheduler.peerGained(peerId(peer), gained);
  });
}

function loses(peer: number, chunks: readonly number[]): Command {
  return command(`peer ${peer} loses ${chunks}`, isHere(peer), ({ oracle, scheduler }) => {
    const lost = chunks.filter((chunk) => chunk < oracle.chunkCount);
    for (const chunk of lost) oracle.peers.get(peer)?.holds.delete(chunk);
    scheduler.peerLost(peerId(peer), lost);
  });
}

function asks(peer: number): Command {
  return command(
    `peer ${peer} is asked`,
    () => true,
    ({ oracle, scheduler }) => {
      const askable = oracle.askable(peer);
      const chunk = scheduler.next(peerId(peer));
      if (chunk === undefined) {
        assert.equal(askable, [], "there was something to ask for");
        return;
      }
      assert.ok(askable.includes(chunk), `chunk ${chunk} is none of ${askable}`);
      oracle.asked.push({ chunk, peer });
    },
  );
}

function offers(peer: number, chunks: readonly number[]): Command {
  return command(`peer ${peer} offers ${chunks}`, isHere(peer), ({ oracle, scheduler }) => {
    const offered = chunks.filter((chunk) => chunk < oracle.chunkCount);
    const state = oracle.peers.get(peer);
    for (const chunk of offered) {
      state?.holds.add(chunk);
      state?.refusedForGood.delete(chunk);
    }
    const askable = oracle.askable(peer);
    const chunk = scheduler.take(peerId(peer), offered);
    assert.is(
      chunk,
      offered.find((one) => askable.includes(one)),
      "the first that is needed",
    );
    if (chunk !== undefined) oracle.asked.push({ chunk, peer });
  });
}

function asksAlso(from: number, to: number): Command {
  return command(
    `peer ${to} is asked for what ${from} is asked for`,
    () => from !== to,
    ({ oracle, scheduler }) => {
      const chunk = scheduler.lastAskedOf(peerId(from), peerId(to), () => true);
      assert.is(chunk, oracle.movable(from, to).at(-1));
      if (chunk === undefined) return;
      scheduler.alsoAsked(peerId(to), chunk);
      oracle.asked.push({ chunk, peer: to });
    },
  );
}

const someAsked = (oracle: Oracle) => oracle.asked.length > 0;
const someVerifying = (oracle: Oracle) => oracle.verifying.size > 0;

function delivers(which: number): Command {
  return command(`delivery ${which}`, someAsked, ({ oracle, scheduler }) => {
    const { chunk, peer } = oracle.endAsk(which);
    const isNeeded = !oracle.held.has(chunk) && !oracle.verifying.has(chunk);
    if (isNeeded) oracle.verifying.add(chunk);
    assert.is(scheduler.delivered(peerId(peer), chunk), isNeeded);
  });
}

function refuses(which: number, forGood: boolean): Command {
  return command(`refusal ${which}${forGood ? " for good" : ""}`, someAsked, ({ oracle, scheduler }) => {
    const { chunk, peer } = oracle.endAsk(which);
    if (forGood) oracle.peers.get(peer)?.refusedForGood.add(chunk);
    scheduler.refused(peerId(peer), chunk, forGood);
  });
}

function verifies(which: number, isRight: boolean): Command {
  return command(`${isRight ? "right" : "wrong"} ${which}`, someVerifying, ({ oracle, scheduler }) => {
    const chunk = [...oracle.verifying][which % oracle.verifying.size] ?? 0;
    oracle.verifying.delete(chunk);
    if (isRight) {
      oracle.held.add(chunk);
      assert.ok(scheduler.verified(chunk), "it is news");
      assert.not(scheduler.verified(chunk), "but only once");
    } else scheduler.missing(chunk);
  });
}

function limits(limit: number): Command {
  return command(
    `no chunk from ${limit} on`,
    () => true,
    ({ oracle, scheduler }) => {
      oracle.limit = Math.min(limit, oracle.chunkCount);
      scheduler.askBelow(oracle.limit);
    },
  );
}

const PEERS = 4;
const MAX_CHUNKS = 20;
const peer = fc.nat(PEERS - 1);
const chunks = fc.uniqueArray(fc.nat(MAX_CHUNKS - 1), { maxLength: MAX_CHUNKS });
const every = Array.from({ length: MAX_CHUNKS }, (_, index) => index);

const commands = fc.commands(
  [
    fc.tuple(peer, fc.oneof(chunks, fc.constant(every))).map(([who, which]) => joins(who, which)),
    peer.map(leaves),
    fc.tuple(peer, chunks).map(([who, which]) => gains(who, which)),
    fc.tuple(peer, chunks).map(([who, which]) => loses(who, which)),
    peer.map(asks),
    peer.map(asks),
    peer.map(asks),
    fc.tuple(peer, chunks).map(([who, which]) => offers(who, which)),
    fc.tuple(peer, peer).map(([from, to]) => asksAlso(from, to)),
    fc.nat(50).map(delivers),
    fc.nat(50).map(delivers),
    fc.nat(MAX_CHUNKS).map(limits),
    fc.tuple(fc.nat(50), fc.boolean()).map(([which, forGood]) => refuses(which, forGood)),
    fc.tuple(fc.nat(50), fc.boolean()).map(([which, isRight]) => verifies(which, isRight)),
  ],
  { maxCommands: 120 },
);

/** How a download begins: of so many chunks, some held, some to be checked, one that is asked for first, and some that
 * are not wanted. */
const beginning = fc
  .integer({ min: 1, max: MAX_CHUNKS })
  .chain((count) =>
    fc.tuple(
      fc.constant(count),
      fc.uniqueArray(fc.nat(count - 1), { maxLength: count }),
      fc.uniqueArray(fc.nat(count - 1), { maxLength: count }),
      fc.nat(count - 1),
      fc.oneof(fc.constant([]), fc.uniqueArray(fc.nat(count - 1), { maxLength: count })),
    ),
  );

type Beginning = readonly [
  count: number,
  held: number[],
  unchecked: number[],
  firstChunk: number,
  unwanted: readonly number[],
];

function begin([count, heldChunks, uncheckedChunks, firstChunk, unwanted]: Beginning): Pair {
  const oracle = new Oracle(count, new Set(unwanted));
  const held = new Bitfield(count);
  const unchecked = new Bitfield(count);
  const wanted = Bitfield.full(count);
  for (const chunk of unwanted) wanted.delete(chunk);
  for (const chunk of heldChunks) {
    if (!wanted.has(chunk)) continue;
    held.add(chunk);
    oracle.held.add(chunk);
  }
  for (const chunk of uncheckedChunks) {
    if (held.has(chunk) || !wanted.has(chunk)) continue;
    unchecked.add(chunk);
    oracle.verifying.add(chunk);
  }
  return { oracle, scheduler: new ChunkScheduler(held, unchecked, firstChunk, wanted) };
}

/** Whatever has happened: everything under way fails, a complete peer comes, and the download ends. */
function assertCanEnd(pair: Pair): void {
  const { oracle, scheduler } = pair;
  limits(MAX_CHUNKS).run(oracle, scheduler);
  for (const index of every.slice(0, PEERS))
    if (oracle.peers.has(index)) leaves(index).run(oracle, scheduler);
  while (oracle.verifying.size > 0) verifies(0, false).run(oracle, scheduler);
  joins(PEERS, every).run(oracle, scheduler);
  let steps = 0;
  while (!scheduler.isDone) {
    assert.ok(steps++ <= oracle.chunkCount, "a chunk was lost");
    asks(PEERS).run(oracle, scheduler);
    delivers(0).run(oracle, scheduler);
    verifies(0, true).run(oracle, scheduler);
  }
  assert.is(scheduler.next(peerId(PEERS)), undefined);
}

test("whatever peers do, chunks are asked of those who have them, of two only if told so, and none is lost", () => {
  fc.assert(
    fc.property(beginning, commands, (start, steps) => {
      const pair = begin(start);
      fc.modelRun(() => ({ model: pair.oracle, real: pair.scheduler }), steps);
      assertCanEnd(pair);
    }),
    { numRuns: 400 },
  );
});

test("what a download holds at the start stays as it was for the one who said so", () => {
  const held = new Bitfield(8);
  const scheduler = new ChunkScheduler(held, new Bitfield(8));
  scheduler.verified(3);
  assert.is(held.count, 0);
  assert.is(scheduler.held.count, 1);
});

test("a peer that says anew what it holds is asked for that", () => {
  const scheduler = new ChunkScheduler(new Bitfield(2), new Bitfield(2));
  const one = new Bitfield(2);
  one.add(0);
  scheduler.peerJoined(peerId(0), one);
  assert.is(scheduler.next(peerId(0)), 0);
  scheduler.refused(peerId(0), 0, true);
  assert.is(scheduler.next(peerId(0)), undefined);
  scheduler.peerJoined(peerId(0), "complete");
  assert.equal([scheduler.next(peerId(0)), scheduler.next(peerId(0))].sort(), [0, 1]);
});

test("a complete peer that refused a chunk and then gained it is asked again", () => {
  const scheduler = new ChunkScheduler(new Bitfield(1), new Bitfield(1));
  scheduler.peerJoined(peerId(0), "complete");
  assert.is(scheduler.next(peerId(0)), 0);
  scheduler.refused(peerId(0), 0, true);
  assert.is(scheduler.next(peerId(0)), undefined);
  scheduler.peerGained(peerId(0), [0]);
  assert.is(scheduler.next(peerId(0)), 0);
});

test("a peer is complete once it has gained everything, until it loses something", () => {
  const scheduler = new ChunkScheduler(new Bitfield(2), new Bitfield(2));
  scheduler.peerJoined(peerId(0), "none");
  scheduler.peerGained(peerId(0), [0, 1]);
  scheduler.peerLost(peerId(0), []);
  assert.ok(scheduler.isComplete(peerId(0)));
  scheduler.peerLost(peerId(0), [1]);
  assert.not(scheduler.isComplete(peerId(0)));
});

test("what a peer offers is taken although it did not announce it, once, and free again when it refuses", () => {
  const scheduler = new ChunkScheduler(new Bitfield(2), new Bitfield(2));
  assert.is(scheduler.take(peerId(0), [1]), undefined, "it has not joined");
  scheduler.peerJoined(peerId(0), "none");
  scheduler.peerJoined(peerId(1), "none");
  assert.is(scheduler.take(peerId(0), [1, 0]), 1);
  assert.is(scheduler.take(peerId(1), [1]), undefined);
  scheduler.refused(peerId(0), 1, true);
  assert.is(scheduler.next(peerId(1)), 1, "an offer is an announcement");
});

test("what a peer that has gone delivers or refuses late changes nothing", () => {
  const scheduler = new ChunkScheduler(new Bitfield(1), new Bitfield(1));
  scheduler.peerJoined(peerId(0), "complete");
  scheduler.peerJoined(peerId(1), "complete");
  assert.is(scheduler.next(peerId(0)), 0);
  scheduler.peerLeft(peerId(0));
  assert.is(scheduler.next(peerId(1)), 0);
  scheduler.refused(peerId(0), 0, true);
  scheduler.delivered(peerId(0), 0);
  scheduler.peerLeft(peerId(0));
  assert.is(scheduler.next(peerId(1)), undefined, "it is still asked of the other");
});

test.run();
