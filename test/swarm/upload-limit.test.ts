// What a server sends under a rate, with a clock that the tests move.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { GoshareError } from "../../src/core/errors.js";
import { KIB, MIB } from "../../src/core/units.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";
import { ManualTime } from "../support/manual-time.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

/** One chunk of the small shares a second. */
const RATE = 64 * KIB;

function ask(peer: ScriptedPeer, contentId: Uint8Array, chunks: readonly number[], firstId = 1): void {
  for (const [index, chunkIndex] of chunks.entries())
    peer.send({ case: "getChunk", value: { contentId, chunkIndex } }, { id: firstId + 2 * index });
}

function limit(bytesPerSecond = RATE) {
  const time = new ManualTime();
  return { time, budget: new RateBudget(bytesPerSecond, time) };
}

test("a chunk begins when the ones before it are paid for, and not before", async () => {
  const { time, budget } = limit();
  const share = new MemoryShare(smallShare(6));
  const rig = await ServerRig.start({}, {}, budget);
  rig.server.add(share);
  const peer = await rig.peer();
  ask(peer, share.contentId, [0, 1, 2, 3]);
  await peer.expect("chunkData");
  await peer.roundTrip(99);
  for (let sent = 1; sent < 4; sent++) {
    time.advance(999);
    await peer.roundTrip(99 + 2 * sent);
    assert.is(share.reads.length, sent);
    time.advance(1);
    await peer.expect("chunkData");
  }
  assert.equal(share.reads, [0, 1, 2, 3]);
  rig.stop();
});

