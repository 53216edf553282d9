// What a server answers, over real connections.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { Bitfield } from "../../src/core/bitfield.js";
import { GoshareError } from "../../src/core/errors.js";
import { KIB, MIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import { madeUpDigests } from "../manifest/craft.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

const STRANGE_ID = Buffer.alloc(32, 0x11);

async function refusalOf(peer: ScriptedPeer): Promise<RefusalReason> {
  return (await peer.skipTo("refusal")).value.reason;
}

/** A server of one share of 5 chunks, and a peer of it. */
async function servedShare(held?: Bitfield) {
  const small = smallShare(5);
  const share = new MemoryShare(small, held);
  const rig = await ServerRig.start();
  rig.server.add(share);
  const peer = await rig.peer();
  return { small, share, rig, peer, contentId: share.contentId };
}

test("where there are enough neighbours, one more is given the manifest and told of others, and has to wait", async () => {
  const rig = await ServerRig.start({ maxNeighbours: 1 });
  const share = new MemoryShare(smallShare(5));
  rig.server.add(share);
  const { contentId } = share;
  const first = await rig.peer({ peerId: Buffer.alloc(32, 1), listenPort: 9000 });
  const join = (peer: ScriptedPeer, id: number) =>
    peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id });
  join(first, 1);
  await first.skipTo("availability");
  const second = await rig.peer({ peerId: Buffer.alloc(32, 2) });
  join(second, 1);
  const { value } = await second.skipTo("refusal");
  assert.is(value.reason, RefusalReason.BUSY);
  assert.ok(value.retryAfterMs > 0);
  second.send({ case: "getManifest", value: { contentId } }, { id: 3 });
  await second.skipTo("manifestData");
  second.send({ case: "getPeers", value: { contentId, max: 16 } }, { id: 5 });
  assert.is((await second.skipTo("peerList")).value.peers.length, 1);
  join(first, 3);
  await first.skipTo("availability");
  first.destroy();
  while (rig.ends === 0) await new Promise(setImmediate);
  join(second, 7);
  await second.skipTo("availability");
  rig.stop();
});

test("where there are enough neighbours, a peer without a Join is given no chunk", async () => {
  const rig = await ServerRig.start({ maxNeighbours: 1 });
  const share = new MemoryShare(smallShare(5));
  rig.server.add(share);
  const { contentId } = share;
  const first = await rig.peer({ peerId: Buffer.alloc(32, 1) });
  first.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
  await first.skipTo("availability");
  const second = await rig.peer({ peerId: Buffer.alloc(32, 2) });
  second.send({ case: "getChunk", value: { contentId, chunkIndex: 1 } }, { id: 1 });
  const { value } = await second.skipTo("refusal");
  assert.is(value.reason, RefusalReason.BUSY);
  assert.ok(value.retryAfterMs > 0);
  first.send({ case: "getChunk", value: { contentId, chunkIndex: 1 } }, { id: 3 });
  await first.skipTo("chunkData");
  assert.equal(share.reads, [1]);
  rig.stop();
});

test("while somebody waits, the neighbour that takes least makes room", async () => {
  const rig = await ServerRig.start({ maxNeighbours: 2, turnMs: 10 });
  const share = new MemoryShare(smallShare(5));
  rig.server.add(share);
  const { contentId } = share;
  const [taking, idle, waiting] = await Promise.all(
    [1, 2, 3].map((id) => rig.peer({ peerId: Buffer.alloc(32, id) })),
  );
  if (taking === undefined || idle === undefined || waiting === undefined) throw new Error("they are there");
  for (const peer of [taking, idle]) {
    peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
    await peer.skipTo("availability");
  }
  waiting.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
  assert.is(await refusalOf(waiting), RefusalReason.BUSY);
  let isOver = false;
  const goodbye = idle.skipTo("goodbye").finally(() => {
    isOver = true;
  });
  for (let id = 3; !isOver; id += 2) {
    taking.send({ case: "getChunk", value: { contentId, chunkIndex: 0 } }, { id });
    await taking.skipTo("chunkData");
  }
  assert.is((await goodbye).value.reason, GoodbyeReason.TOO_MANY_CONNECTIONS);
  idle.fin();
  while (rig.ends === 0) await new Promise(setImmediate);
  waiting.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 3 });
  await waiting.skipTo("availability");
  rig.stop();
});

