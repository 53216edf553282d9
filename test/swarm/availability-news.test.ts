// What a side that serves a growing share tells those who have joined it, and whom it does not tell.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage } from "../../gen/goshare/v1/peer_pb.js";
import { Bitfield } from "../../src/core/bitfield.js";
import { idToBytes } from "../../src/core/ids.js";
import { KIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import { AvailabilityNews } from "../../src/swarm/availability/availability-news.js";
import { madeUpDigests } from "../manifest/craft.js";
import { type Answer, right } from "../support/chunk-answers.js";
import { ManualTime } from "../support/manual-time.js";
import { hasBody, type ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, endDownloads } from "./download-rig.js";
import { MemoryShare, ServerRig, stopServers } from "./server-rig.js";

const CHUNK_COUNT = 3000;

/** Of many chunks, of which nobody gets a byte. */
const manifest = assembleManifest({
  ...{ name: "many", kind: "file", chunkSize: 64 * KIB, emptyDirectories: [], symbolicLinks: [] },
  files: [{ path: "many", size: CHUNK_COUNT * 64 * KIB, executable: false }],
  chunkDigests: madeUpDigests(CHUNK_COUNT),
});
const share = { ...smallShare(3), manifest };

class GrowingShare extends MemoryShare {
  readonly news = new AvailabilityNews(share.manifest.root.contentId);
}

async function joined(coverage: Coverage, Growing = GrowingShare) {
  const growing = new Growing(share, new Bitfield(CHUNK_COUNT));
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

test("what is gained soon after an update waits for more, and what is gained later goes at once", async () => {
  const time = new ManualTime();
  class TimedShare extends GrowingShare {
    override readonly news = new AvailabilityNews(share.manifest.root.contentId, time);
  }
  const { growing, rig, peer } = await joined(Coverage.NONE, TimedShare);
  const gain = async (chunkIndex: number, thenMs: number) => {
    growing.news.gained(chunkIndex);
    time.advance(thenMs);
    await peer.roundTrip(2 * chunkIndex + 3);
  };
  const heard = () => peer.heardOf("availabilityUpdate").map(({ value }) => value.gained);
  await gain(1, 0);
  assert.equal(heard(), [[1]], "the first at once");
  await gain(2, 10);
  await gain(3, 10);
  assert.equal(heard(), [[1]]);
  await gain(4, 10);
  assert.equal(heard(), [[1], [2, 3, 4]]);
  time.advance(1_000);
  await gain(5, 0);
  assert.equal(heard().at(-1), [5]);
  rig.stop();
});

test("what has not been told yet is told before Goodbye: who counts copies would else miss one", async () => {
  class TimedShare extends GrowingShare {
    override readonly news = new AvailabilityNews(share.manifest.root.contentId, new ManualTime());
  }
  const { growing, rig, peer } = await joined(Coverage.COMPLETE, TimedShare);
  for (const chunkIndex of [1, 2]) growing.news.gained(chunkIndex);
  const closed = rig.server.close("finished");
  await peer.hears("goodbye");
  assert.equal(
    peer.heardOf("availabilityUpdate").map(({ value }) => value.gained),
    [[1, 2]],
  );
  rig.stop();
  await closed;
});

test("a peer that is complete is told too: it counts copies", async () => {
  const { growing, rig, peer } = await joined(Coverage.COMPLETE);
  growing.news.gained(1);
  await peer.hears("availabilityUpdate");
  assert.equal(peer.heardOf("availabilityUpdate")[0]?.value.gained, [1]);
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

const CHUNKS = 12;
const large = smallShare(CHUNKS);

/** What a neighbour of a download knows that it holds: a snapshot replaces what was known, updates add to it. */
function told(peer: ScriptedPeer): Set<number> {
  let known = new Set<number>();
  for (const frame of peer.heard) {
    if (hasBody(frame, "join") || hasBody(frame, "availability"))
      known = new Set(Bitfield.fromBytes(frame.payload, CHUNKS) ?? []);
    else if (hasBody(frame, "availabilityUpdate"))
      for (const chunkIndex of frame.value.gained) known.add(chunkIndex);
  }
  return known;
}

for (const joinsAfter of [0, 1, CHUNKS / 2, CHUNKS - 1]) {
  test(`who joins a download after ${joinsAfter} of ${CHUNKS} chunks comes to know of every one`, async () => {
    const contentId = idToBytes(large.manifest.root.contentId);
    let become: (peer: ScriptedPeer) => void = () => undefined;
    const neighbour = new Promise<ScriptedPeer>((resolve) => {
      become = resolve;
    });
    let asked = 0;
    const answer: Answer = async (ask) => {
      const peer = await neighbour;
      if (asked++ === joinsAfter)
        peer.send({ case: "join", value: { contentId, coverage: Coverage.NONE } }, { id: 2 });
      right(ask);
    };
    const services = [
      { answer, pullWindow: 1 },
      { answer: right, holds: [], joined: become },
    ];
    const rig = await DownloadRig.start({ share: large, services });
    assert.ok((await rig.download()).equals(large.content));
    const peer = await neighbour;
    while (told(peer).size < CHUNKS)
      await peer.hears("availabilityUpdate", peer.heardOf("availabilityUpdate").length + 1);
    assert.is(peer.heardOf("availability").length, 1);
    const [giving] = rig.listeners.flatMap((listener) => listener.peers);
    assert.ok(
      giving !== undefined && giving.heardOf("availabilityUpdate").length > 0,
      "who gives is told too",
    );
    await rig.stop();
  });
}

test("a download that goes on as a seed tells a complete peer of every chunk before it lets go of it", async () => {
  const rig = await DownloadRig.start({ share: large, services: [{ answer: right }] });
  await rig.download();
  rig.swarm.seed();
  const [sharer] = rig.listeners.flatMap((listener) => listener.peers);
  await sharer?.hears("goodbye");
  assert.is(sharer && told(sharer).size, CHUNKS);
  await rig.stop();
});

test.after(async () => {
  stopServers();
  await endDownloads();
});
test.run();
