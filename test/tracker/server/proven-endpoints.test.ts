import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../../src/address/endpoint.js";
import { hostNetwork } from "../../../src/address/host.js";
import type { PeerId } from "../../../src/core/ids.js";
import { type FindPeer, ProvenEndpoints } from "../../../src/tracker/server/proven-endpoints.js";
import { FakeClock, peerId } from "./stores/store-rig.js";

const ME = peerId(1);
const OUTSIDE = "198.51.100.1";
const MINUTE_MS = 60_000;

const at = (host: string, port = 9000): Endpoint => ({ host, port, transport: "tcp" });

/** Every dial is answered with `found` of the endpoint. */
function rig(found: (endpoint: Endpoint) => PeerId | undefined = () => ME) {
  const clock = new FakeClock();
  const dialled: string[] = [];
  const find: FindPeer = async (endpoint) => {
    dialled.push(endpoint.host);
    return found(endpoint);
  };
  const unexpected: unknown[] = [];
  const proven = new ProvenEndpoints(find, clock, (error) => unexpected.push(error));
  const hostsOf = (endpoints: readonly Endpoint[], id = ME, asker = OUTSIDE) =>
    proven.listing(id, endpoints, asker).endpoints.map(({ host }) => host);
  return { clock, dialled, proven, hostsOf, unexpected };
}

const settled = () => new Promise(setImmediate);

test("an address is listed once it was dialled and answered with the peer's id, and who asks learns to ask again", async () => {
  const { proven, dialled, hostsOf } = rig();
  assert.equal(proven.listing(ME, [at("203.0.113.9")], OUTSIDE), { endpoints: [], isLooking: true });
  await settled();
  assert.equal(proven.listing(ME, [at("203.0.113.9")], OUTSIDE), {
    endpoints: [at("203.0.113.9")],
    isLooking: false,
  });
  assert.equal(dialled, ["203.0.113.9"]);
  assert.equal(hostsOf([at("203.0.113.9", 9001)]), [], "another port is another place");
  assert.equal(hostsOf([at("203.0.113.9")], peerId(2)), [], "another peer is not there");
});

test("an address where somebody else answers, or nobody, is not listed", async () => {
  const { hostsOf } = rig(({ host }) => (host === "203.0.113.1" ? peerId(2) : undefined));
  hostsOf([at("203.0.113.1"), at("203.0.113.2")]);
  await settled();
  assert.equal(hostsOf([at("203.0.113.1"), at("203.0.113.2")]), []);
});

test("a victim is dialled once a minute, whoever names it, with whatever port and however often", async () => {
  const { clock, dialled, proven } = rig(() => undefined);
  const minutes = 5;
  for (let second = 0; second < minutes * 60; second++) {
    for (let announcer = 0; announcer < 50; announcer++) {
      const ports = [1, 2, 3].map((n) => at("203.0.113.9", 9000 + announcer * 3 + n));
      proven.listing(peerId(announcer), ports, `198.51.100.${announcer + 1}`);
    }
    await settled();
    clock.advance(1000);
  }
  assert.is(dialled.length, minutes);
});

