// A Redis that dies, hangs, forgets its scripts or everything: what callers see, and that all comes back.
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../../../src/core/clock.js";
import { GoshareError } from "../../../../src/core/errors.js";
import { openRedisStore } from "../../../../src/tracker/server/stores/open-redis-store.js";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import { RedisConnection } from "../../../../src/tracker/server/stores/redis-connection.js";
import { RedisStore } from "../../../../src/tracker/server/stores/redis-store.js";
import { killRedisServers, RedisCluster, RedisServer, redisProblem } from "../../../support/redis-server.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { skipTest } from "../../../support/skip-test.js";
import { contentId, leaseKey, ROOMY, TTL_MS } from "./store-rig.js";

const scratch = new ScratchFolder();
const open: RedisStore[] = [];

/** No caller waits longer, whatever Redis does. */
const PROMPT_MS = 15_000;

async function openStore(spec: string): Promise<RedisStore> {
  const connection = await RedisConnection.open(parseRedisAddress(spec));
  const store = new RedisStore(connection, ROOMY, monotonicClock);
  open.push(store);
  return store;
}

const share = (n: number) => ({ contentId: contentId(n), chunksHeld: 1, complete: true });

function announce(store: RedisStore, peer: number, ...numbers: readonly number[]) {
  const shares = numbers.map(share);
  return store.announce({ key: leaseKey(peer), runEpochMs: 1, endpoints: [], shares, ttlMs: TTL_MS });
}

async function total(store: RedisStore, n: number): Promise<number> {
  const [sample] = await store.sample([{ contentId: contentId(n), max: 0 }], [], 50);
  return sample?.counts.completePeers ?? 0;
}

/** The error of a call that must fail, and fail soon. */
async function refused(call: Promise<unknown>): Promise<GoshareError> {
  const startMs = performance.now();
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const elapsedMs = performance.now() - startMs;
  assert.ok(elapsedMs < PROMPT_MS, `refused after ${elapsedMs} ms`);
  if (error instanceof GoshareError) return error;
  throw new Error("the call was not refused as it should be", { cause: error });
}

