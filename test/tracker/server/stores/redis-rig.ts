// The store in Redis as its tests see it: its scripts read the clock of the test in place of the server's, and
// nothing else about them is changed; what is in Redis is counted key by key.
import { Cluster, Redis } from "ioredis";
import type { Clock } from "../../../../src/core/clock.js";
import type { StoreSize } from "../../../../src/tracker/server/store.js";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import type { RedisCalls } from "../../../../src/tracker/server/stores/redis-calls.js";
import {
  NOW_LUA,
  type RedisScript,
  redisScript,
} from "../../../../src/tracker/server/stores/redis-scripts.js";
import { RedisStore } from "../../../../src/tracker/server/stores/redis-store.js";
import type { StoreParts } from "./store-rig.js";

/** Calls whose scripts take their time from `clock`. Lives of keys still pass by the server's clock: leases in
 * tests end by their scores, keys that nobody writes to any more by themselves, later. */
export class ClockedCalls implements RedisCalls {
  readonly #calls: RedisCalls;
  readonly #clock: Clock;

  constructor(calls: RedisCalls, clock: Clock) {
    this.#calls = calls;
    this.#clock = clock;
  }

  get isCluster(): boolean {
    return this.#calls.isCluster;
  }

  run(script: RedisScript, keys: readonly string[], args: readonly (string | number | Uint8Array)[]) {
    if (!script.lua.startsWith(NOW_LUA)) throw new Error(`a script that begins otherwise: ${script.lua}`);
    const lua = `local now = ${Math.floor(this.#clock.nowMs())}\n${script.lua.slice(NOW_LUA.length)}`;
    return this.#calls.run(redisScript(lua), keys, args);
  }

  settle(key: string, bytes: Uint8Array): Promise<Uint8Array> {
    return this.#calls.settle(key, bytes);
  }

  async close(): Promise<void> {}
}

let stores = 0;

/** A store of its own among others in the same Redis. Its size is counted, not estimated. */
export class CountedRedisStore extends RedisStore {
  readonly #spec: string;
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor(calls: RedisCalls, spec: string, { limits, clock, random }: StoreParts) {
    const prefix = `test-${stores++}:`;
    super(new ClockedCalls(calls, clock), limits, clock, prefix, random);
    this.#spec = spec;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  override async size(): Promise<StoreSize> {
    return countRedis(this.#spec, this.#prefix, this.#clock.nowMs());
  }
}

const CLASS = 2 ** 42;

/** Live peers and leases, and roots of which there is one. */
async function countRedis(spec: string, prefix: string, nowMs: number): Promise<StoreSize> {
  const size = { peers: 0, leases: 0, manifests: 0, manifestBytes: 0 };
  await eachServer(spec, async (redis) => {
    for (const key of await redis.keys(`${prefix}*`)) {
      if (key.endsWith(":held")) {
        if ((await redis.zcount(key, `${nowMs + 1}`, "+inf")) > 0) size.peers += 1;
      } else if (key.endsWith(":swarm")) {
        const scores = (await redis.zrange(key, "0", "-1", "WITHSCORES")).filter(
          (_, index) => index % 2 === 1,
        );
        const live = scores.filter((score) => Number(score) % CLASS > nowMs).length;
        const root = live > 0 ? await redis.hgetBuffer(key.replace(/swarm$/, "records"), "root") : null;
        size.leases += live;
        if (root !== null) size.manifests += 1;
        size.manifestBytes += root?.length ?? 0;
      }
    }
  });
  return size;
}

/** Does something at every server that holds keys. */
export async function eachServer(spec: string, use: (redis: Redis) => Promise<void>): Promise<void> {
  const { servers, isCluster } = parseRedisAddress(spec);
  const places = servers.map(({ host, port }) => ({ host, port }));
  if (!isCluster) {
    const [place = {}] = places;
    const redis = new Redis(place);
    await use(redis).finally(() => redis.disconnect());
    return;
  }
  const cluster = new Cluster(places);
  await new Promise((resolve) => cluster.once("ready", resolve));
  try {
    for (const redis of cluster.nodes("master")) await use(redis);
  } finally {
    cluster.disconnect();
  }
}

const BY_MEMORY = "Redis bounds all of it together by its own memory (maxmemory), not by numbers";

/** What the contract asks of other stores, and what holds in Redis instead. */
export const REDIS_DIFFERENCES = {
  "the bound on peers is exact: the next is refused, those that are there are kept": BY_MEMORY,
  "the bound on leases is exact, and what does not fit whole is not taken in part": BY_MEMORY,
  "a refused announcement renews what the peer has": BY_MEMORY,
  "roots are bounded in number and bytes, and nobody is asked for what finds no room": BY_MEMORY,
};
