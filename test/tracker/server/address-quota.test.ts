import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AddressQuota } from "../../../src/tracker/server/address-quota.js";
import { FakeClock } from "./stores/store-rig.js";

const LIMITS = { perAddressLimit: 10, maxLeasesPerAddress: 1_000 };
const HOST = "192.0.2.1";

function quota(maxAddresses?: number) {
  const clock = new FakeClock();
  return { clock, quota: new AddressQuota(LIMITS, clock, maxAddresses) };
}

/** How many of `count` calls at once are served. */
function served(of: AddressQuota, host: string, count: number): number {
  return Array.from({ length: count }, () => of.call(host)).filter((refusal) => refusal === undefined).length;
}

test("an address is served a burst, then as fast as its limit says, and told when to come back", () => {
  const { clock, quota: calls } = quota();
  assert.is(served(calls, HOST, 20), 20);
  assert.equal(calls.call(HOST), { retryAfterMs: 100, isFlood: false });
  clock.advance(100);
  assert.is(calls.call(HOST), undefined);
  clock.advance(3_000);
  assert.is(served(calls, HOST, 30), 20);
});

test("of many callers that are refused at once each is told a time of its own, and is served then", () => {
  const { clock, quota: calls } = quota();
  const waits = Array.from({ length: 40 }, () => calls.call(HOST)?.retryAfterMs ?? 0);
  const told = waits.filter((waitMs) => waitMs > 0);
  assert.equal(
    told,
    Array.from({ length: 20 }, (_, n) => 100 * (n + 1)),
  );
  for (const _ of told) {
    clock.advance(100);
    assert.is(calls.call(HOST), undefined);
  }
});

test("addresses do not share a limit, but for those of one /64", () => {
  const { quota: calls } = quota();
  served(calls, HOST, 30);
  assert.is(calls.call("192.0.2.2"), undefined);
  assert.is(served(calls, "2001:db8:0:1::1", 30), 20);
  assert.ok(calls.call("2001:db8:0:1:ffff::2") !== undefined);
  assert.is(calls.call("2001:db8:0:2::1"), undefined);
});

test("connections have a limit of their own, twice that of calls; who goes on is hung up on for a while", () => {
  const { clock, quota: connections } = quota();
  const taken = (host: string, count: number) =>
    Array.from({ length: count }, () => connections.connection(host)).filter((isTaken) => isTaken).length;
  assert.is(taken(HOST, 50), 40);
  assert.is(connections.call(HOST), undefined);
  clock.advance(1_000);
  assert.is(taken(HOST, 30), 20);
  assert.is(connections.isHungUp(HOST), false);
  assert.is(taken(HOST, 250), 0);
  assert.is(connections.isHungUp(HOST), true);
  assert.is(taken("192.0.2.2", 50), 40);
  assert.is(taken("127.0.0.1", 1_000), 1_000);
  clock.advance(10_000);
  assert.is(taken(HOST, 50), 40);
});

test("a large request counts as a call more for each 64 KiB of it, and no address owes more than a burst", () => {
  const { clock, quota: calls } = quota();
  calls.read(HOST, 640 * 1024);
  assert.is(served(calls, HOST, 10), 10);
  calls.read(HOST, 640 * 1024);
  assert.equal(calls.call(HOST), { retryAfterMs: 1_100, isFlood: false });
  calls.read(HOST, 6_400 * 1024);
  // After the one that was refused before.
  assert.equal(calls.call(HOST), { retryAfterMs: 2_200, isFlood: false });
  clock.advance(2_100);
  assert.is(served(calls, HOST, 5), 1);
});

test("who brings more bytes than its calls may have floods, whatever they are", () => {
  const { clock, quota: bytes } = quota();
  for (let second = 0; second < 60; second++) {
    assert.not(bytes.brought(HOST, 640 * 1024));
    clock.advance(1_000);
  }
  assert.not(bytes.brought(HOST, 64 * 1024 * 1024));
  assert.not(bytes.isHungUp(HOST));
  assert.ok(bytes.brought(HOST, 1));
  assert.ok(bytes.isHungUp(HOST));
  assert.not(bytes.brought("127.0.0.1", 2 ** 40));
});

