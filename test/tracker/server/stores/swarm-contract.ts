// Samples and roots, as every store must give and keep them.
import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { type ContentId, contentIdFromBytes, type PeerId } from "../../../../src/core/ids.js";
import {
  A,
  B,
  C,
  contentId,
  HERE,
  leaseKey,
  peerId,
  type StoreTests,
  seededRandom,
  TTL_MS,
} from "./store-rig.js";

export const sampleTests: StoreTests = {
  "a sample holds each peer once, leaves out whom it should, and no more than wanted": async (make) => {
    const rig = make();
    for (let n = 0; n < 30; n++) await rig.announce(leaseKey(n), [A]);
    for (let max = 0; max <= 35; max += 5) {
      const { peers, counts } = await rig.sample(A, max, [peerId(3), peerId(4)]);
      const ids = new Set(peers.map((peer) => peer.key.peerId));
      assert.is(peers.length, Math.min(max, 28));
      assert.is(ids.size, peers.length);
      assert.not(ids.has(peerId(3)) || ids.has(peerId(4)));
      assert.equal(counts, { completePeers: 0, partialPeers: 30 });
    }
  },

  "every peer is equally likely to be drawn": async (make) => {
    const rig = make();
    const peers = 40;
    const draws = 4000;
    const wanted = 10;
    for (let n = 0; n < peers; n++) await rig.announce(leaseKey(n), [A]);
    const drawn = new Map<PeerId, number>();
    for (let i = 0; i < draws; i++) {
      for (const peer of (await rig.sample(A, wanted, [peerId(0)])).peers) {
        drawn.set(peer.key.peerId, (drawn.get(peer.key.peerId) ?? 0) + 1);
      }
    }
    const expected = (draws * wanted) / (peers - 1);
    const deviation = Math.sqrt(expected * (1 - wanted / (peers - 1)));
    assert.is(drawn.size, peers - 1);
    for (const count of drawn.values()) {
      assert.ok(Math.abs(count - expected) < 5 * deviation, `${count} draws where ${expected} were expected`);
    }
  },

  "a sample of a large swarm holds both, however few are complete or lack something": async (make) => {
    const rig = make();
    for (let n = 0; n < 200; n++) {
      const [many, few] = n % 40 === 0 ? [B, A] : [A, B];
      await rig.announce(leaseKey(n), [many]);
      await rig.complete(leaseKey(n), few);
    }
    for (const id of [A, B]) {
      for (let draw = 0; draw < 20; draw++) {
        const { peers } = await rig.sample(id, 20);
        const complete = peers.filter((peer) => peer.complete).length;
        assert.is(peers.length, 20);
        assert.ok(complete > 0 && complete < 20, `${complete} of 20 are complete`);
      }
    }
  },

  "one response holds no more than it may, the first shares first": async (make) => {
    const rig = make();
    for (let n = 0; n < 10; n++) await rig.announce(leaseKey(n), [A, B, C]);
    const queries = [A, contentId(99), B, C].map((id) => ({ contentId: id, max: 8 }));
    const samples = await rig.store.sample(queries, [], 12);
    assert.equal(
      samples.map(({ peers }) => peers.length),
      [8, 0, 4, 0],
    );
    assert.equal(
      samples.map(({ counts }) => counts.partialPeers),
      [10, 0, 10, 10],
    );
  },

  "who can be reached nowhere is counted and never drawn": async (make) => {
    const rig = make();
    const hidden = leaseKey(1, "10.0.0.1", 0);
    await rig.announce(hidden, [A]);
    await rig.announce(leaseKey(2), [A]);
    assert.equal(await rig.peersOf(A), [peerId(2)]);
    assert.is(await rig.total(A), 2);
    await rig.announce(hidden, [A], { endpoints: [{ host: "example.org", port: 9, transport: "tcp" }] });
    assert.equal(await rig.peersOf(A), [peerId(1), peerId(2)].sort());
    await rig.announce(hidden, [A]);
    assert.equal(await rig.peersOf(A), [peerId(2)]);
  },

  "peers that come and go in any order leave samples and counts right": async (make) => {
    const rig = make();
    const random = seededRandom(99);
    const present = new Map<number, boolean>();
    for (let step = 0; step < 2000; step++) {
      const n = Math.floor(random() * 25);
      if (random() < 0.5) {
        const complete = random() < 0.5;
        if (complete) await rig.complete(leaseKey(n), A);
        else await rig.announce(leaseKey(n), [A]);
        present.set(n, complete);
      } else {
        await rig.store.withdraw(leaseKey(n), []);
        present.delete(n);
      }
      const complete = [...present.values()].filter(Boolean).length;
      const { peers, counts } = await rig.sample(A);
      assert.equal(counts, { completePeers: complete, partialPeers: present.size - complete });
      assert.equal(peers.map((peer) => peer.key.peerId).sort(), [...present.keys()].map(peerId).sort());
    }
  },
};

