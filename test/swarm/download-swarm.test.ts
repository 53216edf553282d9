// The peers of a download before its chunks: the manifest comes from whoever gives the right one, and no more
// peers are kept than allowed.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { KIB, MIB } from "../../src/core/units.js";
import { assembleManifest } from "../../src/manifest/assemble.js";
import { madeUpDigests } from "../manifest/craft.js";
import * as answers from "../support/chunk-answers.js";
import { frameBytes, withinPatience } from "../support/scripted-peer.js";
import { smallShare } from "../support/small-share.js";
import { DownloadRig, type DownloadSetUp, endDownloads } from "./download-rig.js";

const share = smallShare(3);
const never = new AbortController().signal;
const { right: answer } = answers;

type ManifestPage = NonNullable<DownloadSetUp["services"][number]["manifestPage"]>;

/** A share whose body has three pages; nobody has its chunks. */
function pagedShare() {
  const chunks = 70_000;
  const manifest = assembleManifest({
    ...{ name: "paged", kind: "file", chunkSize: 64 * KIB, emptyDirectories: [], symbolicLinks: [] },
    files: [{ path: "paged", size: chunks * 64 * KIB, executable: false }],
    chunkDigests: madeUpDigests(chunks),
  });
  return { ...share, manifest };
}

async function rootFrom(manifestPage: ManifestPage | undefined, setUp: Partial<DownloadSetUp> = {}) {
  const wrong = manifestPage === undefined ? [] : [{ answer, manifestPage }];
  const rig = await DownloadRig.start({ share, services: [...wrong, { answer }], ...setUp });
  const root = await withinPatience(rig.swarm.fetchRoot(never), "the root");
  assert.is(root.contentId, share.manifest.root.contentId);
  assert.equal(Buffer.from(root.bytes), Buffer.from(share.manifest.root.bytes));
  await rig.stop();
  return rig;
}

test("a root comes from a peer by its content id", async () => {
  await rootFrom(undefined);
});

const WRONG_ROOTS: Record<string, ManifestPage> = {
  "another one": (peer, id) => answers.sendPage(smallShare(1), peer, id, 0),
  "no manifest": (peer, id) =>
    void peer.send({ case: "manifestData", value: {} }, { id, payload: Buffer.from("no manifest") }),
  nothing: (peer, id) => void peer.send({ case: "manifestData", value: {} }, { id }),
  "too much": (peer, id) =>
    void peer.send({ case: "manifestData", value: {} }, { id, payload: Buffer.alloc(MIB + 1) }),
  "another page": (peer, id) => answers.sendPage({ ...share }, peer, id, 1),
  "a refusal": (peer, id) =>
    void peer.send({ case: "refusal", value: { reason: RefusalReason.CONTENT_UNKNOWN } }, { id }),
  "the end": (peer) => void peer.fin(),
};

for (const [what, manifestPage] of Object.entries(WRONG_ROOTS)) {
  test(`a peer that gives ${what} for a root is passed over`, async () => {
    await rootFrom(manifestPage);
  });
}

test("who asks for a root waits for peers, and gives up when told to", async () => {
  const rig = await DownloadRig.start({ share, services: [] });
  const abort = new AbortController();
  const fetching = rig.swarm.fetchRoot(abort.signal);
  abort.abort(new Error("enough"));
  await fetching.then(
    () => assert.unreachable("there is nobody"),
    (thrown: unknown) => assert.match(String(thrown), "enough"),
  );
  await rig.stop();
});

test("a body comes page by page, in whatever order they are answered", async () => {
  const paged = pagedShare();
  const held: (() => void)[] = [];
  const manifestPage: ManifestPage = (peer, id, page) => {
    held.push(() => answers.sendPage(paged, peer, id, page));
    if (held.length === 3) for (const send of held.reverse()) send();
  };
  const rig = await DownloadRig.start({ share: paged, services: [{ answer, manifestPage }] });
  const body = await withinPatience(rig.swarm.fetchBody(paged.manifest.root, never), "the body");
  assert.ok(Buffer.from(paged.manifest.bodyBytes).equals(body));
  await rig.stop();
});

test("no more pages are asked for at a time than the peer takes requests", async () => {
  const paged = pagedShare();
  let most = 0;
  let answered = 0;
  const manifestPage: ManifestPage = async (peer, id, page) => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    most = Math.max(most, peer.heardOf("getManifest").length - answered++);
    answers.sendPage(paged, peer, id, page);
  };
  const services = [{ answer, manifestPage, hello: { maxRequestsInFlight: 1 } }];
  const rig = await DownloadRig.start({ share: paged, services });
  const body = await withinPatience(rig.swarm.fetchBody(paged.manifest.root, never), "the body");
  assert.ok(Buffer.from(paged.manifest.bodyBytes).equals(body));
  assert.is(most, 1);
  await rig.stop();
});

test("a peer that gives a wrong page is banned, and the body comes from another", async () => {
  const paged = pagedShare();
  const manifestPage: ManifestPage = (peer, id, page) => {
    const payload = Buffer.alloc(page === 3 ? paged.manifest.bodyBytes.byteLength - 2 * MIB : MIB, 1);
    peer.send({ case: "manifestData", value: { page } }, { id, payload });
  };
  const services = [{ answer, manifestPage }, { answer }];
  const rig = await DownloadRig.start({ share: paged, services });
  await rig.listeners[0]?.accept();
  const body = await withinPatience(rig.swarm.fetchBody(paged.manifest.root, never), "the body");
  assert.ok(Buffer.from(paged.manifest.bodyBytes).equals(body));
  await rig.stop();
  assert.ok(rig.goodbyesTo(0).every((reason) => reason !== GoodbyeReason.PROTOCOL_ERROR));
});