test("an announcement that is refused for its shares counts as one call for each hundred of them", () => {
  const { clock, quota: calls } = quota();
  assert.is(calls.leases(HOST, 1_000, 30_000), 0);
  assert.is(served(calls, HOST, 20), 20);
  assert.ok(calls.leases(HOST, 1_000, 30_000) > 0);
  assert.equal(calls.call(HOST), { retryAfterMs: 1_100, isFlood: false });
  clock.advance(1_100);
  assert.is(served(calls, HOST, 5), 1);
});

test("loopback may call as often as it likes, and is not even remembered", () => {
  const { quota: calls } = quota();
  for (const host of ["127.0.0.1", "127.1.2.3", "::1"]) {
    assert.is(served(calls, host, 5_000), 5_000);
    calls.read(host, 1_000_000);
    assert.is(calls.leases(host, 1_000_000, 30_000), 0);
  }
  assert.is(calls.size, 0);
});

test("who goes on calling when refused floods, and is hung up on for a while", () => {
  const { clock, quota: calls } = quota();
  for (let n = 0; n < 40; n++) assert.not(calls.call(HOST)?.isFlood, `call ${n}`);
  assert.not(calls.isHungUp(HOST));
  assert.ok(calls.call(HOST)?.isFlood);
  assert.ok(calls.isHungUp(HOST));
  assert.not(calls.isHungUp("192.0.2.2"));
  clock.advance(10_000);
  assert.not(calls.isHungUp(HOST));
  assert.is(calls.call(HOST), undefined);
});

test("who asks twice as often as it may, and waits when told, does not flood", () => {
  const { clock, quota: calls } = quota();
  let refused = 0;
  for (let n = 0; n < 2_000; n++) {
    const refusal = calls.call(HOST);
    assert.not(refusal?.isFlood);
    if (refusal !== undefined) refused++;
    clock.advance(50);
  }
  assert.ok(refused > 900 && refused < 1_000, `${refused}`);
});

test("so many leases as the limit allows can be kept up, and no more", () => {
  const { clock, quota: leases } = quota();
  for (let round = 0; round < 5; round++) {
    for (let peer = 0; peer < 10; peer++) assert.is(leases.leases(HOST, 100, 30_000), 0);
    clock.advance(30_000);
  }
  for (let peer = 0; peer < 10; peer++) leases.leases(HOST, 100, 30_000);
  assert.is(leases.leases(HOST, 100, 30_000), 3_000);
  clock.advance(3_000);
  assert.is(leases.leases(HOST, 100, 30_000), 0);
});

test("addresses that were quiet longest are forgotten first, and never more are kept than may be", () => {
  const { quota: calls } = quota(3);
  served(calls, HOST, 30);
  for (let n = 10; n < 12; n++) calls.call(`192.0.2.${n}`);
  assert.ok(calls.call(HOST) !== undefined);
  for (let n = 20; n < 22; n++) calls.call(`192.0.2.${n}`);
  assert.is(calls.size, 3);
  assert.ok(calls.call(HOST) !== undefined, "the one that asks is not forgotten");
});

test("over any time an address is served no more than a burst and its rate", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 50, maxLength: 400 });
  fc.assert(
    fc.property(steps, (pausesMs) => {
      const { clock, quota: calls } = quota();
      const startMs = clock.nowMs();
      let count = 0;
      for (const pauseMs of pausesMs) {
        clock.advance(pauseMs % 200 === 0 ? pauseMs : pauseMs % 30);
        count += served(calls, HOST, 3);
        assert.ok(count <= 50 + ((clock.nowMs() - startMs) * 10) / 1000 + 1e-6);
      }
    }),
  );
});

test.run();
