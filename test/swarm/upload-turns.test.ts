// Who is served when, with how much memory, and what becomes of requests when a share or a peer goes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { KIB, MIB } from "../../src/core/units.js";
import { HandClock } from "../peer/rig.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { until } from "../support/until.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

/** Lets reads go on one by one. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #isOpen = false;

  readonly pass = (): Promise<void> | undefined =>
    this.#isOpen ? undefined : new Promise((resolve) => this.#waiting.push(resolve));

  next(): void {
    this.#waiting.shift()?.();
  }

  open(): void {
    this.#isOpen = true;
    for (const go of this.#waiting.splice(0)) go();
  }
}

function ask(peer: ScriptedPeer, contentId: Uint8Array, chunks: readonly number[], firstId = 1): void {
  for (const [index, chunkIndex] of chunks.entries())
    peer.send({ case: "getChunk", value: { contentId, chunkIndex } }, { id: firstId + 2 * index });
}

/** Takes frames of chunks until they hold so many bytes. */
async function receive(peer: ScriptedPeer, bytes: number): Promise<void> {
  for (let got = 0; got < bytes; ) got += (await peer.skipTo("chunkData")).payload.byteLength;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test("connections are served in turns, however much one of them asks for", async () => {
  const share = new MemoryShare(smallShare(40));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ uploadBufferBytes: 64 * KIB, maxSlicesInFlight: 2 });
  rig.server.add(share);
  const greedy = await rig.peer();
  ask(greedy, share.contentId, range(0, 30));
  await greedy.roundTrip(999);
  const modest = await rig.peer();
  ask(modest, share.contentId, [30, 31]);
  await modest.roundTrip(999);
  for (let reads = 1; reads < 8; reads++) {
    await until(() => share.reads.length === reads);
    gate.next();
  }
  await until(() => share.reads.length === 8);
  assert.ok(share.reads.indexOf(30) <= 3, `read in the order ${share.reads}`);
  assert.ok(share.reads.indexOf(31) <= 6, `read in the order ${share.reads}`);
  gate.open();
  for (let count = 0; count < 30; count++) await greedy.skipTo("chunkData");
  rig.stop();
});

const memoryOf = (share: MemoryShare) =>
  [...share.buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);

/** Resolves when nothing more is read for peers that take nothing. */
async function kernelsAreFull(share: MemoryShare): Promise<void> {
  for (let turns = 0, reads = -1; turns < 200; turns++) {
    if (share.reads.length !== reads) turns = 0;
    reads = share.reads.length;
    await new Promise(setImmediate);
  }
}

/** Peers that ask for all chunks of `share`, twice, and read none. */
async function greedyPeers(rig: ServerRig, share: MemoryShare, count: number): Promise<ScriptedPeer[]> {
  const { chunkCount } = share.manifest.root;
  const peers: ScriptedPeer[] = [];
  for (let made = 0; made < count; made++) {
    const peer = await rig.peer();
    peer.stopReading();
    ask(peer, share.contentId, [...range(0, chunkCount), ...range(0, chunkCount)]);
    peers.push(peer);
  }
  return peers;
}

test("peers that do not read hold little of the memory, and nobody up", async () => {
  const uploadBufferBytes = 4 * MIB;
  const share = new MemoryShare(smallShare(8, MIB));
  const rig = await ServerRig.start({ uploadBufferBytes, stallTimeoutMs: 3_600_000 });
  rig.server.add(share);
  await greedyPeers(rig, share, 12);
  const fast = await rig.peer();
  ask(fast, share.contentId, range(0, 8));
  await receive(fast, share.content.byteLength);
  assert.is(rig.server.connectionCount, 13, "who does not read is still there");
  assert.ok(memoryOf(share) <= uploadBufferBytes, `${memoryOf(share)} bytes`);
  rig.stop();
});

