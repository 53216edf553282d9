import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Transport } from "../../../gen/goshare/v1/endpoint_pb.js";
import { type AnnounceRequestSchema, TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { AGENT } from "../../../src/core/agent.js";
import { monotonicClock } from "../../../src/core/clock.js";
import { idToBytes, toHex } from "../../../src/core/ids.js";
import { MAX_REQUEST_BYTES } from "../../../src/tracker/limits.js";
import { defaultTrackerOptions } from "../../../src/tracker/server/options.js";
import { MemoryStore } from "../../../src/tracker/server/stores/memory-store.js";
import { rawClient, rootNamed, rpcFailure, type TrackerRig, withTracker } from "./rig.js";
import { contentId, peerId } from "./stores/store-rig.js";

const { announce, withdraw, listPeers, getManifest, publishManifest, getTrackerInfo } = TrackerService.method;

const A = idToBytes(contentId(1));
const B = idToBytes(contentId(2));
const ME = idToBytes(peerId(1));

type AnnounceInit = Exclude<MessageInitShape<typeof AnnounceRequestSchema>, { $typeName: string }>;

function announcement(n: number, contentIds: readonly Uint8Array[], more: AnnounceInit = {}): AnnounceInit {
  const shares = contentIds.map((id) => ({ contentId: id, chunksHeld: 1, complete: false, wantPeers: 10 }));
  return { peerId: idToBytes(peerId(n)), runEpochMs: 5000n, listenPort: 9000 + n, shares, ...more };
}

async function refused<I extends DescMessage, O extends DescMessage>(
  rig: TrackerRig,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
): Promise<string> {
  const { status, message } = await rpcFailure(rig.call(method, request));
  return `${status}: ${message}`;
}

test("announcing brings the peers of a share, never the caller or whom it excludes", async () => {
  await withTracker({}, async (rig) => {
    const first = await rig.call(announce, announcement(1, [A]));
    assert.is(first.answers.length, 1);
    assert.equal(first.answers[0]?.peers, []);
    await rig.call(announce, announcement(2, [A, B]));
    const third = await rig.call(announce, announcement(3, [A], { excludePeerId: idToBytes(peerId(2)) }));
    const [answer] = third.answers;
    assert.equal(
      answer?.peers.map((peer) => toHex(peer.peerId)),
      [peerId(1)],
    );
    assert.is(answer?.counts?.partialPeers, 3);
    const [peer] = answer?.peers ?? [];
    assert.equal(
      peer?.endpoints.map(({ host, port, transport }) => [host, port, transport]),
      [["127.0.0.1", 9001, Transport.TCP]],
    );
  });
});

test("the lease outlives two lost renewals, and the caller learns where it is listed", async () => {
  await withTracker({}, async (rig) => {
    const { ttlMs, renewAfterMs, listedEndpoints, leaseToken } = await rig.call(
      announce,
      announcement(1, [A]),
    );
    const { minRenewMs } = defaultTrackerOptions;
    assert.is(ttlMs, 2.5 * minRenewMs);
    assert.ok(renewAfterMs <= minRenewMs && renewAfterMs >= 0.8 * minRenewMs, `${renewAfterMs}`);
    assert.equal(
      listedEndpoints.map(({ host, port }) => [host, port]),
      [["127.0.0.1", 9001]],
    );
    assert.ok(leaseToken.length > 0 && leaseToken.length <= 64);
    const { listedEndpoints: hidden } = await rig.call(announce, announcement(1, [A], { listenPort: 0 }));
    assert.equal(hidden, []);
  });
});

test("renewals are spread the more, the more peers there are", async () => {
  // An odd number: 2.5 times as long is to be whole milliseconds too.
  await withTracker({ renewalsPerSecond: 1, minRenewMs: 5001, maxRenewMs: 8000 }, async (rig) => {
    const ttls: number[] = [];
    for (let n = 0; n < 3; n++) ttls.push((await rig.call(announce, announcement(n, [A]))).ttlMs);
    assert.equal(ttls, [12_503, 20_000, 20_000]);
  });
});

test("only shares that want peers are answered, in the order of the request", async () => {
  await withTracker({}, async (rig) => {
    const shares = [B, A, idToBytes(contentId(3))].map((id, n) => ({
      contentId: id,
      wantPeers: n === 1 ? 0 : 5,
    }));
    const { answers } = await rig.call(announce, announcement(1, [], { shares }));
    assert.equal(
      answers.map((answer) => toHex(answer.contentId)),
      [contentId(2), contentId(3)],
    );
  });
});

test("a content id listed twice counts once, the last", async () => {
  await withTracker({}, async (rig) => {
    const shares = [
      { contentId: A, complete: true, wantPeers: 5 },
      { contentId: A, complete: false, wantPeers: 5 },
    ];
    const { answers } = await rig.call(announce, announcement(1, [], { shares }));
    assert.equal(
      answers.map(({ counts }) => [counts?.completePeers, counts?.partialPeers]),
      [[0, 1]],
    );
  });
});

test("announced endpoints are listed only by a tracker that trusts them", async () => {
  const endpoints = [
    { host: "203.0.113.9", port: 9000, transport: Transport.TCP },
    { host: "203.0.113.9", port: 0, transport: Transport.TCP },
    { host: "203.0.113.9", port: 9000, transport: Transport.UNSPECIFIED },
  ];
  const listed = async (rig: TrackerRig): Promise<readonly string[]> => {
    const answer = await rig.call(announce, announcement(1, [A], { endpoints }));
    const { peers } = await rig.call(listPeers, { contentId: A, max: 10 });
    const hosts = peers.flatMap((peer) => peer.endpoints.map(({ host }) => host));
    assert.equal(
      hosts,
      answer.listedEndpoints.map(({ host }) => host),
    );
    return hosts;
  };
  await withTracker({}, async (rig) => assert.equal(await listed(rig), ["127.0.0.1"]));
  await withTracker({ trustAnnounced: true }, async (rig) => {
    assert.equal(await listed(rig), ["127.0.0.1", "203.0.113.9"]);
  });
});

test("an announcement of an earlier run changes nothing and gets no token", async () => {
  await withTracker({}, async (rig) => {
    await rig.call(announce, announcement(1, [A], { runEpochMs: 5000n }));
    const late = await rig.call(announce, announcement(1, [B], { runEpochMs: 4000n }));
    assert.is(late.leaseToken.length, 0);
    assert.equal(late.listedEndpoints, []);
    assert.is((await rig.call(listPeers, { contentId: B, max: 1 })).counts?.partialPeers, 0);
  });
});

test("a token moves a lease to another port; without one, or with a wrong one, it is a second lease", async () => {
  await withTracker({}, async (rig) => {
    const { leaseToken } = await rig.call(announce, announcement(1, [A], { listenPort: 9001 }));
    const count = async (): Promise<number | undefined> =>
      (await rig.call(listPeers, { contentId: A, max: 0 })).counts?.partialPeers;
    await rig.call(announce, announcement(1, [A], { listenPort: 9002, leaseToken: new Uint8Array(50) }));
    assert.is(await count(), 2);
    const moved = await rig.call(announce, announcement(1, [A], { listenPort: 9003, leaseToken }));
    assert.is(await count(), 2);
    const { peers } = await rig.call(listPeers, { contentId: A, max: 5 });
    assert.equal(peers.flatMap((peer) => peer.endpoints.map(({ port }) => port)).sort(), [9002, 9003]);
    await rig.call(withdraw, { peerId: ME, leaseToken: moved.leaseToken });
    assert.is(await count(), 1);
  });
});

test("ListPeers gives counts for 0, at most 50 peers, and leaves no lease", async () => {
  await withTracker({}, async (rig) => {
    for (let n = 0; n < 60; n++) await rig.call(announce, announcement(n, [A]));
    const none = await rig.call(listPeers, { contentId: A, max: 0 });
    assert.equal([none.peers.length, none.counts?.partialPeers], [0, 60]);
    assert.is((await rig.call(listPeers, { contentId: A, max: 1_000_000 })).peers.length, 50);
    const { peers } = await rig.call(listPeers, { contentId: A, max: 50, excludePeerId: ME });
    assert.not(peers.some((peer) => toHex(peer.peerId) === peerId(1)));
    assert.is((await rig.call(listPeers, { contentId: B, max: 5 })).counts?.partialPeers, 0);
  });
});

test("withdrawing takes the token of the lease", async () => {
  await withTracker({}, async (rig) => {
    const { leaseToken } = await rig.call(announce, announcement(1, [A, B]));
    const other = await rig.call(announce, announcement(2, [A]));
    for (const token of [new Uint8Array(0), new Uint8Array(40), other.leaseToken]) {
      assert.match(await refused(rig, withdraw, { peerId: ME, leaseToken: token }), /^PERMISSION_DENIED/);
    }
    await rig.call(withdraw, { peerId: ME, leaseToken, contentIds: [B] });
    assert.is((await rig.call(listPeers, { contentId: A, max: 0 })).counts?.partialPeers, 2);
    assert.is((await rig.call(listPeers, { contentId: B, max: 0 })).counts?.partialPeers, 0);
    await rig.call(withdraw, { peerId: ME, leaseToken });
    await rig.call(withdraw, { peerId: ME, leaseToken });
    assert.is((await rig.call(listPeers, { contentId: A, max: 0 })).counts?.partialPeers, 1);
  });
});

test("a full tracker refuses what is new and says so, and keeps serving who is there", async () => {
  await withTracker({ maxPeers: 1, maxLeasesPerPeer: 2 }, async (rig) => {
    await rig.call(announce, announcement(1, [A]));
    assert.match(
      await refused(rig, announce, announcement(2, [A])),
      /^RESOURCE_EXHAUSTED: this tracker is full/,
    );
    await rig.call(announce, announcement(1, [A, B]));
    const third = announcement(1, [A, B, idToBytes(contentId(3))]);
    assert.match(await refused(rig, announce, third), /^RESOURCE_EXHAUSTED: a peer may hold 2 leases/);
    assert.is((await rig.call(listPeers, { contentId: A, max: 5 })).peers.length, 1);
  });
});

test("a complete peer is asked for the root, publishes it, and everybody gets its exact bytes", async () => {
  const root = rootNamed("photo.jpg");
  const id = idToBytes(root.contentId);
  await withTracker({}, async (rig) => {
    const shares = [{ contentId: id, complete: true }];
    const { wantedManifests, leaseToken } = await rig.call(announce, announcement(1, [], { shares }));
    assert.equal(wantedManifests.map(toHex), [root.contentId]);
    assert.match(await refused(rig, getManifest, { contentId: id }), /^NOT_FOUND/);

    const publication = { peerId: ME, leaseToken, manifest: root.bytes };
    assert.is((await rig.call(publishManifest, publication)).stored, true);
    assert.is((await rig.call(publishManifest, publication)).stored, false);
    assert.equal(
      Buffer.from((await rig.call(getManifest, { contentId: id })).manifest),
      Buffer.from(root.bytes),
    );
    assert.equal((await rig.call(announce, announcement(2, [], { shares }))).wantedManifests, []);

    await rig.call(withdraw, { peerId: ME, leaseToken });
    const again = await rig.call(announce, announcement(2, [], { shares: [] }));
    assert.is((await rig.call(getManifest, { contentId: id })).manifest.length, root.bytes.length);
    await rig.call(withdraw, { peerId: idToBytes(peerId(2)), leaseToken: again.leaseToken });
    assert.match(await refused(rig, getManifest, { contentId: id }), /^NOT_FOUND/);
  });
});

test("a root is taken only from who has a lease on it, and only if it keeps the rules", async () => {
  const root = rootNamed("photo.jpg");
  await withTracker({}, async (rig) => {
    const { leaseToken } = await rig.call(announce, announcement(1, [A]));
    const publication = { peerId: ME, leaseToken, manifest: root.bytes };
    assert.match(await refused(rig, publishManifest, publication), /^PERMISSION_DENIED: no lease on/);
    const forged = { ...publication, leaseToken: new Uint8Array(40) };
    assert.match(await refused(rig, publishManifest, forged), /^PERMISSION_DENIED/);

    const rubbish = Buffer.from("no manifest at all");
    const { createHash } = await import("node:crypto");
    const contentIdOfRubbish = createHash("sha256").update(rubbish).digest();
    await rig.call(announce, announcement(1, [contentIdOfRubbish]));
    assert.match(
      await refused(rig, publishManifest, { ...publication, manifest: rubbish }),
      /^INVALID_ARGUMENT/,
    );
    const tooLarge = { ...publication, manifest: new Uint8Array(2 ** 20 + 1) };
    assert.match(await refused(rig, publishManifest, tooLarge), /^INVALID_ARGUMENT: manifest has/);
  });
});

test("a tracker that keeps no roots asks for none and says so", async () => {
  await withTracker({ maxManifests: 0 }, async (rig) => {
    const shares = [{ contentId: A, complete: true }];
    assert.equal((await rig.call(announce, announcement(1, [], { shares }))).wantedManifests, []);
    assert.is((await rig.call(getTrackerInfo, {})).maxManifestBytes, 0);
  });
});

test("GetTrackerInfo says what the tracker is, and that it has started anew", async () => {
  let instance = "";
  await withTracker({}, async (rig) => {
    const info = await rig.call(getTrackerInfo, {});
    assert.is(info.agent, AGENT);
    assert.is(info.observedHost, "127.0.0.1");
    assert.is(info.maxSharesPerAnnounce, 1000);
    assert.is(info.maxManifestBytes, 2 ** 20);
    assert.is(info.ttlMs, 75_000);
    instance = toHex(info.instanceId);
  });
  await withTracker({}, async (rig) => {
    assert.not.equal(toHex((await rig.call(getTrackerInfo, {})).instanceId), instance);
  });
});

test("every field that breaks its rule is INVALID_ARGUMENT and named", async () => {
  const short = new Uint8Array(31);
  const token = new Uint8Array(65);
  const endpoint = { host: "10.0.0.1", port: 1, transport: Transport.TCP };
  const share = { contentId: A };
  await withTracker({}, async (rig) => {
    const expectAnnounce = async (request: AnnounceInit, problem: RegExp): Promise<void> => {
      assert.match(await refused(rig, announce, { ...announcement(1, [A]), ...request }), problem);
    };
    await expectAnnounce({ peerId: short }, /^INVALID_ARGUMENT: peer_id has 31 bytes, not 32/);
    await expectAnnounce({ peerId: new Uint8Array(0) }, /^INVALID_ARGUMENT: peer_id/);
    await expectAnnounce({ runEpochMs: 2n ** 53n }, /^INVALID_ARGUMENT: run_epoch_ms/);
    await expectAnnounce({ endpoints: Array(9).fill(endpoint) }, /^INVALID_ARGUMENT: endpoints has 9/);
    await expectAnnounce({ listenPort: 65_536 }, /^INVALID_ARGUMENT: listen_port/);
    await expectAnnounce({ shares: Array(1001).fill(share) }, /^INVALID_ARGUMENT: shares has 1001/);
    await expectAnnounce(
      { shares: [share, { contentId: short }] },
      /^INVALID_ARGUMENT: shares\[1\]\.content_id/,
    );
    await expectAnnounce(
      { shares: [{ ...share, wantPeers: 51 }] },
      /^INVALID_ARGUMENT: shares\[0\]\.want_peers/,
    );
    await expectAnnounce({ leaseToken: token }, /^INVALID_ARGUMENT: lease_token/);
    await expectAnnounce({ excludePeerId: short }, /^INVALID_ARGUMENT: exclude_peer_id/);

    assert.match(await refused(rig, withdraw, { peerId: short }), /^INVALID_ARGUMENT: peer_id/);
    const ids = Array<Uint8Array>(1001).fill(A);
    assert.match(
      await refused(rig, withdraw, { peerId: ME, contentIds: ids }),
      /^INVALID_ARGUMENT: content_ids/,
    );
    const one = { peerId: ME, contentIds: [A, short] };
    assert.match(await refused(rig, withdraw, one), /^INVALID_ARGUMENT: content_ids\[1\]/);
    assert.match(await refused(rig, listPeers, { contentId: short }), /^INVALID_ARGUMENT: content_id/);
    const excluding = { contentId: A, excludePeerId: short };
    assert.match(await refused(rig, listPeers, excluding), /^INVALID_ARGUMENT: exclude_peer_id/);
    assert.match(await refused(rig, getManifest, { contentId: short }), /^INVALID_ARGUMENT: content_id/);
    assert.match(await refused(rig, publishManifest, { peerId: short }), /^INVALID_ARGUMENT: peer_id/);
    assert.is((await rig.call(listPeers, { contentId: A, max: 0 })).counts?.partialPeers, 0);
  });
});

test("a request over the limit, or of too many fields, is refused", async () => {
  await withTracker({}, async (rig) => {
    const large = { peerId: ME, manifest: new Uint8Array(MAX_REQUEST_BYTES) };
    assert.match(await refused(rig, publishManifest, large), /^RESOURCE_EXHAUSTED/);
    const crowded = announcement(1, [], { shares: Array(100_000).fill({}) });
    assert.match(await refused(rig, announce, crowded), /^INVALID_ARGUMENT: .*more fields than allowed/);
    assert.match(await refused(rig, { ...announce, name: "Nonsense" }, {}), /^UNIMPLEMENTED/);
  });
});

test("the largest answers stay within the protocol's limits", async () => {
  const longName = (n: number): string =>
    `${n}.${"x".repeat(60)}.${"y".repeat(60)}.${"z".repeat(60)}.example.org`;
  const ids = Array.from({ length: 1000 }, (_, n) => idToBytes(contentId(n)));
  await withTracker({ trustAnnounced: true }, async (rig) => {
    const endpoints = Array.from({ length: 8 }, (_, n) => ({
      host: longName(n),
      port: 1,
      transport: Transport.TCP,
    }));
    for (let n = 1; n <= 51; n++) await rig.call(announce, announcement(n, ids.slice(0, 60), { endpoints }));
    const shares = ids.map((id) => ({ contentId: id, wantPeers: 50, complete: true }));
    const answer = await rig.call(announce, announcement(0, [], { shares }));
    const peers = answer.answers.reduce((sum, swarm) => sum + swarm.peers.length, 0);
    assert.ok(peers > 500 && peers <= 2000, `${peers} peers`);
    assert.is(answer.answers.length, 1000);
    assert.is(answer.wantedManifests.length, 1000);
  });
  await withTracker({}, async (rig) => {
    for (let n = 1; n <= 51; n++) await rig.call(announce, announcement(n, ids.slice(0, 60)));
    const shares = ids.map((id) => ({ contentId: id, wantPeers: 50 }));
    const { answers } = await rig.call(announce, announcement(0, [], { shares }));
    assert.is(
      answers.reduce((sum, swarm) => sum + swarm.peers.length, 0),
      2000,
    );
  });
});

test("what a store throws is INTERNAL for the caller, and a warning for the owner", async () => {
  class BrokenStore extends MemoryStore {
    override manifest(): Promise<undefined> {
      throw new Error("the secret is 42");
    }
  }
  const store = new BrokenStore(defaultTrackerOptions, monotonicClock);
  const use = async (rig: TrackerRig): Promise<void> => {
    assert.is(await refused(rig, getManifest, { contentId: A }), "INTERNAL: internal error");
    const warning = rig.events.find((event) => event.type === "warning");
    assert.ok(warning?.type === "warning" && warning.code === "BUG");
    assert.match(warning.message, /TrackerService\.getManifest: .*the secret is 42/);
    await rig.call(getTrackerInfo, {});
  };
  await withTracker({}, use, store);
});

test("the observed host is part of a lease: over IPv6 it is another, and a token moves it", async () => {
  await withTracker({}, async (rig) => {
    const overIpv6 = rawClient({ ...rig.endpoint, host: "::1" });
    const limits = { deadlineMs: 20_000 };
    try {
      const info = await overIpv6.call(getTrackerInfo, {}, limits).catch(() => undefined);
      if (info === undefined) return; // no IPv6 on this machine
      assert.is(info.observedHost, "::1");
      const { leaseToken } = await rig.call(announce, announcement(1, [A]));
      await overIpv6.call(announce, announcement(1, [A]), limits);
      const { peers } = await rig.call(listPeers, { contentId: A, max: 5 });
      assert.is(peers.length, 1);
      assert.equal(peers[0]?.endpoints.map(({ host }) => host).sort(), ["127.0.0.1", "::1"]);
      await overIpv6.call(announce, announcement(1, [A], { leaseToken }), limits);
      const { peers: moved } = await rig.call(listPeers, { contentId: A, max: 5 });
      assert.equal(
        moved[0]?.endpoints.map(({ host }) => host),
        ["::1"],
      );
    } finally {
      await overIpv6.close();
    }
  });
});

test.run();
