// Downloads whose last chunks were asked of a slow peer: they come from one that has nothing to do, and a chunk
// comes twice only if the slow one does not say what it does.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { type PeerId, peerIdFromBytes } from "../../src/core/ids.js";
import { Neighbourhood } from "../../src/swarm/neighbours/neighbourhood.js";
import * as answers from "../support/chunk-answers.js";
import { hasBody } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, type DownloadSetUp, endDownloads } from "./download-rig.js";

function peerIdOf(index: number): PeerId {
  const id = peerIdFromBytes(Buffer.alloc(32, index));
  if (id === undefined) throw new Error("32 bytes are an id");
  return id;
}

const CHUNKS = 12;
const share = smallShare(CHUNKS);
const QUICK = { handOverTickMs: 5, minHandOverGainMs: 20, handOverPatienceMs: 50 };
/** Longer than any test may take: what ends a test sooner is a hand-over. */
const PATIENT = { firstByteTimeoutMs: 60_000 };

async function downloaded(services: DownloadSetUp["services"], setUp: Partial<DownloadSetUp> = {}) {
  const rig = await DownloadRig.start({ share, services, swarm: QUICK, connection: PATIENT, ...setUp });
  try {
    const bytes = await rig.download();
    assert.ok(bytes.equals(share.content), "the right bytes are on the disk");
  } finally {
    await rig.stop();
  }
  return rig;
}

/** Gives nothing; a request that is cancelled is refused. */
function leavesWhatIsCancelled(): answers.Answer {
  const watched = new WeakSet();
  return ({ peer }) => {
    if (watched.has(peer)) return;
    watched.add(peer);
    void refuseCancelled(peer);
  };
}

async function refuseCancelled(peer: answers.Ask["peer"]): Promise<void> {
  let seen = 0;
  while (peer.end === undefined) {
    for (const { id } of peer.heardOf("cancel").slice(seen)) {
      seen++;
      peer.send({ case: "refusal", value: { reason: RefusalReason.CANCELLED } }, { id });
    }
    await new Promise(setImmediate);
  }
}

const honest = { answer: answers.right, pullWindow: 2 };

test("what a slow peer leaves when it is asked to comes from another, and nothing comes twice", async () => {
  const rig = await downloaded([{ answer: leavesWhatIsCancelled(), pullWindow: 5 }, honest]);
  assert.is(rig.bytesWasted, 0);
  const [slow] = rig.listeners[0]?.peers ?? [];
  assert.equal(rig.goodbyesTo(0).length, 1, "it is a neighbour to the end");
  assert.is(slow?.heardOf("cancel").length, 5);
  assert.is(rig.askedOf(1).length, CHUNKS);
});

test("what was asked of a peer that says nothing any more comes from another", async () => {
  const rig = await downloaded([{ answer: answers.silence, pullWindow: 5 }, honest]);
  assert.is(rig.askedOf(1).length, CHUNKS);
  assert.is(rig.bytesWasted, 0);
});

test("a chunk that stops half-way comes from another, whole", async () => {
  await downloaded([{ answer: answers.stallAfter(30_000), pullWindow: 1 }, honest]);
});

test("where both are asked in the end and both give a chunk, one copy is thrown away", async () => {
  let rig: DownloadRig | undefined;
  const isAsked = (service: number, chunkIndex: number) =>
    rig?.askedOf(service).includes(chunkIndex) === true;
  const giveLate: answers.Answer = (ask) => {
    void (async () => {
      while (!isAsked(1, ask.chunkIndex)) await new Promise(setImmediate);
      answers.right(ask);
    })();
  };
  // What the third is asked for is held back until both copies of the other chunk have come.
  const held: answers.Ask[] = [];
  const quick: answers.Answer = async (ask) => {
    while (rig?.askedOf(0).length !== 1 || rig.askedOf(2).length !== 1) await new Promise(setImmediate);
    if (isAsked(2, ask.chunkIndex)) held.push(ask);
    else answers.right(ask);
  };
  const services = [
    { answer: answers.first(1, giveLate, answers.silence), pullWindow: 1 },
    { answer: quick, pullWindow: 2 },
    { answer: answers.silence, pullWindow: 1 },
  ];
  rig = await DownloadRig.start({ share, services, swarm: QUICK, connection: PATIENT });
  const downloading = rig.download();
  const chunkBytes = share.chunk(0).byteLength;
  while (held.length === 0 || rig.swarm.bytesReceived <= (CHUNKS - 1) * chunkBytes)
    await new Promise(setImmediate);
  for (const ask of held) answers.right(ask);
  assert.ok((await downloading).equals(share.content));
  await rig.stop();
  assert.is(rig.bytesWasted, chunkBytes);
});