test("under a limit connections are served in turns too, however much one of them asks for", async () => {
  const { time, budget } = limit();
  const share = new MemoryShare(smallShare(40));
  const rig = await ServerRig.start({}, {}, budget);
  rig.server.add(share);
  const greedy = await rig.peer();
  const modest = await rig.peer();
  ask(greedy, share.contentId, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await greedy.roundTrip(99);
  ask(modest, share.contentId, [20, 21, 22]);
  await modest.roundTrip(99);
  for (let sent = 1; sent < 7; sent++) {
    time.advance(1000);
    await greedy.roundTrip(99 + 2 * sent);
    await modest.roundTrip(99 + 2 * sent);
    assert.is(share.reads.length, sent + 1);
  }
  assert.is(share.reads.filter((chunkIndex) => chunkIndex >= 20).length, 3, `read ${share.reads}`);
  rig.stop();
});

test("several servers of one process share one rate, by turns", async () => {
  const { time, budget } = limit();
  const shares = [new MemoryShare(smallShare(20)), new MemoryShare(smallShare(20))];
  const peers: ScriptedPeer[] = [];
  for (const share of shares) {
    const rig = await ServerRig.start({}, {}, budget);
    rig.server.add(share);
    const peer = await rig.peer();
    ask(peer, share.contentId, [0, 1, 2, 3, 4, 5, 6, 7]);
    await peer.roundTrip(99);
    peers.push(peer);
  }
  for (let seconds = 1; seconds < 8; seconds++) {
    time.advance(1000);
    for (const peer of peers) await peer.roundTrip(99 + 2 * seconds);
  }
  // The first had sent one, and was in the line again, before the second came.
  assert.equal(
    shares.map(({ reads }) => reads.length),
    [5, 3],
  );
});

test("a peer is welcome to have open what goes in a second, at least one and no more than without a limit", async () => {
  const windows: number[] = [];
  const said = new Set<boolean>();
  for (const rate of [RATE / 4, RATE, 3.5 * RATE, 1000 * MIB]) {
    const share = new MemoryShare(smallShare(2));
    const rig = await ServerRig.start({}, {}, limit(rate).budget);
    rig.server.add(share);
    const peer = await rig.peer();
    peer.send({ case: "join", value: { contentId: share.contentId, coverage: Coverage.NONE } }, { id: 1 });
    const { requests, rateLimited } = (await peer.skipTo("pullWindow")).value;
    windows.push(requests);
    said.add(rateLimited);
    rig.stop();
  }
  assert.equal(windows, [1, 1, 3, 16]);
  assert.equal(said, new Set([true]), "and told that there is one");
});

test("a limit makes a request wait for longer, but not for ever", async () => {
  const share = new MemoryShare(smallShare(4));
  const rig = await ServerRig.start({ requestPatienceMs: 0, limitedPatienceMs: 50 }, {}, limit().budget);
  rig.server.add(share);
  const first = await rig.peer();
  ask(first, share.contentId, [0]);
  await first.expect("chunkData");
  const second = await rig.peer();
  ask(second, share.contentId, [1]);
  await second.roundTrip(99);
  const refusal = await second.expect("refusal");
  assert.equal([refusal.id, refusal.value.reason], [1, RefusalReason.BUSY]);
  rig.stop();
});

test("a chunk that has begun is sent to its end, whatever the rate", async () => {
  const { budget } = limit();
  const share = new MemoryShare(smallShare(2, MIB, MIB));
  const rig = await ServerRig.start({}, {}, budget);
  rig.server.add(share);
  const peer = await rig.peer();
  ask(peer, share.contentId, [0, 1]);
  let bytes = 0;
  while (bytes < MIB) bytes += (await peer.expect("chunkData")).payload.byteLength;
  await peer.roundTrip(99);
  assert.is(bytes, MIB);
  assert.equal(new Set(share.reads), new Set([0]));
  rig.stop();
});

test("a chunk that is cancelled in the middle costs what was sent of it", async () => {
  const { time, budget } = limit();
  const share = new MemoryShare(smallShare(2, MIB, MIB));
  share.beforeRead = (chunkIndex, offset) =>
    chunkIndex === 0 && offset > 0 ? new Promise(() => undefined) : undefined;
  const rig = await ServerRig.start({}, {}, budget);
  rig.server.add(share);
  const peer = await rig.peer();
  ask(peer, share.contentId, [0]);
  const { payload } = await peer.expect("chunkData");
  peer.send({ case: "cancel", value: {} }, { id: 1 });
  await peer.expect("refusal");
  const other = await rig.peer();
  ask(other, share.contentId, [1]);
  await other.roundTrip(99);
  time.advance((payload.byteLength / RATE) * 1000 - 1);
  await other.roundTrip(101);
  assert.equal(share.reads, [0, 0]);
  time.advance(1);
  await other.expect("chunkData");
  rig.stop();
});

test("the rate's turn is not taken by one that has no memory to send from", async () => {
  let turns = 0;
  class CountedBudget extends RateBudget {
    override mayBegin(waiter: () => void): boolean {
      turns++;
      return super.mayBegin(waiter);
    }
  }
  const share = new MemoryShare(smallShare(2));
  let go: () => void = () => undefined;
  share.beforeRead = (chunkIndex) =>
    chunkIndex === 0
      ? new Promise((resolve) => {
          go = resolve;
        })
      : undefined;
  const time = new ManualTime();
  const budget = new CountedBudget(1000 * MIB, time);
  const rig = await ServerRig.start({ uploadBufferBytes: 64 * KIB }, {}, budget);
  rig.server.add(share);
  const first = await rig.peer();
  ask(first, share.contentId, [0]);
  await first.roundTrip(99);
  time.advance(1000);
  assert.is(turns, 1);
  const second = await rig.peer();
  ask(second, share.contentId, [1]);
  await second.roundTrip(99);
  assert.is(turns, 1);
  go();
  await second.expect("chunkData");
  rig.stop();
});

test("a chunk that cannot be read costs nothing of the rate", async () => {
  const { budget } = limit();
  const share = new MemoryShare(smallShare(4));
  share.beforeRead = (chunkIndex) =>
    chunkIndex === 0 ? Promise.reject(new GoshareError("SOURCE_CHANGED", "changed")) : undefined;
  const rig = await ServerRig.start({}, {}, budget);
  rig.server.add(share);
  const peer = await rig.peer();
  ask(peer, share.contentId, [0]);
  await peer.expect("refusal");
  ask(peer, share.contentId, [1], 3);
  await peer.expect("chunkData");
  rig.stop();
});

test.after(stopServers);
test.run();
