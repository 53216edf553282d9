// Whose clock ends a lease: that of the Redis server, never that of a tracker; and what a step of it does.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../../../src/core/clock.js";
import type { StoreLimits } from "../../../../src/tracker/server/store.js";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import { RedisConnection } from "../../../../src/tracker/server/stores/redis-connection.js";
import { RedisStore } from "../../../../src/tracker/server/stores/redis-store.js";
import { killRedisServers, RedisServer, redisProblem } from "../../../support/redis-server.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { skipTest } from "../../../support/skip-test.js";
import { CountedRedisStore, eachServer } from "./redis-rig.js";
import { A, B, C, contentId, HERE, leaseKey, peerId, ROOMY, StoreRig, TTL_MS } from "./store-rig.js";

const DAY_MS = 24 * 3600_000;
const DAYS_MS = 10 * DAY_MS;
const D = contentId(4);
const root = Buffer.from("root of A");

/** Runs `use` as if this machine's clock had been set by so much. */
async function withMachineClock(stepMs: number, use: () => Promise<void>): Promise<void> {
  const real = Date.now;
  Date.now = () => real() + stepMs;
  try {
    await use();
  } finally {
    Date.now = real;
  }
}

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("leases end by the clock of the Redis server", problem);
} else {
  const scratch = new ScratchFolder();
  const server = await RedisServer.start(scratch.path);
  const connection = await RedisConnection.open(parseRedisAddress(server.spec));
  test.after(async () => {
    await connection.close();
    killRedisServers();
    scratch.remove();
  });
  const clocked = (limits: Partial<StoreLimits> = {}) =>
    new StoreRig((parts) => new CountedRedisStore(connection, server.spec, parts), limits);

  for (const [how, stepMs] of [
    ["forward", DAY_MS],
    ["back", -DAY_MS],
  ] as const) {
    test(`a tracker's clock that is set ${how} by a day ends nothing early and keeps nothing longer`, async () => {
      const store = new RedisStore(connection, ROOMY, monotonicClock, `tracker-${how}:`);
      const shares = [{ contentId: A, chunksHeld: 1, complete: true }];
      const announce = (n: number, ttlMs: number) =>
        store.announce({ key: leaseKey(n), runEpochMs: 1, endpoints: [], shares, ttlMs });
      await announce(1, TTL_MS);
      await announce(2, 300);
      await withMachineClock(stepMs, async () => {
        assert.ok(await store.holdsLease(leaseKey(1), A));
        while (await store.holdsLease(leaseKey(2), A)) await new Promise(setImmediate);
        const [sample] = await store.sample([{ contentId: A, max: 5 }], [], 50);
        assert.equal(
          [...(sample?.peers ?? [])].map(({ key }) => key.peerId),
          [peerId(1)],
        );
        await announce(3, TTL_MS);
        await announce(1, TTL_MS);
      });
      const [sample] = await store.sample([{ contentId: A, max: 5 }], [], 50);
      assert.equal(sample?.counts, { completePeers: 2, partialPeers: 0 });
      for (const key of server.command("keys", `tracker-${how}:*`).split("\n")) {
        assert.ok(Number(server.command("pttl", key)) <= TTL_MS);
      }
    });
  }

  test("the server's clock set forward ends every lease, and the next announcement makes it again", async () => {
    const rig = clocked();
    await rig.complete(leaseKey(1), A);
    await rig.store.putManifest(A, root, HERE);
    rig.clock.advance(DAY_MS);
    assert.is(await rig.total(A), 0);
    assert.is(await rig.store.manifest(A), undefined);
    await rig.complete(leaseKey(1), A);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
  });

  test("the server's clock set back: what was written before counts no longer, what is renewed does", async () => {
    const rig = clocked();
    for (const n of [1, 2]) await rig.complete(leaseKey(n), A);
    await rig.store.putManifest(A, root, HERE);
    rig.clock.advance(-DAY_MS);
    assert.is(await rig.total(A), 0);
    assert.equal(await rig.peersOf(A), []);
    assert.is(await rig.store.manifest(A), undefined);
    await rig.complete(leaseKey(1), A);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
    assert.is(await rig.total(A), 1);
    assert.equal(await rig.store.manifest(A), root);
    await rig.pass(TTL_MS);
    assert.is(await rig.total(A), 0);
  });

  test("the server's clock set back: roots are asked for again, whoever was asked before", async () => {
    const rig = clocked();
    rig.clock.advance(DAYS_MS);
    for (const n of [1, 2]) assert.equal((await rig.complete(leaseKey(n), A)).wantedManifests, [A]);
    assert.equal((await rig.complete(leaseKey(3), A)).wantedManifests, []);
    rig.clock.advance(-DAY_MS);
    assert.equal((await rig.complete(leaseKey(3), A)).wantedManifests, [A]);
  });

  test("the server's clock set back: what a peer held before is no part of what it holds", async () => {
    const rig = clocked({ maxLeasesPerPeer: 1 });
    rig.clock.advance(DAYS_MS);
    await rig.announce(leaseKey(1), [A]);
    rig.clock.advance(-DAY_MS);
    assert.is((await rig.announce(leaseKey(1), [B])).outcome, "held");
    const movedFrom = leaseKey(1);
    assert.is((await rig.announce(leaseKey(1, "10.0.0.2"), [B], { movedFrom })).outcome, "held");
    assert.equal([await rig.total(A), await rig.total(B)], [0, 1]);
  });

  test("the server's clock set back: a key lives no longer than what is in it", async () => {
    const rig = clocked();
    const renew = () => rig.complete(leaseKey(77), D);
    await renew();
    // What a key's end is after the clock was set back.
    const keys = server.command("keys", `*{${D}}*`).split("\n");
    for (const key of keys) server.command("pexpire", key, String(DAY_MS));
    await renew();
    assert.is(keys.length, 2);
    for (const key of keys) assert.ok(Number(server.command("pttl", key)) <= TTL_MS);
  });

  for (const [how, stepMs] of [
    ["have ended", TTL_MS],
    ["were made before the server's clock was set back", -DAY_MS],
  ] as const) {
    test(`leases that ${how} are cleared away by announcements of the same share`, async () => {
      const rig = clocked();
      rig.clock.advance(DAYS_MS);
      for (let n = 0; n < 300; n++) {
        await (n % 2 === 0 ? rig.complete(leaseKey(n), C) : rig.announce(leaseKey(n), [C]));
      }
      rig.clock.advance(stepMs);
      for (let round = 0; round < 400; round++) await rig.complete(leaseKey(1000), C);
      const [kept] = await rig.store.sample([{ contentId: C, max: 5 }], [], 50);
      assert.is(kept?.peers.length, 1);
      await eachServer(server.spec, async (redis) => {
        for (const key of await redis.keys(`*{${C}}*`)) {
          const left = key.endsWith(":swarm") ? await redis.zcard(key) : await redis.hlen(key);
          assert.ok(left <= 3, `${key} has ${left}`);
        }
      });
      server.command("flushall");
    });
  }

  test("a small step back, as clocks are corrected by, changes nothing", async () => {
    const rig = clocked();
    await rig.complete(leaseKey(1), A);
    rig.clock.advance(-10_000);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
    assert.ok(await rig.store.holdsLease(leaseKey(1), A));
  });
}

test.run();