test("two peers that are equally slow keep what they were asked for", async () => {
  const waiting: answers.Ask[] = [];
  // Answers come when every chunk is asked of somebody, one after the other.
  const answer: answers.Answer = async (ask) => {
    waiting.push(ask);
    if (waiting.length < CHUNKS) return;
    for (const one of waiting) {
      answers.right(one);
      await new Promise(setImmediate);
    }
  };
  const services = [
    { answer, pullWindow: CHUNKS / 2 },
    { answer, pullWindow: CHUNKS / 2 },
  ];
  const rig = await downloaded(services, { swarm: { ...QUICK, minHandOverGainMs: 2_000 } });
  for (const { peers } of rig.listeners)
    for (const peer of peers)
      assert.equal(
        peer.heard.filter((frame) => hasBody(frame, "cancel")),
        [],
      );
});

test("peers that stop in the middle of a chunk do not keep the memory that others need", async () => {
  // Each holds four slots of the 64 there are.
  const stalled = Array.from({ length: 16 }, () => ({ answer: answers.beginWith(1_000), pullWindow: 4 }));
  let rig: DownloadRig | undefined;
  const isEverySlotHeld = () => stalled.every((_, service) => (rig?.askedOf(service).length ?? 0) >= 4);
  const answer: answers.Answer = async (ask) => {
    while (!isEverySlotHeld()) await new Promise(setImmediate);
    answers.right(ask);
  };
  const services = [...stalled, { answer, pullWindow: 4 }];
  const swarm = { ...QUICK, stalledSlotMs: 100, minShunMs: 5, maxDials: 30 };
  const many = smallShare(100);
  rig = await DownloadRig.start({ share: many, services, swarm, connection: PATIENT });
  try {
    assert.ok((await rig.download()).equals(many.content));
  } finally {
    await rig.stop();
  }
  assert.ok(rig.errors.includes("PEER_UNREACHABLE"));
});

test("a peer that begins many chunks at once, and so can end none, does not keep the memory that others need", async () => {
  // More than there are slots, a byte of each in turn.
  const asks: answers.Ask[] = [];
  const interleaved: answers.Answer = (ask) => {
    asks.push(ask);
    answers.beginWith(1)(ask);
  };
  const isFull = () => asks.length > 64;
  const answer: answers.Answer = async (ask) => {
    while (!isFull()) await new Promise(setImmediate);
    answers.right(ask);
  };
  const services = [
    { answer: interleaved, pullWindow: 100, hello: { maxRequestsInFlight: 200 } },
    { answer, pullWindow: 4 },
  ];
  const swarm = { ...QUICK, stalledSlotMs: 100, minShunMs: 60_000, maxShunMs: 60_000, unprovenRequests: 100 };
  const many = smallShare(200);
  const rig = await DownloadRig.start({ share: many, services, swarm, connection: PATIENT });
  try {
    assert.ok((await rig.download()).equals(many.content));
  } finally {
    await rig.stop();
  }
});

test("who stopped in the middle of a chunk is not let in again for a while, and longer each time", () => {
  const neighbours = new Neighbourhood(peerIdOf(1), {
    maxPeers: 5,
    targetPeers: 5,
    minShunMs: 1_000,
    maxShunMs: 3_000,
  });
  const isLetIn = (nowMs: number) => !neighbours.isShunned(peerIdOf(2), nowMs);
  for (const [atMs, shunMs] of [
    [0, 1_000],
    [10_000, 2_000],
    [20_000, 3_000],
    [30_000, 3_000],
  ] as const) {
    neighbours.shun(peerIdOf(2), atMs);
    assert.not(isLetIn(atMs + shunMs - 1));
    assert.ok(isLetIn(atMs + shunMs));
  }
});

test.after(endDownloads);
test.run();
