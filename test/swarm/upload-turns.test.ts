// Who is served when, with how much memory, and what becomes of requests when a share or a peer goes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { KIB, MIB } from "../../src/core/units.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
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

async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise(setImmediate);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test("connections are served in turns, however much one of them asks for", async () => {
  const share = new MemoryShare(smallShare(40));
  const gate = new Gate();
  share.beforeRead = gate.pass;
  const rig = await ServerRig.start({ uploadBufferBytes: 64 * KIB, sendsPerConnection: 2 });
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

test("peers that do not read never cost more memory than allowed, and hold up nobody for ever", async () => {
  const uploadBufferBytes = 4 * MIB;
  const share = new MemoryShare(smallShare(8, MIB));
  const rig = await ServerRig.start({ uploadBufferBytes });
  rig.server.add(share);
  const slow: ScriptedPeer[] = [];
  for (let count = 0; count < 12; count++) {
    const peer = await rig.peer();
    peer.stopReading();
    ask(peer, share.contentId, [...range(0, 8), ...range(0, 8)]);
    slow.push(peer);
  }
  const memory = () => [...share.buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
  await until(() => memory() === uploadBufferBytes);
  const fast = await rig.peer();
  ask(fast, share.contentId, [3]);
  await fast.roundTrip(3);
  for (const peer of slow) peer.destroy();
  if (!fast.heard.some(({ type }) => type === "chunkData")) await fast.skipTo("chunkData");
  assert.is(memory(), uploadBufferBytes);
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
  const rig = await ServerRig.start({ sendsPerConnection: 1 });
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
  const rig = await ServerRig.start({ sendsPerConnection: 1 });
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
  const rig = await ServerRig.start({ sendsPerConnection: 1 }, { closeTimeoutMs: 5000 });
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
  const rig = await ServerRig.start({ sendsPerConnection: 1 });
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
