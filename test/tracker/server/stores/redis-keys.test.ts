// In which slot of a cluster each call's keys are, and that no key outlives what it is for.
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../../../src/core/clock.js";
import type { TrackerStore } from "../../../../src/tracker/server/store.js";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import type { RedisCalls } from "../../../../src/tracker/server/stores/redis-calls.js";
import { RedisConnection } from "../../../../src/tracker/server/stores/redis-connection.js";
import type { RedisScript } from "../../../../src/tracker/server/stores/redis-scripts.js";
import { RedisStore } from "../../../../src/tracker/server/stores/redis-store.js";
import { killRedisServers, RedisServer, redisProblem } from "../../../support/redis-server.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { skipTest } from "../../../support/skip-test.js";
import { until } from "../../../support/until.js";
import { eachServer } from "./redis-rig.js";
import { contentId, leaseKey, ROOMY, TTL_MS } from "./store-rig.js";

/** CRC-16/XMODEM by a table, as in the cluster specification's appendix. */
const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) !== 0 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  return crc;
});

function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  const hashed = open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0);
  return crc % 16_384;
}

/** Notes the keys of each call, and answers what scripts answer where nothing is there. */
class NotedCalls implements RedisCalls {
  readonly isCluster = true;
  readonly calls: (readonly string[])[] = [];

  async run(script: RedisScript, keys: readonly string[]): Promise<unknown> {
    this.calls.push(keys);
    if (script.lua.includes("'held'")) return Buffer.from("held");
    if (script.lua.includes("randomseed"))
      return keys.filter((_, at) => at % 2 === 0).map(() => [1, 0, 0, 0]);
    if (script.lua.includes("WITHSCORES"))
      return [Buffer.alloc(32, 7), Buffer.from("5"), Buffer.alloc(32, 8), Buffer.from("6")];
    return script.lua.includes("return wanted") ? [] : 0;
  }

  async settle(key: string, bytes: Uint8Array): Promise<Uint8Array> {
    this.calls.push([key]);
    return bytes;
  }

  async close(): Promise<void> {}
}

/** Everything a store can be asked, about these shares. */
async function askEverything(store: TrackerStore, numbers: readonly number[]): Promise<void> {
  const contentIds = numbers.map(contentId);
  const shares = contentIds.map((id) => ({ contentId: id, chunksHeld: 1, complete: true }));
  const update = { key: leaseKey(1), runEpochMs: 1, endpoints: [], shares, ttlMs: TTL_MS };
  await store.announce(update);
  await store.announce({ ...update, key: leaseKey(1, "10.9.9.9"), movedFrom: leaseKey(1) });
  await store.sample(
    contentIds.map((id) => ({ contentId: id, max: 5 })),
    [],
    2000,
  );
  for (const id of contentIds.slice(0, 3)) {
    await store.holdsLease(leaseKey(1), id);
    await store.putManifest(id, Buffer.from("root"), "10.0.0.1");
    await store.manifest(id);
  }
  await store.withdraw(leaseKey(1), contentIds.slice(0, 1));
  await store.withdraw(leaseKey(1, "10.9.9.9"), []);
  await store.secret();
  await store.check?.();
}

test("every call touches keys of one slot only, and names each of them once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 300 }), async (numbers) => {
      const redis = new NotedCalls();
      await askEverything(new RedisStore(redis, ROOMY, monotonicClock), numbers);
      assert.ok(redis.calls.length > 5);
      for (const keys of redis.calls) {
        assert.is(new Set(keys.map(slotOf)).size, 1, keys.join(" "));
        assert.is(new Set(keys).size, keys.length);
      }
    }),
    { numRuns: 20 },
  );
});

test("without a cluster a thousand shares are a few calls, none of them long", async () => {
  const redis = Object.assign(new NotedCalls(), { isCluster: false });
  await askEverything(
    new RedisStore(redis, ROOMY, monotonicClock),
    Array.from({ length: 1000 }, (_, n) => n),
  );
  assert.ok(redis.calls.length < 60, `${redis.calls.length} calls`);
  for (const keys of redis.calls) assert.ok(keys.length <= 200);
});

