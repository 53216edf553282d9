// Leases, moves and bounds, as every store must keep them.
import * as assert from "uvu/assert";
import { A, B, C, contentId, HERE, leaseKey, peerId, type StoreTests, TTL_MS } from "./store-rig.js";

/** Of a store that counts swarms, and of one that does not. */
const NOTHING = { peers: 0, leases: 0, swarms: 0, manifests: 0, manifestBytes: 0 };

export const leaseTests: StoreTests = {
  "a lease is listed until its time is over, then gone with its swarm": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A]);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
    await rig.pass(TTL_MS - 1);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
    await rig.pass(1);
    assert.equal(await rig.peersOf(A), []);
    await rig.pass(1000);
    assert.equal({ ...NOTHING, ...(await rig.store.size()) }, NOTHING);
  },

  "an expired lease is not listed even before it is cleared away": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A]);
    rig.clock.advance(TTL_MS);
    assert.equal(await rig.peersOf(A), []);
    assert.not(await rig.store.holdsLease(leaseKey(1), A));
  },

  "renewing keeps a lease, whatever the number of renewals": async (make) => {
    const rig = make();
    for (let round = 0; round < 20; round++) {
      await rig.announce(leaseKey(1), [A]);
      await rig.pass(TTL_MS / 2.5);
      assert.is(await rig.total(A), 1);
    }
    await rig.pass(TTL_MS);
    assert.is(await rig.total(A), 0);
  },

  "an announcement removes nothing: what it does not list ends by itself, in its own time": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A, B]);
    await rig.pass(TTL_MS / 2);
    await rig.announce(leaseKey(1), [B]);
    assert.is(await rig.total(A), 1);
    await rig.pass(TTL_MS / 2 + 1000);
    assert.is(await rig.total(A), 0);
    assert.is(await rig.total(B), 1);
  },

  "an announcement of nothing leaves nothing": async (make) => {
    const rig = make();
    assert.is((await rig.announce(leaseKey(1), [])).outcome, "held");
    assert.is((await rig.store.size()).peers, 0);
  },

  "the newest announcement says what a peer has": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A]);
    assert.equal((await rig.sample(A)).counts, { completePeers: 0, partialPeers: 1 });
    await rig.complete(leaseKey(1), A);
    const { peers, counts } = await rig.sample(A);
    assert.equal(counts, { completePeers: 1, partialPeers: 0 });
    assert.equal(peers, [{ key: leaseKey(1), endpoints: [], chunksHeld: 8, complete: true }]);
  },

  "an announcement of an earlier run is ignored, one of a later run is not": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A], { runEpochMs: 5000 });
    assert.equal(await rig.announce(leaseKey(1), [B], { runEpochMs: 4999 }), {
      outcome: "stale",
      wantedManifests: [],
    });
    assert.is(await rig.total(B), 0);
    assert.is((await rig.announce(leaseKey(1), [B], { runEpochMs: 5001 })).outcome, "held");
    assert.is((await rig.announce(leaseKey(1), [C], { runEpochMs: 5000 })).outcome, "stale");
    assert.is(await rig.total(B), 1);
  },

  "the same peer id at another host or port is another lease and does not touch the first": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1, "10.0.0.1", 9000), [A]);
    await rig.announce(leaseKey(1, "10.0.0.2", 9000), [A], { runEpochMs: 9999 });
    await rig.announce(leaseKey(1, "10.0.0.1", 9001), [A], { runEpochMs: 1 });
    assert.is(await rig.total(A), 3);
    await rig.store.withdraw(leaseKey(1, "10.0.0.2", 9000), []);
    assert.is(await rig.total(A), 2);
  },

  "withdrawing ends what is named, or everything if nothing is": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A, B, C]);
    await rig.announce(leaseKey(2), [A]);
    await rig.store.withdraw(leaseKey(1), [A, contentId(99)]);
    assert.equal(await rig.peersOf(A), [peerId(2)]);
    assert.is(await rig.total(B), 1);
    await rig.store.withdraw(leaseKey(1), []);
    assert.is(await rig.total(B), 0);
    assert.is((await rig.store.size()).peers, 1);
    await rig.store.withdraw(leaseKey(1), []);
    await rig.store.withdraw(leaseKey(2), [A]);
    assert.equal({ ...NOTHING, ...(await rig.store.size()) }, NOTHING);
  },

  "a lease that was withdrawn and announced again lives its full time": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS - 1000);
    await rig.store.withdraw(leaseKey(1), []);
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS - 1);
    assert.is(await rig.total(A), 1);
  },

  "thousands of leases that end in the same second all end": async (make) => {
    const rig = make();
    for (let n = 0; n < 3000; n++) await rig.announce(leaseKey(n), [A, B]);
    assert.is((await rig.store.size()).leases, 6000);
    await rig.pass(TTL_MS + 1000);
    assert.is((await rig.store.size()).leases, 0);
  },

  "a long sleep of the machine ends every lease at once": async (make) => {
    const rig = make();
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(30 * 24 * 3600_000);
    assert.is((await rig.store.size()).peers, 0);
    await rig.announce(leaseKey(1), [A]);
    assert.is(await rig.total(A), 1);
  },
};