const root = Buffer.from("root of A");

/** A store may look whether the bytes are those that the content id promises. */
function rootId(): ContentId {
  const id = contentIdFromBytes(createHash("sha256").update(root).digest());
  if (id === undefined) throw new Error("a digest is a content id");
  return id;
}

export const manifestTests: StoreTests = {
  "a root is kept once, and for as long as somebody has a lease": async (make) => {
    const rig = make();
    const id = rootId();
    assert.not(await rig.store.putManifest(id, root, HERE));
    await rig.announce(leaseKey(1), [id]);
    await rig.announce(leaseKey(2), [id]);
    assert.ok(await rig.store.putManifest(id, root, HERE));
    assert.not(await rig.store.putManifest(id, root, HERE));
    await rig.store.withdraw(leaseKey(1), []);
    assert.equal(await rig.store.manifest(id), root);
    await rig.pass(TTL_MS + 1000);
    assert.is(await rig.store.manifest(id), undefined);
    assert.is((await rig.store.size()).manifestBytes, 0);
  },

  "a missing root is asked for at two complete peers at a time, then at others": async (make) => {
    const rig = make();
    assert.equal((await rig.announce(leaseKey(1), [A])).wantedManifests, []);
    assert.equal((await rig.complete(leaseKey(2), A, B)).wantedManifests, [A, B]);
    assert.equal((await rig.complete(leaseKey(3), A)).wantedManifests, [A]);
    assert.equal((await rig.complete(leaseKey(4), A)).wantedManifests, []);
    assert.equal((await rig.complete(leaseKey(2), A)).wantedManifests, [A]);
    await rig.pass(30_000);
    assert.equal((await rig.complete(leaseKey(4), A)).wantedManifests, [A]);
    assert.equal((await rig.complete(leaseKey(5), A)).wantedManifests, [A]);
    assert.equal((await rig.complete(leaseKey(2), A)).wantedManifests, []);
  },

  "nobody is asked for a root that is there": async (make) => {
    const rig = make();
    await rig.complete(leaseKey(1), A);
    await rig.store.putManifest(A, root, HERE);
    assert.equal((await rig.complete(leaseKey(2), A)).wantedManifests, []);
  },

  "roots are bounded in number and bytes, and nobody is asked for what finds no room": async (make) => {
    const few = make({ maxManifests: 1 });
    await few.complete(leaseKey(1), A, B);
    assert.ok(await few.store.putManifest(A, root, HERE));
    assert.not(await few.store.putManifest(B, root, HERE));
    assert.equal((await few.complete(leaseKey(2), B)).wantedManifests, []);
    await few.store.withdraw(leaseKey(1), [A]);
    assert.ok(await few.store.putManifest(B, root, HERE));

    const small = make({ maxManifestBytesTotal: root.length });
    await small.complete(leaseKey(1), A, B);
    assert.not(await small.store.putManifest(A, Buffer.concat([root, root]), HERE));
    assert.ok(await small.store.putManifest(A, root, HERE));
    assert.not(await small.store.putManifest(B, Buffer.from("x"), HERE));

    const shared = make({ maxManifestBytesTotal: 4 * root.length });
    const [one, other] = ["192.0.2.1", "192.0.2.2"];
    await shared.complete(leaseKey(1), A, B, C);
    assert.ok(await shared.store.putManifest(A, root, one));
    assert.not(await shared.store.putManifest(B, root, one), "an address has a quarter");
    assert.equal((await shared.complete(leaseKey(2, one), B)).wantedManifests, []);
    assert.equal((await shared.complete(leaseKey(2, other), B)).wantedManifests, [B]);
    assert.ok(await shared.store.putManifest(B, root, other));
    await shared.store.withdraw(leaseKey(1), [A]);
    assert.ok(await shared.store.putManifest(C, root, one), "what is dropped makes room");

    const none = make({ maxManifests: 0 });
    assert.equal((await none.complete(leaseKey(1), A)).wantedManifests, []);
  },
};
