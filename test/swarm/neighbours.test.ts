// Who a download's neighbours are: those that neighbours name, those that come to know the content later, and how
// long one that is complete stays for them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Transport } from "../../gen/goshare/v1/endpoint_pb.js";
import { Coverage, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import type { Endpoint } from "../../src/address/endpoint.js";
import { idToBytes, peerIdFromBytes } from "../../src/core/ids.js";
import * as answers from "../support/chunk-answers.js";
import { frameBytes, ScriptedListener, type ScriptedPeer, withinPatience } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, endDownloads } from "./download-rig.js";

const CHUNKS = 6;
const share = smallShare(CHUNKS);
const contentId = idToBytes(share.manifest.root.contentId);
const EVEN = [0, 2, 4];
const ODD = [1, 3, 5];
const QUICK = { minExchangeMs: 2, maxExchangeMs: 10 };

const named = (index: number, ...endpoints: readonly Endpoint[]) => ({
  peerId: Buffer.alloc(32, index),
  endpoints: endpoints.map(({ host, port }) => ({ host, port, transport: Transport.TCP })),
});

test("who is named by a neighbour is dialled and asked", async () => {
  const other = await ScriptedListener.listen(
    answers.serving({ share, answer: answers.right, holds: ODD, hello: { peerId: Buffer.alloc(32, 77) } }),
  );
  const peers = () => [named(77, other.endpoint)];
  const services = [{ answer: answers.right, holds: EVEN, peers }];
  const rig = await DownloadRig.start({ share, services, swarm: QUICK });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
  other.close();
});

test("neighbours are asked again, and no longer when the download has ended", async () => {
  let rest: ScriptedPeer | undefined;
  const answer = answers.first(CHUNKS - 1, answers.right, (ask) => {
    void (async () => {
      rest = ask.peer;
      await ask.peer.hears("getPeers", 3);
      answers.right(ask);
    })();
  });
  const rig = await DownloadRig.start({ share, services: [{ answer, pullWindow: 1 }], swarm: QUICK });
  assert.ok((await rig.download()).equals(share.content));
  assert.ok(rest?.heardOf("getPeers").every(({ value }) => value.max === 16));
  await rig.stop();
});

test("addresses that a neighbour must not name are not dialled, nor is this process itself", async () => {
  // A neighbour on loopback may name loopback, but nobody may name these.
  const hosts = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "ff02::1"];
  const peers = () =>
    hosts.map((host, index) => named(index + 50, { host, port: 9000, transport: "tcp" as const }));
  let asked = 0;
  const count = () => {
    asked++;
    return peers();
  };
  const rig = await DownloadRig.start({
    ...{ share, swarm: QUICK },
    services: [{ answer: answers.silence, peers: count }],
  });
  const download = rig.download();
  while (asked < 3) await new Promise(setImmediate);
  // A dial that fails would be the last error.
  assert.is(rig.swarm.lastError, undefined);
  rig.abort.abort();
  await download.catch(() => undefined);
  await rig.stop();
});

test("a neighbour that does not know the content yet stays, and is asked when it joins", async () => {
  let joins = 0;
  const join = (peer: ScriptedPeer, id: number, answer: () => void) => {
    if (joins++ > 0) return answer();
    peer.send({ case: "refusal", value: { reason: RefusalReason.CONTENT_UNKNOWN } }, { id });
    peer.send({ case: "join", value: { contentId, coverage: Coverage.COMPLETE } }, { id: 2 });
  };
  const rig = await DownloadRig.start({ share, services: [{ answer: answers.right, join }] });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
  assert.is(rig.listeners[0]?.peers.length, 1, "over the same connection");
});

test("one that never comes to know the content is let go", async () => {
  const join = (peer: ScriptedPeer, id: number) =>
    void peer.send({ case: "refusal", value: { reason: RefusalReason.CONTENT_UNKNOWN } }, { id });
  const rig = await DownloadRig.start({
    ...{ share, swarm: { unjoinedMs: 20 } },
    services: [{ answer: answers.right, join }],
  });
  const download = rig.download();
  await (await rig.listeners[0]?.accept())?.hears("goodbye");
  rig.abort.abort();
  await download.catch(() => undefined);
  await rig.stop();
});