const home = leaseKey(1, "10.0.0.1");
const away = leaseKey(1, "192.168.7.7", 9001);

export const moveTests: StoreTests = {
  "a peer that moves takes its leases along, with the time they have": async (make) => {
    const rig = make();
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
  },

  "a move to where the peer has leases already joins them": async (make) => {
    const rig = make();
    await rig.announce(home, [A, B]);
    await rig.announce(away, [B, C]);
    await rig.announce(away, [C], { movedFrom: home });
    assert.equal([await rig.total(A), await rig.total(B), await rig.total(C)], [1, 1, 1]);
    assert.is((await rig.store.size()).peers, 1);
  },

  "a move that would give a peer more than its part ends what it has left behind": async (make) => {
    const rig = make({ maxLeasesPerPeer: 3 });
    await rig.announce(home, [A, B]);
    await rig.announce(away, [B, C]);
    await rig.announce(away, [C], { movedFrom: home });
    assert.is((await rig.store.size()).leases, 3, "as many as it may have");

    const many = make({ maxLeasesPerPeer: 2 });
    await many.announce(home, [A, B]);
    await many.announce(away, [B, C]);
    assert.is((await many.announce(away, [C], { movedFrom: home })).outcome, "held");
    assert.equal([await many.total(A), await many.total(B), await many.total(C)], [0, 1, 1]);
    assert.is((await many.store.size()).peers, 1);
    assert.is((await many.announce(away, [B, C])).outcome, "held");
  },

  "moving from where there is nothing is an ordinary announcement": async (make) => {
    const rig = make();
    assert.is((await rig.announce(away, [A], { movedFrom: home })).outcome, "held");
    assert.is((await rig.announce(away, [A], { movedFrom: away })).outcome, "held");
    assert.is(await rig.total(A), 1);
  },

  "an earlier run moves nothing": async (make) => {
    const rig = make();
    await rig.announce(home, [A], { runEpochMs: 5000 });
    assert.is((await rig.announce(away, [A], { movedFrom: home, runEpochMs: 4000 })).outcome, "stale");
    assert.equal(
      (await rig.sample(A)).peers.map(({ key }) => key.host),
      ["10.0.0.1"],
    );
  },

  "a full tracker lets a peer move": async (make) => {
    const rig = make({ maxPeers: 1, maxLeases: 1 });
    await rig.announce(home, [A]);
    assert.is((await rig.announce(away, [A], { movedFrom: home })).outcome, "held");
    assert.equal(
      (await rig.sample(A)).peers.map(({ key }) => key.host),
      ["192.168.7.7"],
    );
    assert.equal((await rig.store.size()).leases, 1);
  },

  "a root outlives the move of the only peer with a lease on it": async (make) => {
    const rig = make();
    await rig.announce(home, [A]);
    await rig.store.putManifest(A, Buffer.from("root"), HERE);
    await rig.announce(away, [A], { movedFrom: home });
    assert.is((await rig.store.size()).manifests, 1);
  },
};

