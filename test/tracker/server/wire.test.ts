import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnnounceResponseSchema, ListPeersResponseSchema } from "../../../gen/goshare/v1/tracker_pb.js";
import type { Endpoint } from "../../../src/address/endpoint.js";
import { endpointToWire } from "../../../src/address/wire.js";
import { idToBytes } from "../../../src/core/ids.js";
import { encodeMessage } from "../../../src/rpc/message-codec.js";
import type { Swarm, SwarmAnswer, SwarmPeer } from "../../../src/tracker/announcement.js";
import { encodeAnnounceAnswer, encodeSwarm } from "../../../src/tracker/server/wire.js";
import { contentId, peerId } from "./stores/store-rig.js";

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
const anyPeer: fc.Arbitrary<SwarmPeer> = fc.record({
  peerId: fc.nat().map((n) => peerId(n)),
  endpoints: fc.array(anyEndpoint, { maxLength: 4 }),
  chunksHeld: anyNumber,
  complete: fc.boolean(),
});
const anySwarm: fc.Arbitrary<Swarm> = fc.record({
  peers: fc.array(anyPeer, { maxLength: 60 }),
  counts: fc.record({ completePeers: anyNumber, partialPeers: anyNumber }),
});
const anyContentId = fc.nat().map((n) => contentId(n));
const anyAnswer = fc
  .tuple(anySwarm, anyContentId)
  .map(([swarm, id]): SwarmAnswer => ({ ...swarm, contentId: id }));

function swarmInit({ peers, counts }: Swarm) {
  return {
    peers: peers.map((peer) => ({
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
    answers: fc.array(anyAnswer, { maxLength: 4 }),
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
  const peer: SwarmPeer = { peerId: peerId(1), endpoints: [], chunksHeld: 1, complete: false };
  const counts = { completePeers: 0, partialPeers: 2_000 };
  const large = { peers: Array.from({ length: 2_000 }, () => peer), counts };
  const small = { peers: [peer], counts };
  for (const swarm of [large, small])
    assert.equal(encodeSwarm(swarm), encodeMessage(ListPeersResponseSchema, swarmInit(swarm)));
});

test.run();
