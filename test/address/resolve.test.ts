import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../src/address/endpoint.js";
import { defaultResolveLimits, eachDialable, type LookUp } from "../../src/address/resolve.js";

const STRANGER = "203.0.113.7";
const at = (host: string, port = 9000): Endpoint => ({ host, port, transport: "tcp" });

/** What may be dialled of `machines`, in the order it was found. */
async function dialable(
  machines: readonly (readonly Endpoint[])[],
  lookUp: LookUp,
  limits = {},
  proposedBy = STRANGER,
): Promise<readonly (readonly string[])[]> {
  const found: (readonly string[])[] = [];
  await eachDialable(
    machines.map((endpoints) => ({ endpoints })),
    proposedBy,
    ({ endpoints }) => found.push(endpoints.map(({ host, port }) => `${host} ${port}`)),
    new AbortController().signal,
    lookUp,
    { ...defaultResolveLimits, ...limits },
  );
  return found;
}

const never: LookUp = () => Promise.reject(assert.unreachable("an address needs no lookup"));

test("addresses are passed on without a lookup, each machine by itself", async () => {
  const machines = [[at("192.0.2.1"), at("2001:db8::1", 7)], [at("192.0.2.2")]];
  assert.equal(await dialable(machines, never), [["192.0.2.1 9000", "2001:db8::1 7"], ["192.0.2.2 9000"]]);
});

test("a name becomes its addresses, and only those that a stranger may propose", async () => {
  const lookUp: LookUp = async (name) => {
    assert.is(name, "rebind.example");
    return ["127.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "224.0.0.1", "::ffff:127.0.0.1", "192.0.2.9"];
  };
  const machines = [[at("rebind.example", 4711)]];
  assert.equal(await dialable(machines, lookUp, { maxAddresses: 10 }), [["192.0.2.9 4711"]]);
});

test("a name with nothing behind it that may be dialled is nobody", async () => {
  assert.equal(await dialable([[at("evil.example")]], async () => ["127.0.0.1"]), []);
  assert.equal(await dialable([[at("gone.example")]], () => Promise.reject(new Error("ENOTFOUND"))), []);
  assert.equal(await dialable([[at("localhost")]], never), []);
});

test("who is on this machine itself may name this machine", async () => {
  assert.equal(await dialable([[at("localhost")]], async () => ["127.0.0.1"], {}, "127.0.0.1"), [
    ["127.0.0.1 9000"],
  ]);
});

test("a name that is never resolved holds nobody up for long, and machines without a name not at all", async () => {
  const lookUp: LookUp = (name) =>
    name === "slow.example" ? new Promise(() => {}) : Promise.resolve(["192.0.2.3"]);
  const machines = [[at("slow.example")], [at("192.0.2.1")], [at("quick.example")]];
  assert.equal(await dialable(machines, lookUp, { lookupTimeoutMs: 20 }), [
    ["192.0.2.1 9000"],
    ["192.0.2.3 9000"],
  ]);
});

test("no more names are looked up than allowed, nor at a time, and no more addresses of one are used", async () => {
  let running = 0;
  let most = 0;
  let lookups = 0;
  const lookUp: LookUp = async () => {
    lookups++;
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    return Array.from({ length: 100 }, (_, n) => `192.0.2.${n + 1}`);
  };
  const machines = Array.from({ length: 50 }, (_, n) => [at(`n${n}.example`)]);
  const found = await dialable(machines, lookUp, { maxNames: 5, maxLookups: 2, maxAddresses: 3 });
  assert.equal([lookups, most, found.length], [5, 2, 5]);
  for (const hosts of found) assert.is(hosts.length, 3);
});

test("an abort ends the wait for a name at once", async () => {
  const abort = new AbortController();
  const lookUp: LookUp = () => {
    queueMicrotask(() => abort.abort());
    return new Promise(() => {});
  };
  const machines = [{ endpoints: [at("slow.example")] }, { endpoints: [at("later.example")] }];
  await eachDialable(machines, STRANGER, () => assert.unreachable(), abort.signal, lookUp, {
    ...{ ...defaultResolveLimits, lookupTimeoutMs: 60_000 },
  });
});

test.run();
