// What is measured of trackers over a Redis; nothing where none is installed.
import { redisProblem } from "../../test/support/redis-server.js";
import type { BenchCase } from "../bench-case.js";
import { RedisPeersCase } from "./redis-peers-case.js";
import { RedisStoreCase } from "./redis-store-case.js";

export function redisCases(isQuick: boolean): readonly BenchCase[] {
  const problem = redisProblem();
  if (problem !== undefined) {
    process.stderr.write(`no figures of trackers over Redis: ${problem}\n`);
    return [];
  }
  return isQuick
    ? [new RedisStoreCase(2_000, 500)]
    : [new RedisStoreCase(100_000, 20_000), new RedisPeersCase(5_000)];
}