test("who takes nothing is hung up once others wait for memory, and not before", async () => {
  const uploadBufferBytes = 4 * 64 * KIB;
  const share = new MemoryShare(smallShare(8, MIB));
  const clock = new HandClock();
  const options = { uploadBufferBytes, stallTimeoutMs: 100 };
  const rig = await ServerRig.start(options, {}, undefined, clock);
  rig.server.add(share);
  await greedyPeers(rig, share, 3);
  await kernelsAreFull(share);
  const modest = await rig.peer();
  clock.move(100);
  ask(modest, share.contentId, [3], 3);
  await receive(modest, MIB);
  assert.is(rig.ends, 0, "nobody waits");
  await greedyPeers(rig, share, 4);
  await until(() => rig.ends === 3);
  await kernelsAreFull(share);
  ask(modest, share.contentId, [4], 5);
  clock.move(99);
  await modest.roundTrip(99);
  assert.is(rig.ends, 3, "the others may still take something");
  clock.move(1);
  await receive(modest, MIB);
  assert.ok(rig.ends > 3);
  assert.is(modest.end, undefined);
  rig.stop();
});

test("who takes nothing is not hung up for the time in which this process stood still", async () => {
  const share = new MemoryShare(smallShare(8, MIB));
  const clock = new HandClock();
  const stallTimeoutMs = 100;
  const rig = await ServerRig.start({ uploadBufferBytes: 256 * KIB, stallTimeoutMs }, {}, undefined, clock);
  rig.server.add(share);
  await greedyPeers(rig, share, 6);
  await kernelsAreFull(share);
  const modest = await rig.peer();
  ask(modest, share.contentId, [3], 3);
  await modest.roundTrip(99);
  clock.move(3_600_000);
  // Timers go off in the order in which they are due: the server has looked by then.
  await new Promise((resolve) => setTimeout(resolve, stallTimeoutMs));
  assert.is(rig.ends, 0);
  clock.move(stallTimeoutMs);
  await until(() => rig.ends > 0);
  rig.stop();
});

test("one that takes little now and then keeps its place, and does not hold back a fast one", async () => {
  const share = new MemoryShare(smallShare(16, MIB));
  const rig = await ServerRig.start({ uploadBufferBytes: 2 * MIB, stallTimeoutMs: 3_600_000 });
  rig.server.add(share);
  const [slow] = await greedyPeers(rig, share, 1);
  assert.ok(slow);
  const fast = await rig.peer();
  for (let round = 0; round < 32; round++) {
    ask(fast, share.contentId, [round % 15], 2 * round + 1);
    await receive(fast, MIB);
    const heard = slow.bytesHeard;
    slow.readAgain();
    await until(() => slow.bytesHeard > heard);
    slow.stopReading();
  }
  const slowBytes = () => slow.heardOf("chunkData").reduce((sum, { payload }) => sum + payload.byteLength, 0);
  assert.ok(slowBytes() < 2 * share.content.byteLength, "the fast one was done first");
  slow.readAgain();
  await receive(slow, 2 * share.content.byteLength);
  rig.stop();
});

test("a request that cannot begin in time is told to come back", async () => {
  const share = new MemoryShare(smallShare(4));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ uploadBufferBytes: 64 * KIB, requestPatienceMs: 20 });
  rig.server.add(share);
  const first = await rig.peer();
  ask(first, share.contentId, [0]);
  await until(() => share.reads.length === 1);
  const second = await rig.peer();
  ask(second, share.contentId, [1, 2]);
  for (const id of [1, 3]) {
    const refusal = await second.expect("refusal");
    assert.equal([refusal.id, refusal.value.reason], [id, RefusalReason.BUSY]);
    assert.ok(refusal.value.retryAfterMs > 0);
  }
  gate.open();
  await first.expect("chunkData");
  ask(second, share.contentId, [1], 5);
  await second.expect("chunkData");
  assert.equal(share.reads, [0, 1]);
  rig.stop();
});

test("what a peer leaves behind when it goes does not keep others from being served", async () => {
  const share = new MemoryShare(smallShare(4));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ uploadBufferBytes: 64 * KIB });
  rig.server.add(share);
  const gone = await rig.peer();
  ask(gone, share.contentId, [0, 1, 2]);
  await until(() => share.reads.length === 1);
  gone.reset();
  await until(() => rig.server.connectionCount === 0);
  const next = await rig.peer();
  ask(next, share.contentId, [3]);
  await next.roundTrip(99);
  gate.open();
  await next.expect("chunkData");
  assert.equal(share.reads, [0, 3]);
  rig.stop();
});

