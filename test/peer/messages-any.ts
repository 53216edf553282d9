// Any message that a peer may send, for property tests.
import * as fc from "fast-check";
import { type ContentId, contentIdFromBytes, type PeerId, peerIdFromBytes } from "../../src/core/ids.js";
import type { FrameHeader, PeerMessage } from "../../src/peer/messages.js";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

const contentId: fc.Arbitrary<ContentId> = bytes32.map((bytes) => {
  const id = contentIdFromBytes(bytes);
  if (id === undefined) throw new Error("32 bytes are an id");
  return id;
});

const peerId: fc.Arbitrary<PeerId> = bytes32.map((bytes) => {
  const id = peerIdFromBytes(bytes);
  if (id === undefined) throw new Error("32 bytes are an id");
  return id;
});

const text = (maxLength: number) => fc.string({ maxLength, unit: "grapheme-ascii" });
const port = fc.integer({ min: 1, max: 65_535 });
const type = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);
const coverage = fc.constantFrom("none" as const, "complete" as const, "bitfield" as const);

const endpoint = fc.oneof(
  fc.record({
    host: fc.constantFrom("192.0.2.7", "2001:db8::1", "peer.example"),
    port,
    transport: fc.constant("tcp" as const),
  }),
  fc.record({
    host: fc.constantFrom("192.0.2.7", "2001:db8::1"),
    port,
    transport: fc.constant("tls" as const),
    certificateSha256: bytes32.map((bytes) => Buffer.from(bytes).toString("hex")),
  }),
);

const hello = fc.record({
  type: type("hello"),
  protocolMin: fc.integer({ min: 1, max: 5 }),
  protocolMax: fc.integer({ min: 5, max: 0xffff_ffff }),
  peerId,
  agent: text(64),
  features: fc.array(text(32), { maxLength: 32 }),
  listenPort: fc.integer({ min: 0, max: 65_535 }),
  nonce: fc.uint8Array({ minLength: 8, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  maxRequestsInFlight: fc.integer({ min: 1, max: 0xffff_ffff }),
  idleTimeoutMs: uint32,
  probe: fc.boolean(),
});

const goodbye = fc.record({
  type: type("goodbye"),
  reason: fc.constantFrom(
    ...(["unspecified", "finished", "duplicate", "protocolError", "version"] as const),
    ...(["shuttingDown", "tooManyConnections", "self", "timeout", "banned"] as const),
  ),
  message: text(256),
});

const refusal = fc.record({
  type: type("refusal"),
  reason: fc.constantFrom(
    ...(["unspecified", "contentUnknown", "chunkUnavailable", "busy", "rateLimited"] as const),
    ...(["sourceChanged", "cancelled", "unimplemented", "limitExceeded"] as const),
    ...(["permissionDenied", "shuttingDown", "internal"] as const),
  ),
  message: text(256),
  retryAfterMs: uint32,
});

const update = fc.record({
  type: type("availabilityUpdate"),
  contentId,
  gained: fc.array(uint32, { maxLength: 1024 }),
  lost: fc.array(uint32, { maxLength: 1024 }),
});

const anyMessage: fc.Arbitrary<Exclude<PeerMessage, { type: "unknown" }>> = fc.oneof(
  hello,
  goodbye,
  refusal,
  update,
  fc.record({ type: type("getManifest"), contentId, page: uint32 }),
  fc.record({ type: type("manifestData"), page: uint32 }),
  fc.record({ type: fc.constantFrom("join" as const, "availability" as const), contentId, coverage }),
  fc.record({ type: type("getChunk"), contentId, chunkIndex: uint32, offerId: uint32 }),
  fc.record({ type: type("chunkData"), chunkIndex: uint32, offset: uint32 }),
  fc.record({ type: type("getPeers"), contentId, max: uint32 }),
  fc.record({
    type: type("peerList"),
    peers: fc.array(fc.record({ peerId, endpoints: fc.array(endpoint, { minLength: 1, maxLength: 4 }) }), {
      maxLength: 16,
    }),
  }),
  fc.record({ type: fc.constantFrom("ping" as const, "pong" as const, "cancel" as const) }),
  fc.record({
    type: type("offer"),
    offerId: fc.integer({ min: 1, max: 0xffff_ffff }),
    contentId,
    chunks: fc.array(uint32, { minLength: 1, maxLength: 64 }),
    deadlineMs: uint32,
  }),
  fc.record({
    type: type("decline"),
    offerId: uint32,
    reason: fc.constantFrom(...(["unspecified", "notNeeded", "notWanted", "noRoom"] as const)),
    retryAfterMs: uint32,
  }),
  fc.record({ type: type("pullWindow"), contentId, requests: uint32, rateLimited: fc.boolean() }),
  fc.record({ type: type("leave"), contentId }),
);

export const anyHeader: fc.Arbitrary<FrameHeader> = fc
  .record({ requestId: uint32, message: anyMessage })
  // fast-check's records have no prototype, and so are equal to nothing.
  .map((header) => structuredClone(header));