/** Asks until the store answers. */
async function back(store: RedisStore): Promise<void> {
  for (;;) {
    const problem = await store.check().catch((error: unknown) => error);
    if (problem === undefined) return;
    assert.is(problem instanceof GoshareError && problem.code, "STORE_UNAVAILABLE");
    await new Promise(setImmediate);
  }
}

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("a Redis that is away is told from one that answers", problem);
} else {
  test.after(async () => {
    for (const store of open) await store.close();
    killRedisServers();
    scratch.remove();
  });

  test("calls are refused at once while Redis is dead, and answered when it is back", async () => {
    const server = await RedisServer.start(scratch.folder());
    const store = await openStore(server.spec);
    await announce(store, 1, 1);
    await server.kill();
    assert.is((await refused(announce(store, 1, 1))).code, "STORE_UNAVAILABLE");
    for (const call of [
      () => announce(store, 1, 1),
      () => total(store, 1),
      () => store.withdraw(leaseKey(1), []),
      () => store.manifest(contentId(1)),
      () => store.check(),
    ]) {
      const startMs = performance.now();
      assert.is((await refused(call())).code, "STORE_UNAVAILABLE");
      assert.ok(performance.now() - startMs < 3000);
    }
    await server.restart();
    await back(store);
    assert.is(await total(store, 1), 0);
    assert.is((await announce(store, 1, 1)).outcome, "held");
    assert.is(await total(store, 1), 1);
  });

  test("what was said before a kill -9 is there again where Redis writes a log", async () => {
    const server = await RedisServer.start(scratch.folder(), [
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
    ]);
    const store = await openStore(server.spec);
    for (let n = 0; n < 20; n++) await announce(store, n, 1, 2);
    await server.kill();
    await server.restart();
    await back(store);
    assert.equal([await total(store, 1), await total(store, 2)], [20, 20]);
  });

  test("while Redis hangs, callers wait for a bounded time and what waits is bounded", async () => {
    const server = await RedisServer.start(scratch.folder());
    const store = await openStore(server.spec);
    await announce(store, 1, 1);
    server.freeze();
    const many = Array.from({ length: 100 }, (_, n) => n);
    const calls = Array.from({ length: 3000 }, (_, n) => refused(announce(store, n, ...many)));
    const errors = await Promise.all(calls);
    assert.ok(errors.every(({ code }) => code === "STORE_UNAVAILABLE"));
    assert.is((await refused(store.check())).code, "STORE_UNAVAILABLE");
    server.thaw();
    await back(store);
    assert.is(await total(store, 1), 1);
  });

  test("scripts that Redis has forgotten are sent again, however many calls are on their way", async () => {
    const server = await RedisServer.start(scratch.folder());
    const store = await openStore(server.spec);
    await announce(store, 1, 1);
    server.command("script", "flush");
    await Promise.all(Array.from({ length: 200 }, (_, n) => announce(store, n, 1, 2)));
    assert.equal([await total(store, 1), await total(store, 2)], [200, 200]);
  });

  test("after a flush the secret is what it was, also for trackers that start later", async () => {
    const server = await RedisServer.start(scratch.folder());
    const store = await openStore(server.spec);
    const secret = Buffer.from(await store.secret());
    assert.is(secret.length, 32);
    server.command("flushall");
    await store.check();
    assert.ok(secret.equals(await (await openStore(server.spec)).secret()));
  });

  test("a Redis without memory refuses what is new as a full tracker does, and keeps on reading", async () => {
    const server = await RedisServer.start(scratch.folder());
    const store = await openStore(server.spec);
    await announce(store, 1, 1);
    await store.secret();
    server.command("config", "set", "maxmemory", "1mb");
    assert.is((await announce(store, 2, 1)).outcome, "trackerFull");
    assert.not(await store.putManifest(contentId(1), Buffer.from("root")));
    assert.is(await total(store, 1), 1);
    await store.check();
    await store.withdraw(leaseKey(1), []);
    assert.is(await total(store, 1), 0);
    server.command("config", "set", "maxmemory", "0");
    assert.is((await announce(store, 2, 1)).outcome, "held");
  });

  test("a wrong password is said at once, a right one opens", async () => {
    const server = await RedisServer.start(scratch.folder(), ["--requirepass", "right"]);
    const place = `127.0.0.1:${server.port}`;
    for (const user of ["", ":wrong@"]) {
      const startMs = performance.now();
      assert.match((await refused(openStore(`redis://${user}${place}`))).message, /NOAUTH|WRONGPASS/);
      assert.ok(performance.now() - startMs < 3000);
    }
    assert.is((await announce(await openStore(`redis://:right@${place}`), 1, 1)).outcome, "held");
  });

  test("what was sent, a password too, is no part of any error", async () => {
    const protectedServer = await RedisServer.start(scratch.folder(), ["--requirepass", "right"]);
    const wrong = await refused(openStore(`redis://:hunter2@127.0.0.1:${protectedServer.port}`));
    assert.not.match(inspect(wrong, { depth: 20 }), /hunter2|args/);
    const server = await RedisServer.start(scratch.folder());
    const store = await openStore(server.spec);
    server.command("set", `goshare:{${contentId(1)}}:swarm`, "no sorted set");
    const thrown = await announce(store, 1, 1).catch((error: unknown) => error);
    assert.match(String(thrown), /WRONGTYPE/);
    assert.not.match(inspect(thrown, { depth: 20 }), /Buffer|args/);
  });

  test("a user without the right to run scripts, and what would fail later, is said at the start", async () => {
    const server = await RedisServer.start(scratch.folder());
    const rights = ["on", ">right", "~other:*", "+@all"];
    server.command("acl", "setuser", "ann", ...rights);
    const spec = `redis://ann:right@127.0.0.1:${server.port}`;
    const { code, message, hint } = await refused(openRedisStore(spec, ROOMY, monotonicClock));
    assert.is(code, "STORE_UNAVAILABLE");
    assert.match(message, /cannot be used: NOPERM/);
    assert.match(hint, "7.0");
  });

  test("one master of a cluster dies: shares of the others are served, and all again when it is back", async () => {
    const cluster = await RedisCluster.start(scratch.folder());
    const store = await openStore(cluster.spec);
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    for (const n of numbers) await announce(store, n, n);
    const [victim] = cluster.servers;
    // Slots are to be served although others are not: as one configures a cluster for this.
    for (const server of cluster.servers)
      server.command("config", "set", "cluster-require-full-coverage", "no");
    await victim?.kill();
    const answers = await Promise.all(
      numbers.map((n) => total(store, n).catch((error: unknown) => GoshareError.from(error).code)),
    );
    const served = answers.filter((answer) => answer === 1).length;
    assert.ok(served >= 10 && served < 30, `${served} of 30 served`);
    assert.is(answers.filter((answer) => answer === "STORE_UNAVAILABLE").length, 30 - served);
    await victim?.restart();
    for (const n of numbers) {
      while ((await announce(store, n, n).catch(() => undefined)) === undefined)
        await new Promise(setImmediate);
      assert.is(await total(store, n), 1);
    }
  });

  test("a whole cluster that dies is refused within a bounded time and comes back", async () => {
    const cluster = await RedisCluster.start(scratch.folder());
    const store = await openStore(cluster.spec);
    await announce(store, 1, 1, 2, 3, 4, 5, 6);
    for (const server of cluster.servers) await server.kill();
    assert.is((await refused(announce(store, 1, 1, 2, 3, 4, 5, 6))).code, "STORE_UNAVAILABLE");
    assert.is((await refused(total(store, 1))).code, "STORE_UNAVAILABLE");
    for (const server of cluster.servers) await server.restart();
    while ((await announce(store, 1, 1, 2, 3, 4, 5, 6).catch(() => undefined)) === undefined)
      await new Promise(setImmediate);
    await back(store);
    assert.is(await total(store, 6), 1);
  });
}

test.run();
