// What a server offers to several neighbours, and what it lets one alone ask for.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, DeclineReason } from "../../gen/goshare/v1/peer_pb.js";
import { Bitfield } from "../../src/core/bitfield.js";
import { AvailabilityNews } from "../../src/swarm/availability/availability-news.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

const CHUNKS = 8;
const small = smallShare(CHUNKS);
const share = new MemoryShare(small);
const { contentId } = share;

async function join(rig: ServerRig, id: number, features: readonly string[] = ["offers"]) {
  const peer = await rig.peer({ peerId: Buffer.alloc(32, id), features: [...features] });
  peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
  await peer.hears("pullWindow");
  return peer;
}

const windows = (peer: ScriptedPeer) => peer.heardOf("pullWindow").map(({ value }) => value.requests);

async function served(budget?: RateBudget) {
  const rig = await ServerRig.start({}, {}, budget);
  rig.server.add(share);
  return rig;
}

test("one alone may ask for much; when a second comes both wait for offers, and one alone again may ask", async () => {
  const rig = await served();
  const first = await join(rig, 1);
  assert.equal(windows(first), [16]);
  await first.roundTrip(3);
  assert.equal(first.heardOf("offer"), [], "it asks by itself");
  const second = await join(rig, 2);
  await first.hears("pullWindow", 2);
  assert.equal(windows(first), [16, 0]);
  assert.equal(windows(second), [0]);
  second.destroy();
  await first.hears("pullWindow", 3);
  assert.equal(windows(first), [16, 0, 16]);
  rig.stop();
});

test("one that does not understand offers may ask, however many there are", async () => {
  const rig = await served();
  await join(rig, 1);
  const old = await join(rig, 2, []);
  await join(rig, 3);
  await old.roundTrip(3);
  assert.equal(windows(old), [16]);
  assert.equal(old.heardOf("offer"), []);
  rig.stop();
});

test("neighbours are offered different chunks, and get what they name", async () => {
  const rig = await served();
  const peers = [await join(rig, 1), await join(rig, 2)];
  const named = peers.map(async (peer) => {
    await peer.hears("offer");
    const [offer] = peer.heardOf("offer");
    assert.ok(offer !== undefined && offer.value.chunks.length >= 1 && offer.value.chunks.length <= 4);
    assert.ok(offer.value.deadlineMs >= 1_000);
    const [chunkIndex = 0] = offer.value.chunks;
    const { offerId } = offer.value;
    peer.send({ case: "getChunk", value: { contentId, chunkIndex, offerId } }, { id: 3 });
    const { payload } = await peer.skipTo("chunkData");
    assert.ok(payload.equals(small.chunk(chunkIndex)));
    return chunkIndex;
  });
  assert.is(new Set(await Promise.all(named)).size, 2);
  rig.stop();
});

test("no two offers of a connection have the same id, whatever they are of, and an answer is for one of them", async () => {
  const another = new MemoryShare(smallShare(CHUNKS + 1));
  const rig = await served();
  rig.server.add(another);
  const peer = await join(rig, 1);
  const other = await join(rig, 2);
  const joinAnother = { contentId: another.contentId, coverage: Coverage.NONE };
  for (const each of [peer, other]) each.send({ case: "join", value: joinAnother }, { id: 3 });
  const offersOf = (of: MemoryShare) =>
    peer.heardOf("offer").filter(({ value }) => Buffer.compare(of.contentId, value.contentId) === 0);
  while (offersOf(share).length === 0 || offersOf(another).length === 0)
    await peer.hears("offer", peer.heardOf("offer").length + 1);
  const ids = peer.heardOf("offer").map(({ value }) => value.offerId);
  assert.equal(
    ids,
    ids.map((_, index) => index + 1),
    "rising from 1",
  );
  for (const { value } of offersOf(share)) {
    peer.send({ case: "decline", value: { offerId: value.offerId, reason: DeclineReason.NOT_WANTED } });
  }
  const chunks = new Set<number>();
  for (let answered = 0; chunks.size < CHUNKS + 1; answered++) {
    while (offersOf(another).length <= answered) await peer.hears("offer", peer.heardOf("offer").length + 1);
    const { offerId = 0, chunks: offered = [] } = offersOf(another)[answered]?.value ?? {};
    for (const chunkIndex of offered) chunks.add(chunkIndex);
    peer.send({ case: "decline", value: { offerId, reason: DeclineReason.NOT_NEEDED } });
  }
  rig.stop();
});

test("declined chunks are not offered again at once, others are", async () => {
  const rig = await served();
  const peer = await join(rig, 1);
  await join(rig, 2);
  await peer.hears("offer");
  const seen = new Set<number>();
  for (let offers = 0; seen.size < CHUNKS; offers++) {
    await peer.hears("offer", offers + 1);
    const { offerId = 0, chunks = [] } = peer.heardOf("offer")[offers]?.value ?? {};
    assert.ok(chunks.every((chunkIndex) => !seen.has(chunkIndex)));
    for (const chunkIndex of chunks) seen.add(chunkIndex);
    peer.send({ case: "decline", value: { offerId, reason: DeclineReason.NOT_NEEDED } });
  }
  rig.stop();
});

test("what a share gains is offered, and what a neighbour says it has is not", async () => {
  class Growing extends MemoryShare {
    readonly news = new AvailabilityNews(share.manifest.root.contentId);
  }
  const growing = new Growing(small, new Bitfield(CHUNKS));
  const rig = await ServerRig.start();
  rig.server.add(growing);
  const peer = await join(rig, 1);
  const other = await join(rig, 2);
  other.send({ case: "availabilityUpdate", value: { contentId, gained: [5] } });
  await other.roundTrip(3);
  growing.held.add(5);
  growing.news.gained(5);
  await peer.hears("offer");
  assert.equal(peer.heardOf("offer")[0]?.value.chunks, [5]);
  await other.roundTrip(5);
  assert.equal(other.heardOf("offer"), []);
  rig.stop();
});

test("under a rate no more is offered ahead than goes soon", async () => {
  // A chunk takes more than a minute.
  const rig = await served(new RateBudget(1_000));
  const peers = [await join(rig, 1), await join(rig, 2), await join(rig, 3)];
  const offers = () => peers.flatMap((peer) => peer.heardOf("offer"));
  while (offers().length === 0) await new Promise(setImmediate);
  for (const peer of peers) await peer.roundTrip(3);
  assert.is(offers().length, 1);
  rig.stop();
});

test("an update of chunks that do not exist breaks the rules", async () => {
  const rig = await served();
  const peer = await join(rig, 1);
  peer.send({ case: "availabilityUpdate", value: { contentId, gained: [CHUNKS] } });
  await peer.hears("goodbye");
  rig.stop();
});

test.after(stopServers);
test.run();
