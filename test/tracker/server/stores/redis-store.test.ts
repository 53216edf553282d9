import { test } from "uvu";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import { RedisConnection } from "../../../../src/tracker/server/stores/redis-connection.js";
import { killRedisServers, RedisServer, redisProblem } from "../../../support/redis-server.js";
import { ScratchFolder } from "../../../support/scratch-folder.js";
import { skipTest } from "../../../support/skip-test.js";
import { CountedRedisStore, REDIS_DIFFERENCES } from "./redis-rig.js";
import { storeContract } from "./store-contract.js";

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("the store in Redis does what every store must", problem);
  test.run();
} else {
  const scratch = new ScratchFolder();
  process.once("exit", () => scratch.remove());
  const server = await RedisServer.start(scratch.path);
  const connection = await RedisConnection.open(parseRedisAddress(server.spec));
  storeContract(
    "store in Redis",
    (parts) => new CountedRedisStore(connection, server.spec, parts),
    REDIS_DIFFERENCES,
    async () => {
      await connection.close();
      killRedisServers();
    },
  );
}