export const boundTests: StoreTests = {
  "the bound on peers is exact: the next is refused, those that are there are kept": async (make) => {
    const rig = make({ maxPeers: 2 });
    assert.is((await rig.announce(leaseKey(1), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(3), [A])).outcome, "trackerFull");
    assert.equal(await rig.peersOf(A), [peerId(1), peerId(2)].sort());
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "held");
    await rig.store.withdraw(leaseKey(2), []);
    assert.is((await rig.announce(leaseKey(3), [A])).outcome, "held");
  },

  "the bound on leases is exact, and what does not fit whole is not taken in part": async (make) => {
    const rig = make({ maxLeases: 3 });
    await rig.announce(leaseKey(1), [A, B]);
    assert.is((await rig.announce(leaseKey(2), [A, B])).outcome, "trackerFull");
    assert.equal((await rig.store.size()).leases, 2);
    assert.is((await rig.store.size()).peers, 1);
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(1), [C])).outcome, "trackerFull");
  },

  "a refused announcement renews what the peer has": async (make) => {
    const rig = make({ maxLeases: 1 });
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS / 2);
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "trackerFull");
    await rig.pass(TTL_MS / 2 + 1000);
    assert.equal([await rig.total(A), await rig.total(B)], [1, 0]);
  },

  "one peer cannot take more than its part": async (make) => {
    const rig = make({ maxLeasesPerPeer: 2 });
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "held");
    assert.is((await rig.announce(leaseKey(1), [C])).outcome, "peerFull");
    assert.is((await rig.announce(leaseKey(2), [C])).outcome, "held");
  },

  "a peer that is refused more than its part renews what it has": async (make) => {
    const rig = make({ maxLeasesPerPeer: 1 });
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS / 2);
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "peerFull");
    await rig.pass(TTL_MS / 2 + 1000);
    assert.equal([await rig.total(A), await rig.total(B)], [1, 0]);
  },

  "one share cannot take more than its part; other shares of the same announcement are taken": async (
    make,
  ) => {
    const rig = make({ maxLeasesPerSwarm: 2 });
    assert.is((await rig.announce(leaseKey(1), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(3), [B, A, C])).outcome, "swarmFull");
    assert.equal(await rig.peersOf(A), [peerId(1), peerId(2)].sort());
    assert.equal([await rig.total(A), await rig.total(B), await rig.total(C)], [2, 1, 1]);
    assert.equal(await rig.complete(leaseKey(4), A, B), { outcome: "swarmFull", wantedManifests: [B] });
    assert.is((await rig.announce(leaseKey(1), [A, B])).outcome, "swarmFull", "B is full by now");
    assert.is((await rig.announce(leaseKey(1), [A])).outcome, "held");
    await rig.store.withdraw(leaseKey(2), []);
    assert.is((await rig.announce(leaseKey(3), [A])).outcome, "held");
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "swarmFull");
    assert.is((await rig.store.size()).peers, 3, "who holds nothing is no peer");
    await rig.pass(TTL_MS + 1000);
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "held");
  },

  "a share that is full lets its peers move": async (make) => {
    const rig = make({ maxLeasesPerSwarm: 1 });
    await rig.announce(home, [A]);
    assert.is((await rig.announce(away, [A], { movedFrom: home })).outcome, "held");
    assert.equal(
      (await rig.sample(A)).peers.map(({ key }) => key.host),
      ["192.168.7.7"],
    );
  },

  "what a full share has refused does not count against its peer": async (make) => {
    const rig = make({ maxLeasesPerSwarm: 1, maxLeasesPerPeer: 1 });
    await rig.announce(leaseKey(1), [A]);
    assert.is((await rig.announce(leaseKey(2), [A])).outcome, "swarmFull");
    assert.is((await rig.announce(leaseKey(2), [B])).outcome, "held");
  },

  "expired leases make room": async (make) => {
    const rig = make({ maxPeers: 1, maxLeases: 1 });
    await rig.announce(leaseKey(1), [A]);
    await rig.pass(TTL_MS + 1000);
    assert.is((await rig.announce(leaseKey(2), [B])).outcome, "held");
  },
};