test("nobody from outside gets the tracker to dial into private networks or at itself; names and TLS not at all", async () => {
  const { dialled, proven } = rig();
  const inside = ["10.0.0.1", "192.168.1.5", "172.16.0.1", "100.64.0.1", "fd00::1"];
  const never = ["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "0.0.0.0", "224.0.0.1", "255.255.255.255"];
  const names = ["victim.example", "localhost"];
  proven.listing(
    ME,
    [...inside, ...never, ...names].map((host) => at(host)),
    OUTSIDE,
  );
  proven.listing(
    ME,
    [{ ...at("203.0.113.9"), transport: "tls", certificateSha256: "ab".repeat(32) }],
    OUTSIDE,
  );
  assert.equal(dialled, []);
  for (let round = 0; round < 2; round++) {
    proven.listing(
      ME,
      [...inside, ...never, ...names].map((host) => at(host)),
      "192.168.1.77",
    );
    await settled();
  }
  assert.equal(dialled, inside, "who is inside may");
});

test("so many dials at a time, and no more", async () => {
  const clock = new FakeClock();
  let running = 0;
  let most = 0;
  const answers: (() => void)[] = [];
  const find: FindPeer = () => {
    most = Math.max(most, ++running);
    return new Promise((resolve) =>
      answers.push(() => {
        running -= 1;
        resolve(ME);
      }),
    );
  };
  const proven = new ProvenEndpoints(find, clock, () => {});
  const victims = Array.from({ length: 100 }, (_, n) => at(`203.0.113.${n}`));
  const askers = Array.from({ length: 6 }, (_, n) => `198.51.100.${n + 1}`);
  proven.listing(ME, victims, OUTSIDE);
  assert.is(most, 4, "of one address a quarter");
  for (const asker of askers) proven.listing(ME, victims, asker);
  assert.is(most, 16);
  for (const answer of answers.splice(0)) answer();
  await settled();
  for (const asker of askers) proven.listing(ME, victims, asker);
  assert.is(running, 16);
  assert.is(most, 16);
});

test("one address gets no more than a quarter of the dials of a minute", async () => {
  const { clock, dialled, proven } = rig(() => undefined);
  for (let second = 0; second < 60; second++) {
    for (let n = 0; n < 8; n++) proven.listing(ME, [at(`203.0.${second}.${n}`)], OUTSIDE);
    await settled();
    for (let n = 0; n < 8; n++) proven.listing(ME, [at(`203.1.${second}.${n}`)], OUTSIDE);
    await settled();
    clock.advance(900);
  }
  assert.is(dialled.length, 300);
  assert.ok(proven.listing(ME, [at("203.0.113.9")], "198.51.100.2").isLooking, "others are dialled");
  clock.advance(MINUTE_MS);
  assert.ok(proven.listing(ME, [at("203.1.113.9")], OUTSIDE).isLooking, "and itself again a minute later");
});

test("a peer that stays is looked for again about once an hour, and listed without a break", async () => {
  const { clock, hostsOf, dialled, proven } = rig();
  hostsOf([at("203.0.113.9")]);
  await settled();
  for (let n = 0; n < 99; n++) {
    clock.advance(10 * MINUTE_MS);
    const listing = proven.listing(ME, [at("203.0.113.9")], OUTSIDE);
    assert.equal(listing, { endpoints: [at("203.0.113.9")], isLooking: false });
    await settled();
  }
  assert.is(dialled.length, 20); // after 50 of 60 minutes each
  clock.advance(61 * MINUTE_MS);
  assert.equal(hostsOf([at("203.0.113.9")]), []);
});

test("where the peer is not any more nobody is sent for longer than an hour, however often it announces it", async () => {
  let there: PeerId | undefined = ME;
  const { clock, hostsOf, dialled } = rig(() => there);
  hostsOf([at("203.0.113.9")]);
  await settled();
  there = undefined;
  for (let minute = 0; minute < 59; minute++) {
    clock.advance(MINUTE_MS);
    assert.equal(hostsOf([at("203.0.113.9")]), ["203.0.113.9"]);
    await settled();
  }
  for (let minute = 59; minute < 300; minute++) {
    clock.advance(MINUTE_MS);
    assert.equal(hostsOf([at("203.0.113.9")]), []);
    await settled();
  }
  assert.ok(dialled.length <= 300, `${dialled.length} dials in 300 minutes`);
});

test("what a dial throws that is no failure of the other side is told; after the end nobody is dialled", async () => {
  const { proven, unexpected, dialled } = rig(() => {
    throw new TypeError("a bug");
  });
  proven.listing(ME, [at("203.0.113.9")], OUTSIDE);
  await settled();
  assert.match(String(unexpected[0]), "a bug");
  proven.close();
  assert.equal(proven.listing(ME, [at("203.0.113.10")], OUTSIDE), { endpoints: [], isLooking: false });
  assert.is(dialled.length, 1);
});

test("whatever is announced when: an address never twice within a minute, all together never too many", async () => {
  const announced = fc.record({
    pauseMs: fc.integer({ min: 0, max: 30_000 }),
    hosts: fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(announced, { maxLength: 200 }), async (steps) => {
      const clock = new FakeClock();
      const dials: { network: string; atMs: number }[] = [];
      const find: FindPeer = async ({ host }) => {
        dials.push({ network: hostNetwork(host), atMs: clock.nowMs() });
        return undefined;
      };
      const proven = new ProvenEndpoints(find, clock, () => {});
      for (const { pauseMs, hosts } of steps) {
        clock.advance(pauseMs);
        const endpoints = hosts.map((n) =>
          at(n % 3 === 0 ? `2001:db8::${n % 7}:1` : `203.0.${n >> 8}.${n & 255}`),
        );
        proven.listing(ME, endpoints, `198.51.100.${(hosts[0] ?? 0) % 9}`);
        await settled();
        const recent = dials.filter(({ atMs }) => atMs > clock.nowMs() - MINUTE_MS);
        assert.is(new Set(recent.map(({ network }) => network)).size, recent.length);
        assert.ok(recent.length <= 1_200);
      }
    }),
    { numRuns: 30 },
  );
});

test.run();