test("page 0 of a manifest is its root, byte for byte; an inline body has no pages", async () => {
  const { rig, peer, contentId, small } = await servedShare();
  peer.send({ case: "getManifest", value: { contentId } }, { id: 1 });
  const root = await peer.expect("manifestData");
  assert.is(root.value.page, 0);
  assert.equal(root.payload, Buffer.from(small.manifest.root.bytes));
  peer.send({ case: "getManifest", value: { contentId, page: 1 } }, { id: 3 });
  assert.is(await refusalOf(peer), RefusalReason.LIMIT_EXCEEDED);
  peer.send({ case: "getManifest", value: { contentId: STRANGE_ID } }, { id: 5 });
  assert.is(await refusalOf(peer), RefusalReason.CONTENT_UNKNOWN);
  rig.stop();
});

test("a body of several pages is served page by page, and not beyond its end", async () => {
  const small = smallShare(1);
  const chunks = 40_000;
  const manifest = assembleManifest({
    ...{ name: "large", kind: "file", chunkSize: 64 * KIB, emptyDirectories: [], symbolicLinks: [] },
    files: [{ path: "large", size: chunks * 64 * KIB, executable: false }],
    chunkDigests: madeUpDigests(chunks),
  });
  const share = new MemoryShare({ ...small, manifest });
  const rig = await ServerRig.start();
  rig.server.add(share);
  const peer = await rig.peer();
  const { contentId } = share;
  const pages: Buffer[] = [];
  for (let page = 1; page <= 2; page++) {
    peer.send({ case: "getManifest", value: { contentId, page } }, { id: 2 * page - 1 });
    const data = await peer.expect("manifestData");
    assert.is(data.value.page, page);
    pages.push(data.payload);
  }
  assert.is(pages[0]?.byteLength, MIB);
  assert.equal(Buffer.concat(pages), Buffer.from(manifest.bodyBytes));
  for (const [index, page] of [3, 4096, 0xffff_ffff].entries()) {
    peer.send({ case: "getManifest", value: { contentId, page } }, { id: 11 + 2 * index });
    assert.is(await refusalOf(peer), RefusalReason.LIMIT_EXCEEDED, `page ${page}`);
  }
  rig.stop();
});

test("a Join is answered with what is held, then with how many requests are welcome", async () => {
  const some = new Bitfield(5);
  some.add(1);
  some.add(4);
  const cases: [Bitfield, Coverage, string][] = [
    [new Bitfield(5), Coverage.NONE, ""],
    [some, Coverage.BITFIELD, "48"],
    [Bitfield.full(5), Coverage.COMPLETE, ""],
  ];
  for (const [held, coverage, payload] of cases) {
    const { rig, peer, contentId } = await servedShare(held);
    peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
    const availability = await peer.expect("availability");
    assert.equal([availability.id, availability.value.coverage], [1, coverage]);
    assert.equal(Buffer.from(availability.value.contentId), Buffer.from(contentId));
    assert.is(availability.payload.toString("hex"), payload);
    assert.ok((await peer.expect("pullWindow")).value.requests >= 1);
    rig.stop();
  }
});

test("who has everything counts as a copy if it was told here what that is, and not if it only comes to give", async () => {
  for (const [isTold, copies] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const { rig, peer, share, contentId } = await servedShare();
    if (isTold) {
      peer.send({ case: "getManifest", value: { contentId, page: 0 } }, { id: 1 });
      await peer.expect("manifestData");
    }
    peer.send({ case: "join", value: { contentId, coverage: Coverage.COMPLETE } }, { id: 3 });
    await peer.expect("availability");
    assert.is(share.copies, 0);
    peer.send({ case: "goodbye", value: { reason: GoodbyeReason.FINISHED } });
    await peer.ended();
    assert.is(share.copies, copies);
    rig.stop();
  }
});

test("a Join for what is not shared here is refused", async () => {
  const { rig, peer } = await servedShare();
  peer.send({ case: "join", value: { contentId: STRANGE_ID, coverage: Coverage.NONE } }, { id: 1 });
  assert.is(await refusalOf(peer), RefusalReason.CONTENT_UNKNOWN);
  rig.stop();
});

