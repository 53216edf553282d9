// Downloads from peers that do not do what they should: every chunk arrives all the same, as long as one peer
// gives it, and who lied is not asked again.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { idToBytes } from "../../src/core/ids.js";
import { KIB } from "../../src/core/units.js";
import * as answers from "../support/chunk-answers.js";
import type { ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, type DownloadSetUp, endDownloads } from "./download-rig.js";

const CHUNKS = 12;
const share = smallShare(CHUNKS);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const ALL = range(0, CHUNKS);

/** Downloads the share from these peers; the bytes have to be right. */
async function downloaded(services: DownloadSetUp["services"], setUp: Partial<DownloadSetUp> = {}) {
  const rig = await DownloadRig.start({ share, services, ...setUp });
  try {
    const bytes = await rig.download();
    assert.ok(bytes.equals(setUp.share?.content ?? share.content), "the right bytes are on the disk");
  } finally {
    await rig.stop();
  }
  return rig;
}

const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

/** An honest peer that holds everything, asked slowly enough for others to be asked too. */
const honest = { answer: answers.right, pullWindow: 1 };

test("a share comes whole from one peer, each chunk asked for once", async () => {
  const rig = await downloaded([{ answer: answers.right }]);
  assert.equal(sorted(rig.askedOf(0)), ALL);
  assert.is(rig.bytesWasted, 0);
});

test("a chunk may come in frames of any length", async () => {
  await downloaded([{ answer: answers.inFrames(10_007) }]);
});

test("from several peers no chunk is asked for twice", async () => {
  const rig = await downloaded([honest, honest, honest]);
  assert.equal(sorted([0, 1, 2].flatMap((index) => rig.askedOf(index))), ALL);
});

test("a peer is asked for no more at a time than it welcomes", async () => {
  let open = 0;
  let most = 0;
  const answer: answers.Answer = async (ask) => {
    most = Math.max(most, ++open);
    await new Promise(setImmediate);
    open--;
    answers.right(ask);
  };
  await downloaded([{ answer, pullWindow: 1 }]);
  assert.is(most, 1);
});

test("a peer that welcomes more requests than it takes is asked for what it takes, less two for others than chunks", async () => {
  const asks: answers.Ask[] = [];
  const answer: answers.Answer = (ask) => {
    asks.push(ask);
    assert.ok(asks.length <= 3);
    if (asks.length < 3 && ask.chunkIndex < CHUNKS - 1) return;
    for (const waiting of asks.splice(0)) answers.right(waiting);
  };
  await downloaded([{ answer, pullWindow: 1000, hello: { maxRequestsInFlight: 5 } }]);
});

test("a peer that has given nothing yet is asked for one chunk, and for more with each right one", async () => {
  let open = 0;
  const mostOpen: number[] = [];
  const answer: answers.Answer = async (ask) => {
    mostOpen.push(++open);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    open--;
    answers.right(ask);
  };
  const many = smallShare(30);
  const services = [{ answer, pullWindow: 8 }];
  await downloaded(services, { share: many, swarm: { unprovenRequests: 1 } });
  assert.is(mostOpen[0], 1);
  assert.is(Math.max(...mostOpen.slice(0, 1)), 1);
  assert.ok(Math.max(...mostOpen) <= 8);
});

test("a liar costs one chunk, whatever it welcomes", async () => {
  const rig = await downloaded([{ answer: answers.wrongBytes, pullWindow: 16 }, honest], {
    swarm: { unprovenRequests: 1 },
  });
  assert.ok(rig.askedOf(0).length <= 1);
});

test("peers are asked only for what they hold, and for what they gain as soon as they say so", async () => {
  const even = ALL.filter((index) => index % 2 === 0);
  const odd = ALL.filter((index) => index % 2 === 1);
  const contentId = idToBytes(share.manifest.root.contentId);
  const late = odd.slice(3);
  let second: ScriptedPeer | undefined;
  const gain = answers.first(even.length - 1, answers.right, (ask) => {
    second?.send({ case: "availabilityUpdate", value: { contentId, gained: late } });
    answers.right(ask);
  });
  const rig = await downloaded([
    { answer: gain, holds: even },
    {
      answer: answers.right,
      holds: odd.slice(0, 3),
      joined: (peer) => {
        second = peer;
      },
    },
  ]);
  assert.equal(sorted(rig.askedOf(0)), even);
  assert.equal(sorted(rig.askedOf(1)), odd);
});

test("a liar is banned and its chunk comes from elsewhere", async () => {
  const rig = await downloaded([{ answer: answers.wrongBytes, pullWindow: 4 }, honest]);
  assert.ok(rig.lies.length >= 1);
  assert.ok(rig.bytesWasted >= 64 * KIB - 1);
  assert.ok(rig.goodbyesTo(0).includes(GoodbyeReason.BANNED));
  assert.equal(rig.goodbyesTo(1), [GoodbyeReason.FINISHED]);
  for (const chunkIndex of rig.lies) assert.ok(rig.askedOf(1).includes(chunkIndex));
});

