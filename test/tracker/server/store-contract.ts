// What every store of the tracker must do, as one body of tests: each store's own test file runs it.
import { suite, type Test } from "uvu";
import * as assert from "uvu/assert";
import { type ContentId, contentIdFromBytes, type PeerId, peerIdFromBytes } from "../../../src/core/ids.js";
import type { HeldShare } from "../../../src/tracker/announcement.js";
import type { MemoryStoreLimits } from "../../../src/tracker/server/memory-store.js";
import type { LeaseKey, LeaseUpdate, TrackerStore } from "../../../src/tracker/server/store.js";

export const TTL_MS = 75_000;

export interface StoreParts {
  readonly limits: MemoryStoreLimits;
  readonly clock: FakeClock;
  readonly random: () => number;
}

export type StoreFactory = (parts: StoreParts) => TrackerStore;

export class FakeClock {
  #nowMs = 1_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function contentId(n: number): ContentId {
  const id = contentIdFromBytes(numbered(n, 0xcc));
  if (id === undefined) throw new Error("32 bytes are a content id");
  return id;
}

export function peerId(n: number): PeerId {
  const id = peerIdFromBytes(numbered(n, 0xee));
  if (id === undefined) throw new Error("32 bytes are a peer id");
  return id;
}

function numbered(n: number, fill: number): Buffer {
  const bytes = Buffer.alloc(32, fill);
  bytes.writeUInt32BE(n);
  return bytes;
}

export function leaseKey(n: number, host = "10.0.0.1", listenPort = 9000): LeaseKey {
  return { peerId: peerId(n), host, listenPort };
}

const ROOMY: MemoryStoreLimits = {
  maxPeers: 10_000,
  maxLeases: 100_000,
  maxLeasesPerPeer: 10_000,
  maxManifests: 100,
  maxManifestBytesTotal: 1_000_000,
};

const A = contentId(1);
const B = contentId(2);
const C = contentId(3);

class Rig {
  readonly clock = new FakeClock();
  readonly store: TrackerStore;

  constructor(factory: StoreFactory, limits: Partial<MemoryStoreLimits> = {}) {
    this.store = factory({ limits: { ...ROOMY, ...limits }, clock: this.clock, random: seededRandom(7) });
  }

  async announce(key: LeaseKey, contentIds: readonly ContentId[], more: Partial<LeaseUpdate> = {}) {
    const shares = contentIds.map((id): HeldShare => ({ contentId: id, chunksHeld: 1, complete: false }));
    return this.store.announce({ key, runEpochMs: 5000, endpoints: [], shares, ttlMs: TTL_MS, ...more });
  }

  async complete(key: LeaseKey, ...contentIds: readonly ContentId[]) {
    const shares = contentIds.map((id): HeldShare => ({ contentId: id, chunksHeld: 8, complete: true }));
    return this.store.announce({ key, runEpochMs: 5000, endpoints: [], shares, ttlMs: TTL_MS });
  }

  async sample(id: ContentId, max = 50, exclude: readonly PeerId[] = []) {
    const [sample] = await this.store.sample([{ contentId: id, max }], exclude, 2000);
    if (sample === undefined) throw new Error("one query has one sample");
    return sample;
  }

  async peersOf(id: ContentId): Promise<readonly PeerId[]> {
    return (await this.sample(id)).peers.map((peer) => peer.key.peerId).sort();
  }

  async total(id: ContentId): Promise<number> {
    const { counts } = await this.sample(id, 0);
    return counts.completePeers + counts.partialPeers;
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.store.expire();
  }
}

/** Adds the tests to a suite of their own and runs it. */
export function storeContract(name: string, factory: StoreFactory): void {
  const test = suite(name);
  leaseTests(test, factory);
  moveTests(test, factory);
  boundTests(test, factory);
  sampleTests(test, factory);
  manifestTests(test, factory);
  test.run();
}