test("a Join whose bitfield has a spare bit set breaks the rules", async () => {
  const { rig, peer, contentId } = await servedShare();
  const value = { contentId, coverage: Coverage.BITFIELD };
  peer.send({ case: "join", value }, { id: 1, payload: Buffer.of(0xf8) });
  await peer.expect("availability");
  await peer.expect("pullWindow");
  peer.send({ case: "join", value }, { id: 3, payload: Buffer.of(0xfc) });
  assert.is((await peer.expect("goodbye")).value.reason, GoodbyeReason.PROTOCOL_ERROR);
  rig.stop();
});

test("peers who joined and can be reached are named to others, and nobody else", async () => {
  const { rig, peer, contentId } = await servedShare();
  const neighbours: [number, number, boolean][] = [
    [1, 7001, true],
    [2, 0, true],
    [3, 7003, false],
    [4, 7004, true],
  ];
  for (const [digit, listenPort, joins] of neighbours) {
    const neighbour = await rig.peer({ peerId: Buffer.alloc(32, digit), listenPort });
    if (!joins) continue;
    neighbour.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
    await neighbour.expect("availability");
  }
  peer.send({ case: "getPeers", value: { contentId, max: 16 } }, { id: 1 });
  const { value } = await peer.expect("peerList");
  const named = value.peers.map(({ peerId, endpoints }) => [
    peerId[0],
    endpoints.map(({ host, port, transport }) => `${host}:${port}/${transport}`).join(),
  ]);
  assert.equal(named.sort(), [
    [1, "127.0.0.1:7001/1"],
    [4, "127.0.0.1:7004/1"],
  ]);
  peer.send({ case: "getPeers", value: { contentId, max: 1 } }, { id: 3 });
  assert.is((await peer.expect("peerList")).value.peers.length, 1);
  peer.send({ case: "getPeers", value: { contentId: STRANGE_ID, max: 16 } }, { id: 5 });
  assert.is((await peer.expect("peerList")).value.peers.length, 0);
  rig.stop();
});

test("every peer has a chance to be named where there are more than fit", async () => {
  const { rig, peer, contentId } = await servedShare();
  const count = 6;
  for (let digit = 1; digit <= count; digit++) {
    const neighbour = await rig.peer({ peerId: Buffer.alloc(32, digit), listenPort: 7000 + digit });
    neighbour.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
    await neighbour.expect("availability");
  }
  const named = new Set<number | undefined>();
  for (let id = 1; named.size < count && id < 1000; id += 2) {
    peer.send({ case: "getPeers", value: { contentId, max: 2 } }, { id });
    const { peers } = (await peer.expect("peerList")).value;
    assert.is(new Set(peers.map(({ peerId }) => peerId[0])).size, 2);
    for (const { peerId } of peers) named.add(peerId[0]);
  }
  assert.is(named.size, count);
  rig.stop();
});

test("a request for no peers, or for more than 16, is out of range", async () => {
  const { rig, peer, contentId } = await servedShare();
  for (const [index, max] of [0, 17, 0xffff_ffff].entries()) {
    peer.send({ case: "getPeers", value: { contentId, max } }, { id: 2 * index + 1 });
    assert.is(await refusalOf(peer), RefusalReason.LIMIT_EXCEEDED, `max ${max}`);
  }
  rig.stop();
});

test("chunks are served as they are, the short last one too, without a Join", async () => {
  const { rig, peer, contentId, small } = await servedShare();
  for (const [index, chunkIndex] of [4, 0, 2].entries()) {
    peer.send({ case: "getChunk", value: { contentId, chunkIndex } }, { id: 2 * index + 1 });
    const data = await peer.expect("chunkData");
    assert.equal([data.id, data.value.chunkIndex, data.value.offset], [2 * index + 1, chunkIndex, 0]);
    assert.equal(data.payload, small.chunk(chunkIndex));
  }
  assert.is(rig.server.bytesSent, small.chunk(4).byteLength + 128 * KIB);
  peer.fin();
  await peer.ended();
  while (rig.server.connectionCount > 0) await new Promise(setImmediate);
  assert.is(rig.server.bytesSent, small.chunk(4).byteLength + 128 * KIB, "also when the peer has gone");
  rig.stop();
});

test("an offer that does not exist makes no difference", async () => {
  const { rig, peer, contentId } = await servedShare();
  peer.send({ case: "getChunk", value: { contentId, chunkIndex: 1, offerId: 77 } }, { id: 1 });
  await peer.expect("chunkData");
  rig.stop();
});