test("a tracker that keeps no roots asks for none and takes none", async () => {
  const redis = new NotedCalls();
  const store = new RedisStore(redis, { ...ROOMY, maxManifests: 0 }, monotonicClock);
  assert.not(await store.putManifest(contentId(1), Buffer.from("root")));
  assert.equal(redis.calls, []);
  const small = new RedisStore(redis, { ...ROOMY, maxManifestBytesTotal: 3 }, monotonicClock);
  assert.not(await small.putManifest(contentId(1), Buffer.from("root")));
  assert.equal(redis.calls, []);
});

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("what Redis does with keys", problem);
} else {
  const scratch = new ScratchFolder();
  // One server that has every slot of a cluster, and so sees every key of every call.
  const server = await RedisServer.start(scratch.path, [
    "--cluster-enabled",
    "yes",
    "--cluster-announce-ip",
    "127.0.0.1",
  ]);
  server.command("cluster", "addslotsrange", "0", "16383");
  const spec = server.spec.replace("redis://", "redis-cluster://");
  await until(() => server.command("cluster", "info").includes("cluster_state:ok"));
  const connection = await RedisConnection.open(parseRedisAddress(spec));
  test.after(async () => {
    await connection.close();
    killRedisServers();
    scratch.remove();
  });

  test("scripts touch no key that their call does not name, as Redis itself sees it", async () => {
    await eachServer(server.spec, async (redis) => {
      const monitor = await redis.monitor();
      let isOver = false;
      const calls: { readonly named: readonly string[]; readonly touched: Set<string> }[] = [];
      monitor.on("monitor", (_time: string, args: string[], source: string) => {
        const [name = "", , keyCount = "0", ...rest] = args;
        if (args[1] === "the last") isOver = true;
        if (/^eval/i.test(name)) calls.push({ named: rest.slice(0, Number(keyCount)), touched: new Set() });
        else if (source === "lua" && name !== "TIME") calls.at(-1)?.touched.add(args[1] ?? "");
      });
      const store = new RedisStore(connection, ROOMY, monotonicClock, "seen:");
      await askEverything(
        store,
        Array.from({ length: 50 }, (_, n) => n),
      );
      await redis.ping("the last");
      await until(() => isOver);
      monitor.disconnect();
      // A script that Redis did not know yet is sent again.
      const ran = calls.filter(({ touched }) => touched.size > 0);
      assert.ok(ran.length > 100, `${ran.length} calls`);
      for (const { named, touched } of ran) {
        assert.is(new Set([...touched].map(slotOf)).size, 1);
        for (const key of touched) assert.ok(named.includes(key), key);
      }
    });
  });

  test("every key but the secret ends by itself, and not before its longest lease", async () => {
    const store = new RedisStore(connection, ROOMY, monotonicClock, "ends:");
    const share = { contentId: contentId(1), chunksHeld: 1, complete: true };
    const update = { runEpochMs: 1, endpoints: [], shares: [share] };
    await store.secret();
    await store.announce({ ...update, key: leaseKey(1), ttlMs: 600_000 });
    await store.putManifest(share.contentId, Buffer.from("root"));
    await store.announce({ ...update, key: leaseKey(1), ttlMs: 60_000 });
    await store.announce({ ...update, key: leaseKey(2), ttlMs: 60_000 });
    const lives = new Map<string, number>();
    await eachServer(server.spec, async (redis) => {
      for (const key of await redis.keys("ends:*"))
        lives.set(key.replace(/.*[:}]/, ""), await redis.pttl(key));
    });
    assert.equal([...lives.keys()].sort(), ["held", "records", "secret", "swarm"]);
    assert.is(lives.get("secret"), -1);
    for (const kind of ["swarm", "records"]) {
      const lifeMs = lives.get(kind) ?? 0;
      assert.ok(lifeMs > 590_000 && lifeMs <= 600_000, `${kind} lives ${lifeMs} ms`);
    }
  });

  test("when leases end by the server's clock their keys are gone, and roots with them", async () => {
    const store = new RedisStore(connection, ROOMY, monotonicClock, "short:");
    const share = { contentId: contentId(1), chunksHeld: 1, complete: true };
    await store.announce({ key: leaseKey(1), runEpochMs: 1, endpoints: [], shares: [share], ttlMs: 150 });
    assert.ok(await store.putManifest(share.contentId, Buffer.from("root")));
    assert.ok(await store.holdsLease(leaseKey(1), share.contentId));
    await until(() => server.command("keys", "short:*") === "");
    assert.not(await store.holdsLease(leaseKey(1), share.contentId));
    assert.is(await store.manifest(share.contentId), undefined);
  });

  test("who has lost a lease to a full share, its key being evicted, does not hold it any more", async () => {
    const limits = { ...ROOMY, maxLeasesPerSwarm: 1, maxLeasesPerPeer: 1 };
    const store = new RedisStore(connection, limits, monotonicClock, "lost:");
    const announce = async (n: number, ...numbers: readonly number[]) => {
      const shares = numbers.map((number) => ({
        contentId: contentId(number),
        chunksHeld: 1,
        complete: false,
      }));
      const update = { key: leaseKey(n), runEpochMs: 1, endpoints: [], shares, ttlMs: TTL_MS };
      return (await store.announce(update)).outcome;
    };
    assert.is(await announce(1, 1), "held");
    server.command("del", `lost:{${contentId(1)}}:swarm`);
    assert.is(await announce(2, 1), "held");
    assert.is(await announce(1, 1, 2), "peerFull");
    assert.is(await announce(1, 2), "held");
  });

  test("an evicted key takes nothing with it that would stay for ever", async () => {
    const store = new RedisStore(connection, ROOMY, monotonicClock, "evicted:");
    const share = { contentId: contentId(1), chunksHeld: 1, complete: true };
    const announce = (n: number) =>
      store.announce({ key: leaseKey(n), runEpochMs: 1, endpoints: [], shares: [share], ttlMs: TTL_MS });
    for (let n = 0; n < 5; n++) await announce(n);
    const key = (kind: string) => `evicted:{${share.contentId}}:${kind}`;
    server.command("del", key("swarm"));
    await announce(9);
    assert.is(server.command("hlen", key("records")), "2");
    server.command("del", key("records"));
    assert.ok(await store.putManifest(share.contentId, Buffer.from("root")));
    assert.ok(Number(server.command("pttl", key("records"))) > 0);
    const [sample] = await store.sample([{ contentId: share.contentId, max: 5 }], [], 50);
    assert.is(sample?.peers.length, 0);
    assert.equal(sample?.counts, { completePeers: 1, partialPeers: 0 });
  });
}

test.run();