test("a liar is not asked again, however often it is there", async () => {
  const liar = { answer: answers.first(1, answers.wrongBytes, answers.right), pullWindow: 1 };
  const rig = await DownloadRig.start({ share, services: [liar] });
  const download = rig.download();
  const listener = rig.listeners[0];
  // It is dialled again, and hung up as soon as it says who it is.
  for (let connections = 0; connections < 4; connections++) await (await listener?.accept())?.ended();
  for (const peer of listener?.peers.slice(1) ?? []) assert.equal(peer.heardOf("getChunk"), []);
  rig.abort.abort();
  await download.then(
    () => assert.unreachable("nobody else has it"),
    () => undefined,
  );
  await rig.stop();
});

test("a lie that comes out after its author came back ends the new connection too", async () => {
  // The chunk is complete before the connection ends, and is found wrong while the peer is back already.
  const lieAndEnd: answers.Answer = (ask) => {
    answers.wrongBytes(ask);
    ask.peer.fin();
  };
  const answer = answers.first(1, lieAndEnd, answers.silence);
  const rig = await DownloadRig.start({ share, services: [{ answer, pullWindow: 1 }], holdsVerdicts: true });
  const download = rig.download();
  const [listener] = rig.listeners;
  await listener?.accept();
  const again = await listener?.accept();
  await again?.hears("join");
  while (rig.lies.length === 0) await new Promise(setImmediate);
  rig.tellVerdicts();
  await again?.ended();
  assert.ok(rig.goodbyesTo(0).includes(GoodbyeReason.BANNED));
  rig.abort.abort();
  await download.catch(() => undefined);
  await rig.stop();
});

const FINAL = [
  RefusalReason.CONTENT_UNKNOWN,
  RefusalReason.CHUNK_UNAVAILABLE,
  RefusalReason.SOURCE_CHANGED,
  RefusalReason.PERMISSION_DENIED,
  RefusalReason.UNIMPLEMENTED,
];
const PASSING = [
  RefusalReason.UNSPECIFIED,
  RefusalReason.BUSY,
  RefusalReason.RATE_LIMITED,
  RefusalReason.CANCELLED,
  RefusalReason.LIMIT_EXCEEDED,
  RefusalReason.SHUTTING_DOWN,
  RefusalReason.INTERNAL,
];

for (const reason of FINAL) {
  test(`a chunk refused with ${RefusalReason[reason]} is asked of another, and not again here`, async () => {
    const rig = await downloaded([{ answer: answers.refuse(reason), pullWindow: 3 }, honest]);
    const asked = rig.askedOf(0);
    assert.is(new Set(asked).size, asked.length);
    assert.ok(!rig.goodbyesTo(0).includes(GoodbyeReason.PROTOCOL_ERROR));
  });
}

for (const reason of [...PASSING, 999]) {
  test(`a chunk refused with ${RefusalReason[reason] ?? "an unknown reason"} is asked for again`, async () => {
    const answer = answers.first(5, answers.refuse(reason, 3), answers.right);
    const rig = await downloaded([{ answer, pullWindow: 2 }]);
    assert.is(rig.askedOf(0).length, CHUNKS + 5);
  });
}

test("what a peer refuses at once counts as one refusal: it is not left alone for long after the next", async () => {
  const share = smallShare(32);
  const answer = answers.first(17, answers.refuse(RefusalReason.BUSY), answers.right);
  const swarm = { minRefusalPauseMs: 2, maxRefusalPauseMs: 60_000 };
  const rig = await DownloadRig.start({ share, swarm, services: [{ answer, pullWindow: 16 }] });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
});

test("an unknown reply is a refusal", async () => {
  const rig = await downloaded([{ answer: answers.first(1, answers.unknownReply, answers.right) }, honest]);
  assert.ok(!rig.goodbyesTo(0).includes(GoodbyeReason.PROTOCOL_ERROR));
});

const BROKEN_RULES = { tooLong: answers.tooLong, wrongOffset: answers.wrongOffset };
const MORE_BROKEN_RULES = {
  wrongIndex: answers.wrongIndex,
  unknownId: answers.unknownId,
  twice: answers.twice,
};

for (const [name, answer] of Object.entries({ ...BROKEN_RULES, ...MORE_BROKEN_RULES })) {
  test(`a peer that breaks the rules (${name}) is hung up, and its chunks come from elsewhere`, async () => {
    const rig = await downloaded([{ answer, pullWindow: 2 }, honest]);
    assert.ok(rig.goodbyesTo(0).includes(GoodbyeReason.PROTOCOL_ERROR));
    assert.ok(rig.errors.includes("PEER_PROTOCOL"));
    assert.equal(rig.goodbyesTo(1), [GoodbyeReason.FINISHED]);
  });
}