test("what a neighbour gains in the moment in which it answers is known", async () => {
  const join = (peer: ScriptedPeer, id: number) => {
    const none = frameBytes({ case: "availability", value: { contentId, coverage: Coverage.NONE } }, { id });
    const update = frameBytes({
      case: "availabilityUpdate",
      value: { contentId, gained: [...EVEN, ...ODD] },
    });
    peer.sendBytes(Buffer.concat([none, update]));
  };
  const rig = await DownloadRig.start({ share, services: [{ answer: answers.right, join }] });
  assert.ok((await rig.download()).equals(share.content));
  await rig.stop();
});

test("a machine that has dialled is not dialled as well", async () => {
  const rig = await DownloadRig.start({ share, services: [] });
  const listener = await ScriptedListener.listen();
  const peerId = Buffer.alloc(32, 78);
  const inbound = await rig.connectFrom({ peerId });
  rig.swarm.addPeer({ endpoints: [listener.endpoint], peerId: peerIdFromBytes(peerId) });
  // It is dialled when it has hung up.
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  assert.is(listener.peers.length, 0);
  inbound.destroy();
  await listener.accept();
  await rig.stop();
  listener.close();
});

interface Giver {
  /** Everything, from the start. */
  readonly wasComplete: boolean;
  readonly id: number;
}

/** A download that has ended, from one peer, beside another neighbour that has nothing and takes nothing. */
async function completedBeside({ wasComplete, id }: Giver, maxCourtesyMs = 20) {
  const gainsRest = (peer: ScriptedPeer) =>
    void peer.send({ case: "availabilityUpdate", value: { contentId, gained: ODD } });
  const hello = { peerId: Buffer.alloc(32, id) };
  const giver = wasComplete
    ? { answer: answers.right, hello }
    : { answer: answers.right, hello, holds: EVEN, joined: gainsRest };
  const taker = { answer: answers.silence, holds: [], hello: { peerId: Buffer.alloc(32, 0x99) } };
  // Without a reason to stay it is long.
  const swarm = { idleStayMs: 60_000, maxCourtesyMs };
  const rig = await DownloadRig.start({ share, services: [giver, taker], swarm });
  const download = rig.download();
  await (await rig.listeners[1]?.accept())?.hears("join");
  assert.ok((await download).equals(share.content));
  assert.ok(rig.swarm.hasDependants);
  const released = withinPatience(rig.swarm.released(rig.abort.signal), "the end");
  return { rig, released };
}

const SOON = Symbol("soon");
/** Whether `promise` is still open after so long, which has to be more than a courtesy takes. */
async function isOpen(promise: Promise<void>, ms = 60): Promise<boolean> {
  const soon = new Promise((resolve) => setTimeout(() => resolve(SOON), ms));
  return (await Promise.race([promise, soon])) === SOON;
}

test("beside somebody who had everything from the start, one that has become complete leaves soon", async () => {
  const { rig, released } = await completedBeside({ wasComplete: true, id: 0xff });
  await released;
  await rig.stop();
});

test("of two that have become complete, the one with the larger id leaves, the other stays", async () => {
  const larger = await completedBeside({ wasComplete: false, id: 0 });
  await larger.released;
  await larger.rig.stop();
  const smaller = await completedBeside({ wasComplete: false, id: 0xff });
  assert.ok(await isOpen(smaller.released));
  // Told to stop, it leaves at once.
  smaller.rig.abort.abort();
  await smaller.released;
  await smaller.rig.stop();
});

test("one that stays leaves as soon as the others have gone", async () => {
  const { rig, released } = await completedBeside({ wasComplete: false, id: 0xff });
  assert.ok(await isOpen(released));
  for (const peer of rig.listeners[1]?.peers ?? []) peer.reset();
  await released;
  await rig.stop();
});

test("when the one that had everything goes, one that was about to leave stays", async () => {
  const { rig, released } = await completedBeside({ wasComplete: true, id: 0 }, 400);
  for (const peer of rig.listeners[0]?.peers ?? []) peer.reset();
  assert.ok(await isOpen(released, 800));
  rig.abort.abort();
  await released;
  await rig.stop();
});

test.after(endDownloads);
test.run();
