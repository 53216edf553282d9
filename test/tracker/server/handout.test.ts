import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../../src/address/endpoint.js";
import {
  type Caller,
  callerAt,
  endpointsFor,
  Handout,
  nearFirst,
} from "../../../src/tracker/server/handout.js";
import { PeerRows } from "../../../src/tracker/server/peer-rows.js";
import type { StoredPeer } from "../../../src/tracker/server/stored-peer.js";
import { leaseKey } from "./stores/store-rig.js";

const REMOTE: Caller = { host: "192.168.1.20", reachedAt: "192.168.1.10" };
const LOCAL: Caller = { host: "127.0.0.1", reachedAt: "127.0.0.1" };

function tcp(host: string, port = 9000): Endpoint {
  return { host, port, transport: "tcp" };
}

function peer(host: string, listenPort = 9000, endpoints: readonly Endpoint[] = []) {
  return { key: leaseKey(1, host, listenPort), endpoints, chunksHeld: 4, complete: true };
}

test("a peer is found where the tracker sees it, at its listen port", () => {
  assert.equal(endpointsFor(REMOTE, peer("192.168.1.30", 9001)), [tcp("192.168.1.30", 9001)]);
  assert.equal(endpointsFor(REMOTE, peer("2001:db8::5")), [tcp("2001:db8::5")]);
});

test("a peer on the tracker's machine is where the asker found the tracker", () => {
  assert.equal(endpointsFor(REMOTE, peer("127.0.0.1")), [tcp("192.168.1.10")]);
  assert.equal(endpointsFor(REMOTE, peer("::1")), [tcp("192.168.1.10")]);
  assert.equal(endpointsFor({ host: "10.9.9.9", reachedAt: "10.9.9.1" }, peer("127.0.0.1")), [
    tcp("10.9.9.1"),
  ]);
});

test("for an asker on the tracker's machine, a peer there is on loopback", () => {
  assert.equal(endpointsFor(LOCAL, peer("127.0.0.1")), [tcp("127.0.0.1")]);
  assert.equal(endpointsFor(LOCAL, peer("::1")), [tcp("::1")]);
  assert.equal(endpointsFor({ host: "::1", reachedAt: "::1" }, peer("127.0.0.1")), [tcp("127.0.0.1")]);
});

test("a peer without a listen port is only where it said", () => {
  assert.equal(endpointsFor(REMOTE, peer("192.168.1.30", 0)), []);
  assert.equal(endpointsFor(REMOTE, peer("192.168.1.30", 0, [tcp("nas.lan")])), [tcp("nas.lan")]);
});

test("announced endpoints come after the observed one, without those the asker may not dial", () => {
  const announced = [
    tcp("127.0.0.1"),
    tcp("0.0.0.0"),
    tcp("224.0.0.1"),
    tcp("fe80::1"),
    tcp("example.org", 80),
  ];
  assert.equal(endpointsFor(REMOTE, peer("10.0.0.7", 9000, announced)), [
    tcp("10.0.0.7"),
    tcp("example.org", 80),
  ]);
  assert.equal(endpointsFor(LOCAL, peer("10.0.0.7", 9000, announced)), [
    tcp("10.0.0.7"),
    tcp("127.0.0.1"),
    tcp("fe80::1"),
    tcp("example.org", 80),
  ]);
});

test("an announced endpoint that is the observed one is told once", () => {
  const stored = peer("10.0.0.7", 9000, [tcp("10.0.0.7"), tcp("10.0.0.7", 9001)]);
  assert.equal(endpointsFor(REMOTE, stored), [tcp("10.0.0.7"), tcp("10.0.0.7", 9001)]);
});

test("what a host is told does not depend on who asked before", () => {
  const stored = peer("10.0.0.8", 9000, [tcp("127.0.0.9")]);
  assert.is(endpointsFor(LOCAL, stored).length, 2);
  assert.is(endpointsFor(REMOTE, stored).length, 1);
  assert.is(endpointsFor(LOCAL, stored).length, 2);
});

test("a caller's addresses are read as sockets show them", () => {
  assert.equal(callerAt("::ffff:192.168.1.20", "::ffff:192.168.1.10"), REMOTE);
  assert.equal(callerAt("127.0.0.1", "127.0.0.1"), LOCAL);
  assert.equal(callerAt("fe80::1%eth0", "2001:db8::1"), { host: "fe80::1", reachedAt: "2001:db8::1" });
  assert.is(callerAt("", ""), undefined);
});

test("leases of one peer at several places are one peer with several endpoints", () => {
  const sample = [peer("10.0.0.1"), peer("2001:db8::1"), peer("10.0.0.1")];
  assert.equal(
    [...new Handout(REMOTE, 10_000).peersOf(PeerRows.of(sample))],
    [
      {
        peerId: leaseKey(1).peerId,
        endpoints: [tcp("10.0.0.1"), tcp("2001:db8::1")],
        chunksHeld: 4,
        complete: true,
      },
    ],
  );
});