for (const how of ["fin", "rst"] as const) {
  for (const bytes of [0, 3, 6, 20, 30_000]) {
    test(`a peer that ends by ${how} ${bytes} bytes into a reply is dialled again`, async () => {
      const answer = answers.first(
        2,
        answers.right,
        answers.first(3, answers.endAfter(bytes, how), answers.right),
      );
      const rig = await downloaded([{ answer, pullWindow: 1 }]);
      assert.ok((rig.listeners[0]?.peers.length ?? 0) >= 4);
      assert.equal(sorted([...new Set(rig.askedOf(0))]), ALL);
    });
  }
}

for (const bytes of [0, 3, 6, 20, 30_000]) {
  test(`a peer that stands still ${bytes} bytes into a reply is left, and its chunk comes from elsewhere`, async () => {
    const connection = { helloTimeoutMs: 200, firstByteTimeoutMs: 100 };
    const rig = await downloaded([{ answer: answers.stallAfter(bytes), pullWindow: 1 }, honest], {
      connection,
    });
    assert.ok(rig.goodbyesTo(0).includes(GoodbyeReason.TIMEOUT));
  });
}

test("a peer that says goodbye gives what it owes, and the rest comes from elsewhere", async () => {
  const answer = answers.first(1, answers.right, answers.goodbye(GoodbyeReason.SHUTTING_DOWN));
  const rig = await downloaded([{ answer, pullWindow: 1 }, honest]);
  assert.is(rig.bytesWasted, 0);
});

test("a peer whose connection breaks after every chunk is dialled again soon each time", async () => {
  const many = smallShare(20);
  const answer: answers.Answer = (ask) => {
    answers.right(ask);
    // The first byte of another frame.
    ask.peer.sendBytes(Buffer.of(0)).fin();
  };
  // If pauses doubled with each of them, the last would be minutes.
  await downloaded([{ answer }], { share: many, swarm: { minRedialMs: 1, maxRedialMs: 600_000 } });
});

test("a peer that leaves the share is asked nothing more on that connection", async () => {
  const contentId = idToBytes(share.manifest.root.contentId);
  const answer: answers.Answer = (ask) => {
    answers.right(ask);
    ask.peer.send({ case: "leave", value: { contentId } });
  };
  const rig = await downloaded([{ answer, pullWindow: 1 }, honest]);
  // The next request may leave before the notice is there.
  for (const peer of rig.listeners[0]?.peers ?? []) assert.ok(peer.heardOf("getChunk").length <= 2);
});

test("a peer that says that it holds chunks which do not exist is hung up", async () => {
  const contentId = idToBytes(share.manifest.root.contentId);
  const update = (changes: { gained?: number[]; lost?: number[] }) => (peer: ScriptedPeer) =>
    void peer.send({ case: "availabilityUpdate", value: { contentId, ...changes } });
  const liars = [
    { answer: answers.silence, holds: [0, CHUNKS] },
    { answer: answers.silence, holds: [], joined: update({ gained: [CHUNKS] }) },
    { answer: answers.silence, holds: [], joined: update({ lost: [0xffff_ffff] }) },
  ];
  const rig = await DownloadRig.start({ share, services: [...liars, honest] });
  await rig.download();
  for (const [index] of liars.entries()) {
    const [peer] = rig.listeners[index]?.peers ?? [];
    await peer?.hears("goodbye");
    assert.is(peer?.heardOf("goodbye")[0]?.value.reason, GoodbyeReason.PROTOCOL_ERROR, `liar ${index}`);
  }
  await rig.stop();
});

test("an offer is declined by a download that does not take offers", async () => {
  const contentId = idToBytes(share.manifest.root.contentId);
  const joined = (peer: ScriptedPeer) =>
    void peer.send({ case: "offer", value: { offerId: 1, contentId, chunks: [0], deadlineMs: 1000 } });
  const rig = await downloaded([{ answer: answers.right, joined }]);
  assert.is(rig.listeners[0]?.peers[0]?.heardOf("decline")[0]?.value.offerId, 1);
});

test("more chunks than there is room for arrive all the same", async () => {
  const many = smallShare(200);
  const services = [1, 2, 3, 4, 5, 6].map(() => ({ answer: answers.right, pullWindow: 64 }));
  const rig = await downloaded(services, { share: many });
  assert.equal(sorted(services.flatMap((_, index) => rig.askedOf(index))), range(0, 200));
});

test("a download that is given up ends with nothing written afterwards", async () => {
  const answer = answers.first(3, answers.right, answers.silence);
  const rig = await DownloadRig.start({ share, services: [{ answer }] });
  const download = rig.download();
  const peer = await rig.listeners[0]?.accept();
  await peer?.hears("getChunk", 4);
  rig.abort.abort();
  await download.then(
    () => assert.unreachable("it was given up"),
    (thrown: unknown) => assert.ok(thrown instanceof Error),
  );
  await rig.stop();
});

test.after(endDownloads);
test.run();