function leaseTests(test: Test, factory: StoreFactory): void {
  test("a lease is listed until its time is over, then gone with its swarm", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A]);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
    await rig.pass(TTL_MS - 1);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
    await rig.pass(1);
    assert.equal(await rig.peersOf(A), []);
    await rig.pass(1000);
    assert.equal(rig.store.size(), { peers: 0, leases: 0, manifests: 0, manifestBytes: 0 });
  });

  test("an expired lease is not listed even before it is cleared away", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A]);
    rig.clock.advance(TTL_MS);
    assert.equal(await rig.peersOf(A), []);
    assert.not(await rig.store.holdsLease(leaseKey(1), A));
  });

  test("renewing keeps a lease, whatever the number of renewals", async () => {
    const rig = new Rig(factory);
    for (let round = 0; round < 20; round++) {
      await rig.announce(leaseKey(1), [A]);
      await rig.pass(TTL_MS / 2.5);
      assert.is(await rig.total(A), 1);
    }
    await rig.pass(TTL_MS);
    assert.is(await rig.total(A), 0);
  });

  test("an announcement removes nothing: what it does not list ends by itself, in its own time", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A, B]);
    await rig.pass(TTL_MS / 2);
    await rig.announce(leaseKey(1), [B]);
    assert.is(await rig.total(A), 1);
    await rig.pass(TTL_MS / 2 + 1000);
    assert.is(await rig.total(A), 0);
    assert.is(await rig.total(B), 1);
  });

  test("an announcement of nothing leaves nothing", async () => {
    const rig = new Rig(factory);
    assert.is((await rig.announce(leaseKey(1), [])).outcome, "held");
    assert.is(rig.store.size().peers, 0);
  });

  test("the newest announcement says what a peer has", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A]);
    assert.equal((await rig.sample(A)).counts, { completePeers: 0, partialPeers: 1 });
    await rig.complete(leaseKey(1), A);
    const { peers, counts } = await rig.sample(A);
    assert.equal(counts, { completePeers: 1, partialPeers: 0 });
    assert.equal(peers, [{ key: leaseKey(1), endpoints: [], chunksHeld: 8, complete: true }]);
  });

  test("an announcement of an earlier run is ignored, one of a later run is not", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A], { runEpochMs: 5000 });
    assert.equal(await rig.announce(leaseKey(1), [B], { runEpochMs: 4999 }), {
      outcome: "stale",
      wantedManifests: [],
    });
    assert.is(await rig.total(B), 0);
    assert.is((await rig.announce(leaseKey(1), [B], { runEpochMs: 5001 })).outcome, "held");
    assert.is((await rig.announce(leaseKey(1), [C], { runEpochMs: 5000 })).outcome, "stale");
    assert.is(await rig.total(B), 1);
  });

  test("the same peer id at another host or port is another lease and does not touch the first", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1, "10.0.0.1", 9000), [A]);
    await rig.announce(leaseKey(1, "10.0.0.2", 9000), [A], { runEpochMs: 9999 });
    await rig.announce(leaseKey(1, "10.0.0.1", 9001), [A], { runEpochMs: 1 });
    assert.is(await rig.total(A), 3);
    await rig.store.withdraw(leaseKey(1, "10.0.0.2", 9000), []);
    assert.is(await rig.total(A), 2);
  });

  test("withdrawing ends what is named, or everything if nothing is", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A, B, C]);
    await rig.announce(leaseKey(2), [A]);
    await rig.store.withdraw(leaseKey(1), [A, contentId(99)]);
    assert.equal(await rig.peersOf(A), [peerId(2)]);
    assert.is(await rig.total(B), 1);
    await rig.store.withdraw(leaseKey(1), []);
    assert.is(await rig.total(B), 0);
    assert.is(rig.store.size().peers, 1);
    await rig.store.withdraw(leaseKey(1), []);
    await rig.store.withdraw(leaseKey(2), [A]);
    assert.equal(rig.store.size(), { peers: 0, leases: 0, manifests: 0, manifestBytes: 0 });
  });

  test("a lease that was withdrawn and announced again lives its full time", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS - 1000);
    await rig.store.withdraw(leaseKey(1), []);
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS - 1);
    assert.is(await rig.total(A), 1);
  });

  test("thousands of leases that end in the same second all end", async () => {
    const rig = new Rig(factory);
    for (let n = 0; n < 3000; n++) await rig.announce(leaseKey(n), [A, B]);
    assert.is(rig.store.size().leases, 6000);
    await rig.pass(TTL_MS + 1000);
    assert.is(rig.store.size().leases, 0);
  });

  test("a long sleep of the machine ends every lease at once", async () => {
    const rig = new Rig(factory);
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(30 * 24 * 3600_000);
    assert.is(rig.store.size().peers, 0);
    await rig.announce(leaseKey(1), [A]);
    assert.is(await rig.total(A), 1);
  });
}

