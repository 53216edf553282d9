// How many neighbours a download has, which of them make room for others, and what it does where there is no room.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Transport } from "../../gen/goshare/v1/endpoint_pb.js";
import { GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import type { DownloadSwarmOptions } from "../../src/swarm/options.js";
import * as answers from "../support/chunk-answers.js";
import { ScriptedListener, type ScriptedPeer } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { until } from "../support/until.js";
import { DownloadRig, endDownloads } from "./download-rig.js";

const CHUNKS = 40;
const share = smallShare(CHUNKS);
const EVEN = Array.from({ length: CHUNKS / 2 }, (_, half) => 2 * half);
const ODD = EVEN.map((chunkIndex) => chunkIndex + 1);
const idOf = (index: number) => Buffer.alloc(32, index);

type Changes = Omit<answers.Service, "share" | "answer"> & Partial<Pick<answers.Service, "answer">>;

/** A peer that nobody has named yet. */
function listeningPeer(index: number, changes: Changes = {}): Promise<ScriptedListener> {
  const hello = { peerId: idOf(index) };
  return ScriptedListener.listen(answers.serving({ share, answer: answers.silence, hello, ...changes }));
}

/** A download that strangers told of so many peers that do nothing. */
async function amongMany(count: number, swarm: Partial<DownloadSwarmOptions>) {
  const rig = await DownloadRig.start({ share, services: [], swarm });
  const listeners = await Promise.all(Array.from({ length: count }, (_, i) => listeningPeer(i + 50)));
  for (const { endpoint } of listeners) rig.swarm.addPeer({ endpoints: [endpoint] });
  const dialled = () => listeners.flatMap(({ peers }) => peers);
  return { rig, dialled };
}

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
}

test("a download looks for as many neighbours as it wants, and for another when one has gone", async () => {
  const { rig, dialled } = await amongMany(12, { targetPeers: 6, minRedialMs: 60_000, maxRedialMs: 60_000 });
  await until(() => rig.swarm.peerCount === 6);
  await someTurns();
  assert.is(dialled().length, 6);
  dialled()[3]?.reset();
  await until(() => dialled().length === 7 && rig.swarm.peerCount === 6);
  await someTurns();
  assert.is(dialled().length, 7);
  await rig.stop();
});

test("however many have dialled, a few neighbours are chosen here", async () => {
  const { rig, dialled } = await amongMany(0, { targetPeers: 8, maxPeers: 10 });
  for (let index = 1; index <= 8; index++) await rig.connectFrom({ peerId: idOf(index) });
  assert.is(rig.swarm.peerCount, 8);
  const refused = await rig.connectFrom({ peerId: idOf(9) });
  assert.is((await refused.skipTo("goodbye")).value.reason, GoodbyeReason.TOO_MANY_CONNECTIONS);
  const chosen = await Promise.all([20, 21, 22].map((index) => listeningPeer(index)));
  for (const { endpoint } of chosen) rig.swarm.addPeer({ endpoints: [endpoint] });
  await until(() => rig.swarm.peerCount === 10);
  await someTurns();
  assert.is(rig.swarm.peerCount, 10, "and no more than allowed in all");
  assert.equal(dialled(), []);
  await rig.stop();
});

test("who was named by the user is dialled even where there are enough", async () => {
  const { rig } = await amongMany(4, { targetPeers: 2, maxPeers: 2 });
  await until(() => rig.swarm.peerCount === 2);
  const sharer = await listeningPeer(1, { answer: answers.right });
  rig.swarm.addPeer({ endpoints: [sharer.endpoint], isNamed: true });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
});

test("where no neighbour has what is missing more are looked for, though there are enough", async () => {
  const swarm = { targetPeers: 4, maxPeers: 12, starvationTickMs: 5 };
  const rig = await DownloadRig.start({ share, services: [], swarm });
  const empty = await Promise.all(Array.from({ length: 6 }, (_, i) => listeningPeer(i + 50, { holds: [] })));
  for (const { endpoint } of empty) rig.swarm.addPeer({ endpoints: [endpoint] });
  await until(() => rig.swarm.peerCount === 4);
  await someTurns();
  assert.is(rig.swarm.peerCount, 4);
  const seed = await listeningPeer(1, { answer: answers.right });
  rig.swarm.addPeer({ endpoints: [seed.endpoint] });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
});

test("the neighbour that does least makes room for another, where there are enough", async () => {
  // One chunk after another, so that something comes in every period.
  const slowly: answers.Answer = (ask) => void setTimeout(() => answers.right(ask), 5);
  const useful = await listeningPeer(1, { answer: slowly, holds: EVEN, pullWindow: 1 });
  const useless = await listeningPeer(2, { holds: [] });
  const other = await listeningPeer(3, { answer: answers.right, holds: ODD });
  const swarm = { targetPeers: 2, maxPeers: 2, rotationMs: 15, minRedialMs: 60_000, maxRedialMs: 60_000 };
  const rig = await DownloadRig.start({ share, services: [], swarm });
  for (const { endpoint } of [useful, useless]) rig.swarm.addPeer({ endpoints: [endpoint] });
  await until(() => rig.swarm.peerCount === 2);
  rig.swarm.addPeer({ endpoints: [other.endpoint] });
  assert.ok((await rig.download()).equals(share.content), "only the other has the rest");
  assert.is(useful.peers.length, 1, "whoever gave much has kept its place");
  await rig.stop();
});

test("where a sharer has no room, it is asked for others at once", async () => {
  const other = await listeningPeer(77, { answer: answers.right });
  const join = (peer: ScriptedPeer, id: number) =>
    void peer.send({ case: "refusal", value: { reason: RefusalReason.BUSY } }, { id });
  const { host, port } = other.endpoint;
  const peers = () => [{ peerId: idOf(77), endpoints: [{ host, port, transport: Transport.TCP }] }];
  const rig = await DownloadRig.start({
    ...{ share, swarm: { minExchangeMs: 60_000, maxExchangeMs: 60_000 } },
    services: [{ answer: answers.right, join, peers }],
  });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
  other.close();
});

for (const [reason, told] of [
  [RefusalReason.BUSY, / does not exchange this content now: it is busy$/],
  [RefusalReason.PERMISSION_DENIED, / does not exchange this content now: it does not allow that$/],
  [RefusalReason.CONTENT_UNKNOWN, /^127\.0\.0\.1:\d+ does not share this content$/],
] as const) {
  test(`the user is told which peer refuses a Join with ${RefusalReason[reason]}, and why`, async () => {
    const join = (peer: ScriptedPeer, id: number) =>
      void peer.send({ case: "refusal", value: { reason } }, { id });
    const rig = await DownloadRig.start({ share, services: [{ answer: answers.right, join }] });
    const download = rig.download();
    await until(() => rig.swarm.lastError !== undefined);
    assert.match(rig.swarm.lastError?.message ?? "", told);
    rig.abort.abort();
    await download.catch(() => undefined);
    await rig.stop();
  });
}

test.after(endDownloads);
test.run();