test("chunks that are not there, not held or of another share are refused", async () => {
  const held = new Bitfield(5);
  held.add(3);
  const { rig, peer, contentId } = await servedShare(held);
  const cases: [Uint8Array, number, RefusalReason][] = [
    [contentId, 5, RefusalReason.LIMIT_EXCEEDED],
    [contentId, 0xffff_ffff, RefusalReason.LIMIT_EXCEEDED],
    [contentId, 2, RefusalReason.CHUNK_UNAVAILABLE],
    [STRANGE_ID, 3, RefusalReason.CONTENT_UNKNOWN],
  ];
  for (const [index, [id, chunkIndex, reason]] of cases.entries()) {
    peer.send({ case: "getChunk", value: { contentId: id, chunkIndex } }, { id: 2 * index + 1 });
    assert.is(await refusalOf(peer), reason, `chunk ${chunkIndex}`);
  }
  peer.send({ case: "getChunk", value: { contentId, chunkIndex: 3 } }, { id: 99 });
  await peer.expect("chunkData");
  rig.stop();
});

test("a chunk that cannot be read is refused with the reason, its owner is told, and the peer stays", async () => {
  const changed = new GoshareError("SOURCE_CHANGED", "it is not what it was");
  const broken = new GoshareError("DISK_FAILED", "the disk says no");
  const { rig, peer, contentId, share } = await servedShare();
  const throwing = (error: GoshareError) => () => {
    throw error;
  };
  const cases: [MemoryShare["beforeRead"], RefusalReason][] = [
    [throwing(changed), RefusalReason.SOURCE_CHANGED],
    [() => Promise.reject(changed), RefusalReason.SOURCE_CHANGED],
    [throwing(broken), RefusalReason.INTERNAL],
    [() => Promise.reject(broken), RefusalReason.INTERNAL],
  ];
  for (const [index, [beforeRead, reason]] of cases.entries()) {
    share.beforeRead = beforeRead;
    peer.send({ case: "getChunk", value: { contentId } }, { id: 2 * index + 1 });
    assert.is(await refusalOf(peer), reason);
  }
  assert.equal(share.failures, [changed, changed, broken, broken]);
  share.beforeRead = undefined;
  peer.send({ case: "getChunk", value: { contentId } }, { id: 99 });
  await peer.expect("chunkData");
  rig.stop();
});

test("what was taken away because its source changed is refused with that reason, until it is added again", async () => {
  const { rig, peer, contentId, share } = await servedShare();
  const { root } = share.manifest;
  rig.server.remove(root.contentId, "sourceChanged");
  const { SOURCE_CHANGED, CONTENT_UNKNOWN } = RefusalReason;
  const refusals = async (id: number) => {
    peer.send({ case: "getManifest", value: { contentId } }, { id });
    peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: id + 2 });
    peer.send({ case: "getChunk", value: { contentId } }, { id: id + 4 });
    return [await refusalOf(peer), await refusalOf(peer), await refusalOf(peer)];
  };
  assert.equal(await refusals(1), [SOURCE_CHANGED, SOURCE_CHANGED, SOURCE_CHANGED]);
  rig.server.add(share);
  rig.server.remove(root.contentId);
  assert.equal(await refusals(7), [CONTENT_UNKNOWN, CONTENT_UNKNOWN, CONTENT_UNKNOWN]);
  rig.stop();
});

test("a Cancel takes back what has not begun, and what is only being read", async () => {
  const { rig, peer, contentId, share } = await servedShare();
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  share.beforeRead = () => gate;
  const ids = [1, 3, 5, 7];
  for (const [chunkIndex, id] of ids.entries())
    peer.send({ case: "getChunk", value: { contentId, chunkIndex } }, { id });
  for (const id of [1, 7]) peer.send({ case: "cancel", value: {} }, { id });
  for (const id of [1, 7]) {
    const refusal = await peer.expect("refusal");
    assert.equal([refusal.id, refusal.value.reason], [id, RefusalReason.CANCELLED]);
  }
  go();
  const got = [await peer.expect("chunkData"), await peer.expect("chunkData")];
  assert.equal(
    got.map(({ id }) => id),
    [3, 5],
  );
  await peer.roundTrip(9);
  assert.equal(share.reads, [0, 1, 2]);
  rig.stop();
});

test.after(stopServers);
test.run();