/** Both are connected, in this order. */
async function connectedRig(setUp: DownloadSetUp): Promise<DownloadRig> {
  const [first, ...others] = setUp.services;
  assert.ok(first !== undefined);
  const rig = await DownloadRig.start({ ...setUp, services: [first] });
  while (rig.swarm.peerCount === 0) await new Promise(setImmediate);
  for (const service of others) await rig.addService(service);
  while (rig.swarm.peerCount <= others.length) await new Promise(setImmediate);
  return rig;
}

const silent: ManifestPage = () => undefined;

test("a peer that never answers does not hold up a root that another has", async () => {
  const swarm = { manifestPatienceMs: 1 };
  const rig = await connectedRig({ share, swarm, services: [{ answer, manifestPage: silent }, { answer }] });
  const root = await withinPatience(rig.swarm.fetchRoot(never), "the root");
  assert.is(root.contentId, share.manifest.root.contentId);
  assert.is(rig.swarm.peerCount, 2, "who was slow is not hung up");
  await rig.stop();
});

test("a peer that stops in a body is given up for another, which gives what is missing", async () => {
  const paged = pagedShare();
  const asked: number[] = [];
  const stops: ManifestPage = (peer, id, page) => {
    if (page !== 2) answers.sendPage(paged, peer, id, page);
  };
  const goesOn: ManifestPage = (peer, id, page) => {
    asked.push(page);
    answers.sendPage(paged, peer, id, page);
  };
  const services = [
    { answer, manifestPage: stops },
    { answer, manifestPage: goesOn },
  ];
  const rig = await connectedRig({ share: paged, swarm: { manifestPatienceMs: 1 }, services });
  const body = await withinPatience(rig.swarm.fetchBody(paged.manifest.root, never), "the body");
  assert.ok(Buffer.from(paged.manifest.bodyBytes).equals(body));
  assert.ok(asked.includes(2));
  await rig.stop();
});

test("a peer that answers soon is the only one that is asked", async () => {
  const heard: number[] = [];
  const counted: ManifestPage = (peer, id, page) => {
    heard.push(page);
    answers.sendPage(share, peer, id, page);
  };
  const services = Array.from({ length: 4 }, () => ({ answer, manifestPage: counted }));
  const rig = await connectedRig({ share, swarm: { manifestPatienceMs: 60_000 }, services });
  await withinPatience(rig.swarm.fetchRoot(never), "the root");
  assert.equal(heard, [0]);
  await rig.stop();
});

test("no more peers are asked for a manifest at a time than allowed", async () => {
  const heard: number[] = [];
  const held: ManifestPage = (peer, id, page) => {
    heard.push(page);
    // Time enough for one too many.
    if (heard.length === 2) setTimeout(() => answers.sendPage(share, peer, id, page), 50);
  };
  const services = Array.from({ length: 4 }, () => ({ answer, manifestPage: held }));
  const swarm = { manifestPatienceMs: 1, manifestPeers: 2 };
  const rig = await connectedRig({ share, swarm, services });
  await withinPatience(rig.swarm.fetchRoot(never), "the root");
  assert.is(heard.length, 2);
  await rig.stop();
});

test("who waits for peers that stand still gives up when told to, however many are asked", async () => {
  const services = Array.from({ length: 3 }, () => ({ answer, manifestPage: silent }));
  const swarm = { manifestPatienceMs: 1, manifestPeers: 3 };
  const rig = await connectedRig({ share, swarm, services });
  const abort = new AbortController();
  const fetching = rig.swarm.fetchRoot(abort.signal).catch((thrown: unknown) => thrown);
  for (const listener of rig.listeners) await listener.peers[0]?.hears("getManifest");
  const reason = new Error("enough");
  abort.abort(reason);
  assert.is(await withinPatience(fetching, "the end"), reason);
  await rig.stop();
});

test("a peer that gives a page slowly is the only one asked, and that something comes is told", async () => {
  const paged = pagedShare();
  let askedOfOther = 0;
  const slowly: ManifestPage = async (peer, id, page) => {
    const payload = paged.manifest.bodyBytes.subarray((page - 1) * MIB, page * MIB);
    const bytes = frameBytes({ case: "manifestData", value: { page } }, { id, payload });
    const step = Math.ceil(bytes.length / 8);
    for (let at = 0; at < bytes.length; at += step) {
      peer.sendBytes(bytes.subarray(at, at + step));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const other: ManifestPage = () => void askedOfOther++;
  const services = [
    { answer, manifestPage: slowly, hello: { maxRequestsInFlight: 1 } },
    { answer, manifestPage: other },
  ];
  const rig = await connectedRig({ share: paged, swarm: { manifestPatienceMs: 200 }, services });
  let told = 0;
  const body = await withinPatience(
    rig.swarm.fetchBody(paged.manifest.root, never, () => told++),
    "the body",
  );
  assert.ok(Buffer.from(paged.manifest.bodyBytes).equals(body));
  assert.is(askedOfOther, 0);
  assert.ok(told > 0);
  await rig.stop();
});

test("two connections to one peer are not both kept", async () => {
  const hello = { peerId: Buffer.alloc(32, 9) };
  const services = [
    { answer, hello },
    { answer, hello },
  ];
  const rig = await DownloadRig.start({ share, services });
  for (const listener of rig.listeners) await (await listener.accept()).hears("hello");
  for (let turn = 0; turn < 100; turn++) {
    await new Promise(setImmediate);
    assert.ok(rig.swarm.peerCount <= 1);
  }
  await rig.stop();
});

test.after(endDownloads);
test.run();
