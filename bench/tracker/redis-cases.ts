// What is measured of trackers that use a Redis; nothing if none is installed.
import { RedisServer, redisProblem } from "../../test/support/redis-server.js";
import type { BenchCase } from "../bench-case.js";
import { RedisPeersCase } from "./redis-peers-case.js";
import { RedisStoreCase } from "./redis-store-case.js";
import type { StoreKind } from "./tracker-case.js";

const problem = redisProblem();

export function redisCases(isQuick: boolean): readonly BenchCase[] {
  if (problem !== undefined) {
    process.stderr.write(`no figures of trackers over Redis: ${problem}\n`);
    return [];
  }
  return isQuick
    ? [new RedisStoreCase(2_000, 500)]
    : [new RedisStoreCase(100_000, 20_000), new RedisPeersCase(5_000)];
}

/** A Redis for each tracker that is measured. */
export function redisStores(): readonly StoreKind[] {
  if (problem !== undefined) return [];
  let server: RedisServer | undefined;
  const argumentsIn = async (folder: string) => {
    server = await RedisServer.start(folder);
    return ["--store", server.spec];
  };
  const end = async () => {
    await server?.kill();
    server = undefined;
  };
  return [{ name: "redis", argumentsIn, end }];
}