test("a share that is removed is left: neighbours are told, what waits is refused, what runs is finished", async () => {
  const share = new MemoryShare(smallShare(6));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ maxSlicesInFlight: 1 });
  rig.server.add(share);
  const { contentId } = share;
  const peer = await rig.peer();
  const stranger = await rig.peer();
  peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
  await peer.skipTo("pullWindow");
  ask(peer, contentId, [0, 1, 2], 3);
  await until(() => share.reads.length === 1);
  rig.server.remove(share.manifest.root.contentId);
  assert.equal(Buffer.from((await peer.expect("leave")).value.contentId), Buffer.from(contentId));
  const refused = [await peer.expect("refusal"), await peer.expect("refusal")];
  assert.equal(refused.map(({ id }) => id).sort(), [5, 7]);
  for (const { value } of refused) assert.is(value.reason, RefusalReason.CONTENT_UNKNOWN);
  gate.open();
  assert.is((await peer.expect("chunkData")).id, 3);
  ask(peer, contentId, [1], 9);
  assert.is((await peer.expect("refusal")).value.reason, RefusalReason.CONTENT_UNKNOWN);
  await stranger.roundTrip(1);
  assert.is(stranger.heard.length, 2, "who has not joined is told nothing");
  rig.stop();
});

test("a peer that leaves a share is not served any more what it had asked of it", async () => {
  const share = new MemoryShare(smallShare(6));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ maxSlicesInFlight: 1 });
  rig.server.add(share);
  const { contentId } = share;
  const peer = await rig.peer();
  peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
  await peer.skipTo("pullWindow");
  ask(peer, contentId, [0, 1, 2], 3);
  await until(() => share.reads.length === 1);
  peer.send({ case: "leave", value: { contentId } });
  assert.equal([(await peer.expect("refusal")).id, (await peer.expect("refusal")).id].sort(), [5, 7]);
  gate.open();
  assert.is((await peer.expect("chunkData")).id, 3);
  peer.send({ case: "getPeers", value: { contentId, max: 16 } }, { id: 9 });
  await peer.expect("peerList");
  rig.stop();
});

test("a server that closes answers all that was asked, then ends", async () => {
  const share = new MemoryShare(smallShare(6));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ maxSlicesInFlight: 1 }, { closeTimeoutMs: 5000 });
  rig.server.add(share);
  const peer = await rig.peer();
  ask(peer, share.contentId, [0, 1, 2]);
  await until(() => share.reads.length === 1);
  rig.server.close();
  await peer.hears("goodbye");
  gate.open();
  assert.is(await peer.ended(), "fin");
  const answered = peer.heard.flatMap(({ id }) => (id === 0 ? [] : [id]));
  assert.equal(answered.sort(), [1, 3, 5], "each once");
  assert.is(peer.heardOf("chunkData")[0]?.id, 1, "what had begun is finished");
  assert.is(peer.heardOf("goodbye")[0]?.value.reason, GoodbyeReason.SHUTTING_DOWN);
  await until(() => rig.ends === 1);
  rig.stop();
});

test("a peer that says goodbye gets what had begun, and the rest is refused", async () => {
  const share = new MemoryShare(smallShare(6));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ maxSlicesInFlight: 1 });
  rig.server.add(share);
  const peer = await rig.peer();
  ask(peer, share.contentId, [0, 1]);
  await until(() => share.reads.length === 1);
  peer.send({ case: "goodbye", value: {} });
  const refusal = await peer.expect("refusal");
  assert.equal([refusal.id, refusal.value.reason], [3, RefusalReason.SHUTTING_DOWN]);
  gate.open();
  assert.is((await peer.expect("chunkData")).id, 1);
  assert.is(await peer.ended(), "fin");
  rig.stop();
});

test.after(stopServers);
test.run();