test("peers told in a row are told as each by itself, whoever asks and whatever they have announced", () => {
  const host = fc.constantFrom(
    "10.0.0.7",
    "2001:db8::5",
    "127.0.0.1",
    "::1",
    "fe80::1",
    "0.0.0.0",
    "224.0.0.1",
  );
  const endpoints = fc.array(fc.constantFrom(tcp("127.0.0.1"), tcp("example.org", 80), tcp("10.0.0.7")), {
    maxLength: 2,
  });
  const onePeer = fc.record({
    host,
    port: fc.constantFrom(0, 1, 9000, 65_535),
    endpoints,
    chunksHeld: fc.nat(),
    complete: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(onePeer, { maxLength: 20 }), fc.constantFrom(REMOTE, LOCAL), (peers, caller) => {
      const sample = peers.map(
        ({ host, port, ...rest }, n): StoredPeer => ({ key: leaseKey(n, host, port), ...rest }),
      );
      const told = sample
        .map((stored) => ({
          peerId: stored.key.peerId,
          endpoints: endpointsFor(caller, stored),
          chunksHeld: stored.chunksHeld,
          complete: stored.complete,
        }))
        .filter((peer) => peer.endpoints.length > 0);
      assert.equal([...new Handout(caller, 100_000).peersOf(PeerRows.of(sample))], told);
    }),
  );
});

test("a peer that is seen at two places is told once, with both, and so are all between", () => {
  const seen = [0, 1, 2, 0, 3].map((n, index): StoredPeer => {
    return { ...peer("10.0.0.1"), key: leaseKey(n, `10.0.0.${index + 1}`) };
  });
  const told = [...new Handout(REMOTE, 10_000).peersOf(PeerRows.of(seen))];
  assert.equal(
    told.map(({ peerId, endpoints }) => [peerId, endpoints.map(({ host }) => host)]),
    [
      [leaseKey(0).peerId, ["10.0.0.1", "10.0.0.4"]],
      [leaseKey(1).peerId, ["10.0.0.2"]],
      [leaseKey(2).peerId, ["10.0.0.3"]],
      [leaseKey(3).peerId, ["10.0.0.5"]],
    ],
  );
});

test("peers that the asker can reach nowhere are left out", () => {
  assert.equal(
    [...new Handout(REMOTE, 10_000).peersOf(PeerRows.of([peer("fe80::1"), peer("10.0.0.1", 0)]))],
    [],
  );
});

test("a response stays within its bytes, over all swarms together", () => {
  const handout = new Handout(REMOTE, 1000);
  const crowd = Array.from({ length: 20 }, (_, n) => ({ ...peer("10.0.0.1"), key: leaseKey(n) }));
  const first = [...handout.peersOf(PeerRows.of(crowd.slice(0, 5)))];
  const rest = [...handout.peersOf(PeerRows.of(crowd.slice(5)))];
  assert.is(first.length, 5);
  assert.ok(rest.length > 0 && rest.length < 10);
  assert.is([...handout.peersOf(PeerRows.of(crowd))].length, 0);
});

const HERE = "192.0.2.1";
const NEAR = ["192.0.2.9", "192.0.200.1"];
const FAR = ["198.51.100.1", "2001:db8::1", "203.0.113.7"];
const isNear = ({ key }: { key: { host: string } }): boolean => NEAR.includes(key.host);

test("half of an answer is from close by, as far as there are so many; the other half is as chance has it", () => {
  const drawn = fc.record({ host: fc.constantFrom(...NEAR, ...FAR), complete: fc.boolean() });
  fc.assert(
    fc.property(fc.array(drawn, { maxLength: 60 }), fc.nat(20), (draws, max) => {
      const sample = draws.map(({ host, complete }, n): StoredPeer => {
        return { key: leaseKey(n, host), endpoints: [], chunksHeld: 0, complete };
      });
      const told = nearFirst(sample, HERE, max);
      assert.is(told.length, Math.min(max, sample.length));
      assert.is(new Set(told).size, told.length);
      assert.ok(told.every((peer) => sample.includes(peer)));
      const flags = told.map(isNear);
      assert.equal(
        flags,
        [...flags].sort((a, b) => Number(b) - Number(a)),
        "those nearby come first",
      );
      for (const complete of [true, false]) {
        const all = sample.filter((peer) => peer.complete === complete);
        const some = told.filter((peer) => peer.complete === complete);
        const fair = (told.length * all.length) / Math.max(1, sample.length);
        assert.ok(Math.abs(some.length - fair) <= 0.5, "complete and partial as they were drawn");
        const half = Math.floor(some.length / 2);
        const near = all.filter(isNear).slice(0, half);
        assert.ok(near.every((peer) => some.includes(peer)));
        const byChance = all.filter((peer) => !near.includes(peer)).slice(0, some.length - near.length);
        assert.ok(byChance.every((peer) => some.includes(peer)));
      }
    }),
  );
});

test.run();
