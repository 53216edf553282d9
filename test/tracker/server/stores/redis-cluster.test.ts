import { test } from "uvu";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import { RedisConnection } from "../../../../src/tracker/server/stores/redis-connection.js";
import { killRedisServers, RedisCluster, redisProblem } from "../../../support/redis-server.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { skipTest } from "../../../support/skip-test.js";
import { CountedRedisStore, REDIS_DIFFERENCES } from "./redis-rig.js";
import { storeContract } from "./store-contract.js";

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("the store in a Redis cluster of three masters does what every store must", problem);
  test.run();
} else {
  const scratch = new ScratchFolder();
  process.once("exit", () => scratch.remove());
  const cluster = await RedisCluster.start(scratch.path);
  const connection = await RedisConnection.open(parseRedisAddress(cluster.spec));
  storeContract(
    "store in a Redis cluster of three masters",
    (parts) => new CountedRedisStore(connection, cluster.spec, parts),
    REDIS_DIFFERENCES,
    async () => {
      await connection.close();
      killRedisServers();
    },
  );
}
