// A download from peers that want it to wait for their offers.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, DeclineReason, GoodbyeReason } from "../../gen/goshare/v1/peer_pb.js";
import { idToBytes } from "../../src/core/ids.js";
import * as answers from "../support/chunk-answers.js";
import { frameBytes, type ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, endDownloads } from "./download-rig.js";

const CHUNKS = 6;
const share = smallShare(CHUNKS);
const contentId = idToBytes(share.manifest.root.contentId);
const ALL = Array.from({ length: CHUNKS }, (_, index) => index);

/** Answers a Join, lets nothing be asked for without an offer, and makes these, numbered from 1: all at once. */
function offers(...lists: readonly (readonly number[])[]) {
  return (peer: ScriptedPeer, id: number) => {
    const made = lists.map((chunks, index) => {
      const value = { offerId: index + 1, contentId, chunks: [...chunks], deadlineMs: 5_000 };
      return frameBytes({ case: "offer", value });
    });
    const availability = { contentId, coverage: Coverage.COMPLETE };
    peer.sendBytes(
      Buffer.concat([
        // First, since one chunk may be asked for until it says otherwise.
        frameBytes({ case: "pullWindow", value: { contentId, requests: 0 } }),
        frameBytes({ case: "availability", value: availability }, { id }),
        ...made,
      ]),
    );
  };
}

test("every chunk that is offered is asked for once, with the number of its offer", async () => {
  const join = offers(...ALL.map((chunkIndex) => [chunkIndex]));
  const services = [{ answer: answers.right, join }];
  const rig = await DownloadRig.start({ share, services });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
  const [peer] = rig.listeners[0]?.peers ?? [];
  assert.equal(
    peer?.heardOf("getChunk").map(({ value }) => [value.chunkIndex, value.offerId]),
    ALL.map((chunkIndex) => [chunkIndex, chunkIndex + 1]),
  );
});

test("of the chunks in an offer the first that is needed is asked for; where none is, the offer is declined", async () => {
  const join = offers([0, 1], [0, 1], [1, 0], [5, 2], [2], [3], [4]);
  const services = [{ answer: answers.right, join }];
  const rig = await DownloadRig.start({ share, services });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
  const [peer] = rig.listeners[0]?.peers ?? [];
  assert.equal(rig.askedOf(0), [0, 1, 5, 2, 3, 4]);
  assert.equal(
    peer?.heardOf("decline").map(({ value }) => [value.offerId, value.reason]),
    [[3, DeclineReason.NOT_NEEDED]],
  );
});

test("offers of several peers are never for the same chunk", async () => {
  const join = offers(...ALL.map((chunkIndex) => [chunkIndex, (chunkIndex + 1) % CHUNKS]));
  const service = { answer: answers.right, join };
  const rig = await DownloadRig.start({ share, services: [service, service, service] });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
  assert.equal(
    [0, 1, 2].flatMap((index) => rig.askedOf(index)).sort((a, b) => a - b),
    ALL,
  );
  assert.is(rig.bytesWasted, 0);
});

test("a peer that has given nothing yet has one chunk asked of it; its other offers find no room", async () => {
  const join = offers([0], [1], [2]);
  const services = [{ answer: answers.silence, join }];
  const rig = await DownloadRig.start({ share, services, swarm: { unprovenRequests: 1 } });
  const download = rig.download();
  const peer = await rig.listeners[0]?.accept();
  await peer?.hears("decline", 2);
  assert.equal(rig.askedOf(0), [0]);
  assert.ok(peer?.heardOf("decline").every(({ value }) => value.reason === DeclineReason.NO_ROOM));
  rig.abort.abort();
  await download.catch(() => undefined);
  await rig.stop();
});

test("an offer of a chunk that does not exist breaks the rules", async () => {
  const services = [{ answer: answers.right, join: offers([CHUNKS]) }];
  const rig = await DownloadRig.start({ share, services });
  const download = rig.download();
  await (await rig.listeners[0]?.accept())?.hears("goodbye");
  assert.ok(rig.goodbyesTo(0).includes(GoodbyeReason.PROTOCOL_ERROR));
  rig.abort.abort();
  await download.catch(() => undefined);
  await rig.stop();
});

test("where nobody ever offers anything, chunks are asked for all the same", async () => {
  const services = [{ answer: answers.right, join: offers() }];
  const rig = await DownloadRig.start({ share, services, swarm: { handOverTickMs: 1, unofferedMs: 40 } });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
});

test.after(endDownloads);
test.run();
