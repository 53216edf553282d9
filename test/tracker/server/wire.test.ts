import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnnounceResponseSchema, ListPeersResponseSchema } from "../../../gen/goshare/v1/tracker_pb.js";
import type { Endpoint } from "../../../src/address/endpoint.js";
import { endpointToWire } from "../../../src/address/wire.js";
import { idToBytes } from "../../../src/core/ids.js";
import { encodeMessage } from "../../../src/rpc/message-codec.js";
import {
  ToldPeers,
  type ToldShare,
  type ToldSwarm,
  type Whereabouts,
} from "../../../src/tracker/server/handout.js";
import { PeerRows } from "../../../src/tracker/server/peer-rows.js";
import type { StoredPeer } from "../../../src/tracker/server/stored-peer.js";
import { encodeAnnounceAnswer, encodeSwarm } from "../../../src/tracker/server/wire.js";
import { contentId, leaseKey, peerId } from "./stores/store-rig.js";

const anyNumber = fc.oneof(fc.constantFrom(0, 127, 128, 0x7fff_ffff, 0xffff_ffff), fc.nat());
const anyHost = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("host.example", "é".repeat(70)));
const anyPort = fc.integer({ min: 1, max: 65_535 });
const anyEndpoint: fc.Arbitrary<Endpoint> = fc.oneof(
  fc.record({ host: anyHost, port: anyPort, transport: fc.constant("tcp" as const) }),
  fc.record({
    host: anyHost,
    port: anyPort,
    transport: fc.constant("tls" as const),
    certificateSha256: fc.nat().map((n) => peerId(n)),
  }),
);
const anyStoredPeer: fc.Arbitrary<StoredPeer> = fc
  .record({
    n: fc.nat(),
    host: fc.oneof(fc.ipV4(), fc.ipV6()),
    listenPort: anyPort,
    chunksHeld: anyNumber,
    complete: fc.boolean(),
  })
  .map(({ n, host, listenPort, ...held }) => ({
    key: leaseKey(n, host, listenPort),
    endpoints: [],
    ...held,
  }));
const anyWhereabouts = fc.oneof(
  fc.constantFrom("asSeen" as const, undefined),
  fc.array(anyEndpoint, { minLength: 1, maxLength: 4 }),
);

function told(some: readonly (readonly [StoredPeer, Whereabouts | undefined])[]): ToldPeers {
  const peers = new ToldPeers(PeerRows.of(some.map(([peer]) => peer)));
  for (const [, whereabouts] of some) {
    if (whereabouts === undefined) peers.leaveOutNext();
    else peers.tellNext(whereabouts);
  }
  return peers;
}

const anySwarm: fc.Arbitrary<ToldSwarm> = fc.record({
  peers: fc.array(fc.tuple(anyStoredPeer, anyWhereabouts), { maxLength: 60 }).map(told),
  counts: fc.record({ completePeers: anyNumber, partialPeers: anyNumber }),
});
const anyContentId = fc.nat().map((n) => contentId(n));
const anyShare = fc
  .tuple(anySwarm, anyContentId)
  .map(([swarm, id]): ToldShare => ({ ...swarm, contentId: id }));

function swarmInit({ peers, counts }: ToldSwarm) {
  return {
    peers: [...peers].map((peer) => ({
      ...peer,
      peerId: idToBytes(peer.peerId),
      endpoints: peer.endpoints.map(endpointToWire),
    })),
    counts,
  };
}

test("lists of peers are written as the general codec writes them", () => {
  fc.assert(
    fc.property(anySwarm, (swarm) => {
      assert.equal(encodeSwarm(swarm), encodeMessage(ListPeersResponseSchema, swarmInit(swarm)));
    }),
    { numRuns: 500 },
  );
});

test("answers to announcements are written as the general codec writes them", () => {
  const anyAnnounceAnswer = fc.record({
    ttlMs: anyNumber,
    renewAfterMs: anyNumber,
    listedEndpoints: fc.array(anyEndpoint, { maxLength: 3 }),
    answers: fc.array(anyShare, { maxLength: 4 }),
    wantedManifests: fc.array(anyContentId, { maxLength: 4 }),
  });
  fc.assert(
    fc.property(anyAnnounceAnswer, fc.uint8Array({ maxLength: 64 }), (answer, leaseToken) => {
      const general = encodeMessage(AnnounceResponseSchema, {
        ...answer,
        leaseToken,
        listedEndpoints: answer.listedEndpoints.map(endpointToWire),
        answers: answer.answers.map((one) => ({
          ...swarmInit(one),
          contentId: idToBytes(one.contentId),
        })),
        wantedManifests: answer.wantedManifests.map(idToBytes),
      });
      assert.equal(encodeAnnounceAnswer(answer, leaseToken), general);
    }),
    { numRuns: 500 },
  );
});

test("the largest answer there may be is written whole, and the next one too", () => {
  const counts = { completePeers: 0, partialPeers: 2_000 };
  const peers = Array.from({ length: 2_000 }, (_, n): [StoredPeer, Whereabouts] => {
    return [{ key: leaseKey(n), endpoints: [], chunksHeld: 1, complete: false }, "asSeen"];
  });
  const large = { peers: told(peers), counts };
  const small = { peers: told(peers.slice(0, 1)), counts };
  for (const swarm of [large, small])
    assert.equal(encodeSwarm(swarm), encodeMessage(ListPeersResponseSchema, swarmInit(swarm)));
});

test.run();
