import { test } from "uvu";
import * as assert from "uvu/assert";
import { monotonicClock } from "../../../../src/core/clock.js";
import { GoshareError } from "../../../../src/core/errors.js";
import { openRedisStore } from "../../../../src/tracker/server/stores/open-redis-store.js";
import { parseRedisAddress } from "../../../../src/tracker/server/stores/redis-address.js";
import { ROOMY } from "./store-rig.js";

const tcp = (host: string, port: number) => ({ host, port, transport: "tcp" });

test("an address names a server, its database and who asks", () => {
  assert.equal(parseRedisAddress("redis://redis.example"), {
    ...{ servers: [tcp("redis.example", 6379)], isCluster: false, tls: false, database: 0 },
    ...{ username: undefined, password: undefined, name: "redis://redis.example:6379" },
  });
  assert.equal(parseRedisAddress("rediss://ann:p%40ss:w@[2001:db8::1]:7000/3"), {
    ...{ servers: [tcp("2001:db8::1", 7000)], isCluster: false, tls: true, database: 3 },
    ...{ username: "ann", password: "p@ss:w", name: "rediss://[2001:db8::1]:7000" },
  });
  assert.is(parseRedisAddress("redis://:secret@10.0.0.1").password, "secret");
});

test("a cluster is named by some of its servers", () => {
  const { servers, isCluster, tls } = parseRedisAddress("rediss-cluster://10.0.0.1:7000,10.0.0.2");
  assert.equal(servers, [tcp("10.0.0.1", 7000), tcp("10.0.0.2", 6379)]);
  assert.ok(isCluster && tls);
});

test("what is no address is USAGE and repeats no password", async () => {
  for (const spec of [
    "redis://",
    "redis://:secret@/0",
    "redis://:secret@host:70000",
    "redis://:secret@one,two",
    "redis://:secret@host/name",
    "redis://:%zz@host",
    "redis-cluster://:secret@host/1",
    "redis:secret",
  ]) {
    const error = await openRedisStore(spec, ROOMY, monotonicClock).catch((thrown: unknown) => thrown);
    if (!(error instanceof GoshareError)) throw new Error(`${spec} was taken`);
    assert.is(error.code, "USAGE", spec);
    assert.not(`${error.message} ${error.hint}`.includes("secret"));
  }
});

test("where nobody answers is STORE_UNAVAILABLE and names the address without its password", async () => {
  const spec = "redis://:secret@127.0.0.1:1";
  const error = await openRedisStore(spec, ROOMY, monotonicClock).catch((thrown: unknown) => thrown);
  if (!(error instanceof GoshareError)) throw new Error("somebody answered");
  assert.is(error.code, "STORE_UNAVAILABLE");
  assert.match(error.message, "redis://127.0.0.1:1 does not answer: connect ECONNREFUSED");
  assert.not(error.message.includes("secret"));
});

test.run();