function moveTests(test: Test, factory: StoreFactory): void {
  const home = leaseKey(1, "10.0.0.1");
  const away = leaseKey(1, "192.168.7.7", 9001);

  test("a peer that moves takes its leases along, with the time they have", async () => {
    const rig = new Rig(factory);
    await rig.announce(home, [A, B]);
    await rig.pass(TTL_MS / 2);
    await rig.announce(away, [A], { movedFrom: home });
    const { peers } = await rig.sample(B);
    assert.equal(
      peers.map(({ key }) => [key.host, key.listenPort]),
      [["192.168.7.7", 9001]],
    );
    assert.equal([await rig.total(A), await rig.total(B)], [1, 1]);
    await rig.pass(TTL_MS / 2 + 1000);
    assert.equal([await rig.total(A), await rig.total(B)], [1, 0]);
  });

  test("a move to where the peer has leases already joins them", async () => {
    const rig = new Rig(factory);
    await rig.announce(home, [A, B]);
    await rig.announce(away, [B, C]);
    await rig.announce(away, [C], { movedFrom: home });
    assert.equal([await rig.total(A), await rig.total(B), await rig.total(C)], [1, 1, 1]);
    assert.is(rig.store.size().peers, 1);
  });

  test("moving from where there is nothing is an ordinary announcement", async () => {
    const rig = new Rig(factory);
    assert.is((await rig.announce(away, [A], { movedFrom: home })).outcome, "held");
    assert.is((await rig.announce(away, [A], { movedFrom: away })).outcome, "held");
    assert.is(await rig.total(A), 1);
  });

  test("an earlier run moves nothing", async () => {
    const rig = new Rig(factory);
    await rig.announce(home, [A], { runEpochMs: 5000 });
    assert.is((await rig.announce(away, [A], { movedFrom: home, runEpochMs: 4000 })).outcome, "stale");
    assert.equal(
      (await rig.sample(A)).peers.map(({ key }) => key.host),
      ["10.0.0.1"],
    );
  });

  test("a full tracker lets a peer move", async () => {
    const rig = new Rig(factory, { maxPeers: 1, maxLeases: 1 });
    await rig.announce(home, [A]);
    assert.is((await rig.announce(away, [A], { movedFrom: home })).outcome, "held");
    assert.equal(
      (await rig.sample(A)).peers.map(({ key }) => key.host),
      ["192.168.7.7"],
    );
    assert.equal(rig.store.size().leases, 1);
  });

  test("a root outlives the move of the only peer with a lease on it", async () => {
    const rig = new Rig(factory);
    await rig.announce(home, [A]);
    await rig.store.putManifest(A, Buffer.from("root"));
    await rig.announce(away, [A], { movedFrom: home });
    assert.is(rig.store.size().manifests, 1);
  });
}

function boundTests(test: Test, factory: StoreFactory): void {
  test("the bound on peers is exact: the next is refused, those that are there are kept", async () => {
    const rig = new Rig(factory, { maxPeers: 2 });
    assert.is((await rig.announce(leaseKey(1), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(3), [A])).outcome, "trackerFull");
    assert.equal(await rig.peersOf(A), [peerId(1), peerId(2)].sort());
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "held");
    await rig.store.withdraw(leaseKey(2), []);
    assert.is((await rig.announce(leaseKey(3), [A])).outcome, "held");
  });

  test("the bound on leases is exact, and what does not fit whole is not taken in part", async () => {
    const rig = new Rig(factory, { maxLeases: 3 });
    await rig.announce(leaseKey(1), [A, B]);
    assert.is((await rig.announce(leaseKey(2), [A, B])).outcome, "trackerFull");
    assert.equal(rig.store.size().leases, 2);
    assert.is(rig.store.size().peers, 1);
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(1), [C])).outcome, "trackerFull");
  });

  test("a refused announcement renews what the peer has", async () => {
    const rig = new Rig(factory, { maxLeases: 1 });
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS / 2);
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "trackerFull");
    await rig.pass(TTL_MS / 2 + 1000);
    assert.equal([await rig.total(A), await rig.total(B)], [1, 0]);
  });

  test("one peer cannot take more than its part", async () => {
    const rig = new Rig(factory, { maxLeasesPerPeer: 2 });
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "held");
    assert.is((await rig.announce(leaseKey(1), [C])).outcome, "peerFull");
    assert.is((await rig.announce(leaseKey(2), [C])).outcome, "held");
  });

  test("expired leases make room", async () => {
    const rig = new Rig(factory, { maxPeers: 1, maxLeases: 1 });
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS + 1000);
    assert.is((await rig.announce(leaseKey(2), [B])).outcome, "held");
  });
}

