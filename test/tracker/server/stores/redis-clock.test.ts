// Whose clock ends a lease: that of the Redis server, never that of a tracker; and what a step of it does.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../../../src/core/clock.js";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import { RedisConnection } from "../../../../src/tracker/server/stores/redis-connection.js";
import { RedisStore } from "../../../../src/tracker/server/stores/redis-store.js";
import { killRedisServers, RedisServer, redisProblem } from "../../../support/redis-server.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { skipTest } from "../../../support/skip-test.js";
import { CountedRedisStore, eachServer } from "./redis-rig.js";
import { A, C, HERE, leaseKey, peerId, ROOMY, StoreRig, TTL_MS } from "./store-rig.js";

const DAY_MS = 24 * 3600_000;
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
  const clocked = () => new StoreRig((parts) => new CountedRedisStore(connection, server.spec, parts));

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
          sample?.peers.map(({ key }) => key.peerId),
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

  test("leases that have ended are cleared away by announcements of the same share", async () => {
    const rig = clocked();
    for (let n = 0; n < 300; n++) {
      await (n % 2 === 0 ? rig.complete(leaseKey(n), C) : rig.announce(leaseKey(n), [C]));
    }
    rig.clock.advance(TTL_MS);
    for (let round = 0; round < 400; round++) await rig.complete(leaseKey(1000), C);
    const [kept] = await rig.store.sample([{ contentId: C, max: 5 }], [], 50);
    assert.is(kept?.peers.length, 1);
    await eachServer(server.spec, async (redis) => {
      for (const key of await redis.keys(`*{${C}}*`)) {
        const left = key.endsWith(":swarm") ? await redis.zcard(key) : await redis.hlen(key);
        assert.ok(left <= 3, `${key} has ${left}`);
      }
    });
  });

  test("a small step back, as clocks are corrected by, changes nothing", async () => {
    const rig = clocked();
    await rig.complete(leaseKey(1), A);
    rig.clock.advance(-10_000);
    assert.equal(await rig.peersOf(A), [peerId(1)]);
    assert.ok(await rig.store.holdsLease(leaseKey(1), A));
  });
}

test.run();
