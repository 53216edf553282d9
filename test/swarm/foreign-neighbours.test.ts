// Neighbours that keep to the protocol in another way than this program does.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { idToBytes } from "../../src/core/ids.js";
import * as answers from "../support/chunk-answers.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, endDownloads } from "./download-rig.js";

const share = smallShare(6);
const contentId = idToBytes(share.manifest.root.contentId);
const complete = { contentId, coverage: Coverage.COMPLETE };

test("a later Join of a neighbour takes the place of what it said before", async () => {
  const joined = (peer: ScriptedPeer) => void peer.send({ case: "join", value: complete }, { id: 2 });
  const services = [{ answer: answers.right, holds: [], joined }];
  const rig = await DownloadRig.start({ share, services });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
});

for (const reason of [RefusalReason.UNIMPLEMENTED, RefusalReason.BUSY, RefusalReason.CONTENT_UNKNOWN]) {
  test(`one that only asks, and answers a Join with ${RefusalReason[reason]}, is told what there is`, async () => {
    let isOpen = false;
    const answer: answers.Answer = async (ask) => {
      while (!isOpen) await new Promise(setImmediate);
      answers.right(ask);
    };
    const rig = await DownloadRig.start({ share, services: [{ answer }], swarm: { unjoinedMs: 1 } });
    const download = rig.download();
    while (rig.askedOf(0).length === 0) await new Promise(setImmediate);
    const asker = await rig.connectFrom({ peerId: Buffer.alloc(32, 9) });
    asker.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 1 });
    const join = await asker.skipTo("join");
    asker.send({ case: "refusal", value: { reason } }, { id: join.id });
    await asker.roundTrip(3);
    isOpen = true;
    await asker.hears("availabilityUpdate");
    assert.equal(asker.heardOf("goodbye"), []);
    assert.ok((await download).equals(share.content));
    await rig.stop();
  });
}

test("of three connections to one peer the one that stays is asked for what the first owed", async () => {
  const hello = { peerId: Buffer.alloc(32, 9) };
  const rig = await DownloadRig.start({ share, services: [] });
  const download = rig.download();
  const first = await rig.connectFrom(hello);
  first.send({ case: "join", value: complete }, { id: 1 });
  const join = await first.skipTo("join");
  first.send({ case: "availability", value: complete }, { id: join.id });
  await first.hears("getChunk");
  const second = await rig.serveFrom({ answer: answers.right, hello });
  await first.hears("goodbye");
  const third = await rig.serveFrom({ answer: answers.right, hello });
  await second.hears("goodbye");
  await third.hears("getChunk");
  first.destroy();
  assert.ok((await download).equals(share.content));
  await rig.stop();
});

test.after(endDownloads);
test.run();
