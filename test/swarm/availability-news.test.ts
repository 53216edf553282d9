// What a side that serves a growing share tells those who have joined it, and whom it does not tell.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage } from "../../gen/goshare/v1/peer_pb.js";
import { Bitfield } from "../../src/core/bitfield.js";
import { AvailabilityNews } from "../../src/swarm/availability-news.js";
import { smallShare } from "../support/small-share.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

const share = smallShare(3);

class GrowingShare extends MemoryShare {
  readonly news = new AvailabilityNews(share.manifest.root.contentId);
}

async function joined(coverage: Coverage) {
  const growing = new GrowingShare(share, new Bitfield(3));
  const rig = await ServerRig.start();
  rig.server.add(growing);
  const peer = await rig.peer();
  peer.send({ case: "join", value: { contentId: growing.contentId, coverage } }, { id: 1 });
  await peer.skipTo("pullWindow");
  return { growing, rig, peer };
}

test("what is gained in one turn is told together, in notices of at most 2,048 numbers", async () => {
  const { growing, rig, peer } = await joined(Coverage.NONE);
  const numbers = Array.from({ length: 3000 }, (_, index) => index);
  for (const chunkIndex of numbers) growing.news.gained(chunkIndex);
  await peer.hears("availabilityUpdate", 2);
  await peer.roundTrip(3);
  const gained = peer.heardOf("availabilityUpdate").map(({ value }) => value.gained);
  assert.equal(
    gained.map(({ length }) => length),
    [2048, 3000 - 2048],
  );
  assert.equal(gained.flat(), numbers);
  rig.stop();
});

test("a peer that is complete is told nothing", async () => {
  const { growing, rig, peer } = await joined(Coverage.COMPLETE);
  growing.news.gained(1);
  await new Promise(setImmediate);
  await peer.roundTrip(3);
  assert.equal(peer.heardOf("availabilityUpdate"), []);
  rig.stop();
});

test("a peer that has left is told nothing more", async () => {
  const { growing, rig, peer } = await joined(Coverage.NONE);
  peer.send({ case: "leave", value: { contentId: growing.contentId } });
  await peer.roundTrip(3);
  growing.news.gained(1);
  await new Promise(setImmediate);
  await peer.roundTrip(5);
  assert.equal(peer.heardOf("availabilityUpdate"), []);
  rig.stop();
});

test.after(stopServers);
test.run();