function sampleTests(test: Test, factory: StoreFactory): void {
  test("a sample holds each peer once, leaves out whom it should, and no more than wanted", async () => {
    const rig = new Rig(factory);
    for (let n = 0; n < 30; n++) await rig.announce(leaseKey(n), [A]);
    for (let max = 0; max <= 35; max += 5) {
      const { peers, counts } = await rig.sample(A, max, [peerId(3), peerId(4)]);
      const ids = new Set(peers.map((peer) => peer.key.peerId));
      assert.is(peers.length, Math.min(max, 28));
      assert.is(ids.size, peers.length);
      assert.not(ids.has(peerId(3)) || ids.has(peerId(4)));
      assert.equal(counts, { completePeers: 0, partialPeers: 30 });
    }
  });

  test("every peer is equally likely to be drawn", async () => {
    const rig = new Rig(factory);
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
  });

  test("one response holds no more than it may, the first shares first", async () => {
    const rig = new Rig(factory);
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
  });

  test("who can be reached nowhere is counted and never drawn", async () => {
    const rig = new Rig(factory);
    const hidden = leaseKey(1, "10.0.0.1", 0);
    await rig.announce(hidden, [A]);
    await rig.announce(leaseKey(2), [A]);
    assert.equal(await rig.peersOf(A), [peerId(2)]);
    assert.is(await rig.total(A), 2);
    await rig.announce(hidden, [A], { endpoints: [{ host: "example.org", port: 9, transport: "tcp" }] });
    assert.equal(await rig.peersOf(A), [peerId(1), peerId(2)].sort());
    await rig.announce(hidden, [A]);
    assert.equal(await rig.peersOf(A), [peerId(2)]);
  });

  test("peers that come and go in any order leave samples and counts right", async () => {
    const rig = new Rig(factory);
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
  });
}

function manifestTests(test: Test, factory: StoreFactory): void {
  const root = Buffer.from("root of A");

  test("a root is kept once, and for as long as somebody has a lease", async () => {
    const rig = new Rig(factory);
    assert.not(await rig.store.putManifest(A, root));
    await rig.announce(leaseKey(1), [A]);
    await rig.announce(leaseKey(2), [A]);
    assert.ok(await rig.store.putManifest(A, root));
    assert.not(await rig.store.putManifest(A, root));
    await rig.store.withdraw(leaseKey(1), []);
    assert.equal(await rig.store.manifest(A), root);
    await rig.pass(TTL_MS + 1000);
    assert.is(await rig.store.manifest(A), undefined);
    assert.is(rig.store.size().manifestBytes, 0);
  });

  test("a missing root is asked for at two complete peers at a time, then at others", async () => {
    const rig = new Rig(factory);
    assert.equal((await rig.announce(leaseKey(1), [A])).wantedManifests, []);
    assert.equal((await rig.complete(leaseKey(2), A, B)).wantedManifests, [A, B]);
    assert.equal((await rig.complete(leaseKey(3), A)).wantedManifests, [A]);
    assert.equal((await rig.complete(leaseKey(4), A)).wantedManifests, []);
    assert.equal((await rig.complete(leaseKey(2), A)).wantedManifests, [A]);
    await rig.pass(30_000);
    assert.equal((await rig.complete(leaseKey(4), A)).wantedManifests, [A]);
    assert.equal((await rig.complete(leaseKey(5), A)).wantedManifests, [A]);
    assert.equal((await rig.complete(leaseKey(2), A)).wantedManifests, []);
  });

  test("nobody is asked for a root that is there", async () => {
    const rig = new Rig(factory);
    await rig.complete(leaseKey(1), A);
    await rig.store.putManifest(A, root);
    assert.equal((await rig.complete(leaseKey(2), A)).wantedManifests, []);
  });

  test("roots are bounded in number and bytes, and nobody is asked for what finds no room", async () => {
    const few = new Rig(factory, { maxManifests: 1 });
    await few.complete(leaseKey(1), A, B);
    assert.ok(await few.store.putManifest(A, root));
    assert.not(await few.store.putManifest(B, root));
    assert.equal((await few.complete(leaseKey(2), B)).wantedManifests, []);
    await few.store.withdraw(leaseKey(1), [A]);
    assert.ok(await few.store.putManifest(B, root));

    const small = new Rig(factory, { maxManifestBytesTotal: root.length });
    await small.complete(leaseKey(1), A, B);
    assert.not(await small.store.putManifest(A, Buffer.concat([root, root])));
    assert.ok(await small.store.putManifest(A, root));
    assert.not(await small.store.putManifest(B, Buffer.from("x")));

    const none = new Rig(factory, { maxManifests: 0 });
    assert.equal((await none.complete(leaseKey(1), A)).wantedManifests, []);
  });
}
