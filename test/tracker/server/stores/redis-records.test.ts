import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Endpoint } from "../../../../src/address/endpoint.js";
import { peerOfRecord, placeBytes, stateBytes } from "../../../../src/tracker/server/stores/redis-records.js";
import { contentId, leaseKey } from "./store-rig.js";

const PIN = "ab".repeat(32);

const endpoint: fc.Arbitrary<Endpoint> = fc
  .record({
    host: fc.constantFrom("10.1.2.3", "2001:db8::7", "peer.example.org"),
    port: fc.integer({ min: 1, max: 65_535 }),
    tls: fc.boolean(),
  })
  .map(({ host, port, tls }) =>
    tls ? { host, port, transport: "tls", certificateSha256: PIN } : { host, port, transport: "tcp" },
  );

const peer = fc.record({
  n: fc.nat(1000),
  host: fc.constantFrom("192.168.100.200", "2001:db8:1111:2222:3333:4444:5555:6666", "::1"),
  listenPort: fc.integer({ min: 0, max: 65_535 }),
  endpoints: fc.array(endpoint, { maxLength: 8 }),
  chunksHeld: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  complete: fc.boolean(),
});

function recordOf({
  n,
  host,
  listenPort,
  endpoints,
  chunksHeld,
  complete,
}: typeof peer extends fc.Arbitrary<infer T> ? T : never) {
  const key = leaseKey(n, host, listenPort);
  const state = stateBytes({ contentId: contentId(1), chunksHeld, complete });
  return { key, record: Buffer.concat([state, placeBytes(key, endpoints)]) };
}

test("a record gives back what was put into it", () => {
  fc.assert(
    fc.property(peer, (one) => {
      const { key, record } = recordOf(one);
      const { endpoints, chunksHeld, complete } = one;
      assert.equal(peerOfRecord(record), { key, endpoints, chunksHeld, complete });
    }),
  );
});

test("a record that is cut short or is none gives nothing or another peer, and never throws", () => {
  fc.assert(
    fc.property(peer, fc.nat(400), fc.uint8Array({ maxLength: 100 }), (one, length, noise) => {
      const { record } = recordOf(one);
      const cut = peerOfRecord(record.subarray(0, length));
      if (cut !== undefined && length < record.length) assert.ok(cut.endpoints.length < one.endpoints.length);
      peerOfRecord(Buffer.from(noise));
    }),
  );
});

test("the record of a peer with an IPv4 address is small enough for Redis to pack it", () => {
  const { record } = recordOf({
    ...{ n: 1, host: "192.168.100.200", listenPort: 9000 },
    ...{ endpoints: [], chunksHeld: 7, complete: true },
  });
  assert.ok(record.length <= 64, `${record.length} bytes`);
});

test.run();
