// Samples from Redis in swarms of two kinds, and of many.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PeerId } from "../../../../src/core/ids.js";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import { RedisConnection } from "../../../../src/tracker/server/stores/redis-connection.js";
import { killRedisServers, RedisServer, redisProblem } from "../../../support/redis-server.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { skipTest } from "../../../support/skip-test.js";
import { CountedRedisStore } from "./redis-rig.js";
import { A, leaseKey, peerId, StoreRig } from "./store-rig.js";

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("samples from Redis are mixed", problem);
} else {
  const scratch = new ScratchFolder();
  const server = await RedisServer.start(scratch.path);
  const connection = await RedisConnection.open(parseRedisAddress(server.spec));
  test.after(async () => {
    await connection.close();
    killRedisServers();
    scratch.remove();
  });
  const rigOf = async (complete: number, partial: number): Promise<StoreRig> => {
    const rig = new StoreRig((parts) => new CountedRedisStore(connection, server.spec, parts));
    await Promise.all(Array.from({ length: complete }, (_, n) => rig.complete(leaseKey(n), A)));
    await Promise.all(Array.from({ length: partial }, (_, n) => rig.announce(leaseKey(complete + n), [A])));
    return rig;
  };

  for (const [complete, partial, least, most] of [
    [1, 500, 1, 1],
    [20, 500, 6, 6],
    [500, 20, 18, 18],
    [250, 250, 12, 12],
    [500, 2, 22, 22],
    [3, 4, 3, 3],
    [500, 0, 24, 24],
    [200, 100, 15, 17],
  ] as const) {
    test(`of ${complete} complete and ${partial} partial peers, 24 are mixed`, async () => {
      const rig = await rigOf(complete, partial);
      const excluded = [peerId(0), peerId(complete + partial - 1)];
      for (let round = 0; round < 40; round++) {
        const { peers, counts } = await rig.sample(A, 24, round % 2 === 0 ? [] : [peerId(99_999)]);
        const whole = peers.filter((peer) => peer.complete).length;
        assert.is(peers.length, Math.min(24, complete + partial));
        assert.is(new Set(peers.map(({ key }) => key.peerId)).size, peers.length);
        assert.ok(whole >= least && whole <= most, `${whole} of ${peers.length} complete`);
        assert.equal(counts, { completePeers: complete, partialPeers: partial });
        const others = (await rig.sample(A, 24, excluded)).peers.map(({ key }) => key.peerId);
        assert.not(others.some((id) => excluded.includes(id)));
        assert.is(others.length, Math.min(24, complete + partial - new Set(excluded).size));
      }
    });
  }

  test("in a swarm too large for Redis to pack it, every peer of one kind is equally likely", async () => {
    const [peers, draws, wanted] = [400, 3000, 24];
    const rig = await rigOf(peers, 0);
    const drawn = new Map<PeerId, number>();
    for (let i = 0; i < draws; i++) {
      for (const { key } of (await rig.sample(A, wanted, [peerId(0)])).peers) {
        drawn.set(key.peerId, (drawn.get(key.peerId) ?? 0) + 1);
      }
    }
    const expected = (draws * wanted) / (peers - 1);
    assert.is(drawn.size, peers - 1);
    for (const count of drawn.values()) {
      assert.ok(Math.abs(count - expected) < 5 * Math.sqrt(expected), `${count} draws, ${expected} expected`);
    }
  });
}

test.run();
