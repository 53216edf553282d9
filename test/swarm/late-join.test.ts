// Who wanted to exchange a share before it was served here, and is asked to when it is.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { smallShare } from "../support/small-share.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

/** A peer that wanted to join before the share was there, and is asked to; with the id to answer. */
async function joinedLate(maxNeighbours?: number) {
  const share = new MemoryShare(smallShare(5));
  const { contentId } = share;
  const rig = await ServerRig.start(maxNeighbours === undefined ? {} : { maxNeighbours });
  const early = await rig.peer();
  const other = await rig.peer({ peerId: Buffer.alloc(32, 2) });
  early.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
  assert.is((await early.skipTo("refusal")).value.reason, RefusalReason.CONTENT_UNKNOWN);
  rig.server.add(share);
  rig.server.joinWaiting(share.manifest.root.contentId);
  const join = await early.expect("join");
  return { share, contentId, rig, early, other, join };
}

test("who wanted to join before the share was there is joined when it is, and is a neighbour like any other", async () => {
  const { share, contentId, rig, early, other, join } = await joinedLate();
  assert.is(join.value.coverage, Coverage.COMPLETE);
  assert.equal(Buffer.from(join.value.contentId), contentId);
  early.send({ case: "availability", value: { contentId, coverage: Coverage.NONE } }, { id: join.id });
  await early.skipTo("pullWindow");
  assert.equal(
    rig.server.neighbours(share.manifest.root.contentId).map(({ chunksHeld }) => chunksHeld),
    [0],
  );
  await other.roundTrip(1);
  assert.equal(other.heardOf("join"), [], "nobody else is");
  early.send({ case: "availabilityUpdate", value: { contentId, gained: [0, 1, 2, 3, 4] } });
  early.send({ case: "goodbye", value: { reason: GoodbyeReason.FINISHED } });
  await early.ended();
  assert.is(share.copies, 1);
  rig.stop();
});

test("who refuses a late Join is no neighbour", async () => {
  const { share, rig, early, join } = await joinedLate();
  early.send({ case: "refusal", value: { reason: RefusalReason.CONTENT_UNKNOWN } }, { id: join.id });
  await early.roundTrip(3);
  assert.is(rig.server.joinedCount(share.manifest.root.contentId), 0);
  rig.stop();
});

test("who answers a late Join when there are enough neighbours is left again", async () => {
  const { share, contentId, rig, early, other, join } = await joinedLate(1);
  other.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
  await other.skipTo("availability");
  early.send({ case: "availability", value: { contentId, coverage: Coverage.NONE } }, { id: join.id });
  await early.skipTo("leave");
  assert.is(rig.server.joinedCount(share.manifest.root.contentId), 1);
  rig.stop();
});

test("the answer to a late Join has a bitfield without spare bits set", async () => {
  const { contentId, rig, early, join } = await joinedLate();
  const value = { contentId, coverage: Coverage.BITFIELD };
  early.send({ case: "availability", value }, { id: join.id, payload: Buffer.of(0xff) });
  assert.is((await early.skipTo("goodbye")).value.reason, GoodbyeReason.PROTOCOL_ERROR);
  rig.stop();
});

test("the answer to a late Join is a Leave when the share has gone meanwhile", async () => {
  const { share, contentId, rig, early, join } = await joinedLate();
  rig.server.remove(share.manifest.root.contentId);
  early.send({ case: "availability", value: { contentId, coverage: Coverage.NONE } }, { id: join.id });
  await early.skipTo("leave");
  assert.is(rig.server.joinedCount(share.manifest.root.contentId), 0);
  rig.stop();
});

test.after(stopServers);
test.run();
