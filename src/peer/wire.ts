// PeerFrame ⇄ domain messages: the one place where a peer's headers are checked. What `decodeHeader` returns has ids of
// the right length, numbers in range and lists within their limits. Payloads are not checked here.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ChunkDataSchema,
  GetChunkSchema,
  type HelloSchema,
  type PeerAddressSchema,
  type PeerFrame,
  PeerFrameSchema,
  Coverage as WireCoverage,
  DeclineReason as WireDeclineReason,
  GoodbyeReason as WireGoodbyeReason,
  type Hello as WireHello,
  type PeerAddress as WirePeerAddress,
  RefusalReason as WireRefusalReason,
} from "../../gen/goshare/v1/peer_pb.js";
import { MAX_PORT } from "../address/limits.js";
import { endpointFromWire, endpointToWire } from "../address/wire.js";
import { cutToBytes } from "../core/characters.js";
import { GoshareError } from "../core/errors.js";
import {
  type ContentId,
  contentIdFromBytes,
  idToBytes,
  type PeerId,
  peerIdFromBytes,
  toHex,
} from "../core/ids.js";
import { ChunkHeaders } from "./chunk-headers.js";
import { MAX_OFFER_CHUNKS, MAX_PEER_LIST, MAX_UPDATE_NUMBERS } from "./limits.js";
import type {
  Coverage,
  DeclineReason,
  FrameHeader,
  GoodbyeReason,
  Hello,
  PeerAddress,
  PeerMessage,
  RefusalReason,
} from "./messages.js";

type Init = NonNullable<MessageInitShape<typeof PeerFrameSchema>["body"]>;

const MAX_PEER_ENDPOINTS = 4;
const MAX_TEXT_BYTES = 256;
const MAX_AGENT_BYTES = 64;
const MAX_FEATURES = 32;
const MAX_FEATURE_BYTES = 32;

const COVERAGES = {
  none: WireCoverage.NONE,
  complete: WireCoverage.COMPLETE,
  bitfield: WireCoverage.BITFIELD,
} as const satisfies Record<Coverage, WireCoverage>;

const GOODBYE_REASONS = {
  unspecified: WireGoodbyeReason.UNSPECIFIED,
  finished: WireGoodbyeReason.FINISHED,
  duplicate: WireGoodbyeReason.DUPLICATE,
  protocolError: WireGoodbyeReason.PROTOCOL_ERROR,
  version: WireGoodbyeReason.VERSION,
  shuttingDown: WireGoodbyeReason.SHUTTING_DOWN,
  tooManyConnections: WireGoodbyeReason.TOO_MANY_CONNECTIONS,
  self: WireGoodbyeReason.SELF,
  timeout: WireGoodbyeReason.TIMEOUT,
  banned: WireGoodbyeReason.BANNED,
} as const satisfies Record<GoodbyeReason, WireGoodbyeReason>;

const REFUSAL_REASONS = {
  unspecified: WireRefusalReason.UNSPECIFIED,
  contentUnknown: WireRefusalReason.CONTENT_UNKNOWN,
  chunkUnavailable: WireRefusalReason.CHUNK_UNAVAILABLE,
  busy: WireRefusalReason.BUSY,
  rateLimited: WireRefusalReason.RATE_LIMITED,
  sourceChanged: WireRefusalReason.SOURCE_CHANGED,
  cancelled: WireRefusalReason.CANCELLED,
  unimplemented: WireRefusalReason.UNIMPLEMENTED,
  limitExceeded: WireRefusalReason.LIMIT_EXCEEDED,
  permissionDenied: WireRefusalReason.PERMISSION_DENIED,
  shuttingDown: WireRefusalReason.SHUTTING_DOWN,
  internal: WireRefusalReason.INTERNAL,
} as const satisfies Record<RefusalReason, WireRefusalReason>;

const DECLINE_REASONS = {
  unspecified: WireDeclineReason.UNSPECIFIED,
  notNeeded: WireDeclineReason.NOT_NEEDED,
  notWanted: WireDeclineReason.NOT_WANTED,
  noRoom: WireDeclineReason.NO_ROOM,
} as const satisfies Record<DeclineReason, WireDeclineReason>;

/** The name under which `table` holds `value`; undefined for a number this version does not know. */
function nameOf<N extends string>(table: Readonly<Record<N, number>>, value: number): N | undefined {
  for (const name in table) if (table[name] === value) return name;
  return undefined;
}

function violation(message: string): GoshareError {
  return new GoshareError("PEER_PROTOCOL", message);
}

const { requestId, getChunk, chunkData } = PeerFrameSchema.field;

/** The tag of a field that holds a number, or of one that holds anything with a length. */
const numberTag = ({ number }: { readonly number: number }) => number << 3;
const lengthTag = ({ number }: { readonly number: number }) => (number << 3) | 2;

const chunkHeaders = new ChunkHeaders({
  requestId: numberTag(requestId),
  getChunk: lengthTag(getChunk),
  getChunkContentId: lengthTag(GetChunkSchema.field.contentId),
  getChunkIndex: numberTag(GetChunkSchema.field.chunkIndex),
  getChunkOfferId: numberTag(GetChunkSchema.field.offerId),
  chunkData: lengthTag(chunkData),
  chunkDataIndex: numberTag(ChunkDataSchema.field.chunkIndex),
  chunkDataOffset: numberTag(ChunkDataSchema.field.offset),
});

/** The encoded PeerFrame. Its length is below the header limit for every message this program sends. */
export function encodeHeader(header: FrameHeader): Uint8Array {
  const { requestId: id, message } = header;
  if (message.type === "chunkData")
    return chunkHeaders.encodeChunkData(id, message.chunkIndex, message.offset);
  if (message.type === "getChunk") return chunkHeaders.encodeGetChunk(id, message);
  return encodeAnyHeader(header);
}

/** The same by the general codec, for every message. */
export function encodeAnyHeader(header: FrameHeader): Uint8Array {
  const frame = create(PeerFrameSchema, { requestId: header.requestId, body: toBody(header.message) });
  return toBinary(PeerFrameSchema, frame);
}

/** The header in `bytes` (nothing in the result is a view of them). Throws PEER_PROTOCOL. */
export function decodeHeader(bytes: Uint8Array): FrameHeader {
  return chunkHeaders.decode(bytes) ?? decodeAnyHeader(bytes);
}

/** The same by the general codec, for every message. */
export function decodeAnyHeader(bytes: Uint8Array): FrameHeader {
  let frame: PeerFrame;
  try {
    frame = fromBinary(PeerFrameSchema, bytes, { readUnknownFields: false, recursionLimit: 8 });
  } catch (cause) {
    throw new GoshareError("PEER_PROTOCOL", "a frame header is not a PeerFrame", { cause });
  }
  return { requestId: frame.requestId, message: fromBody(frame.body) };
}

function toBody(message: PeerMessage): Init {
  switch (message.type) {
    case "hello":
      return { case: "hello", value: helloToWire(message) };
    case "goodbye": {
      const reason = GOODBYE_REASONS[message.reason];
      return { case: "goodbye", value: { reason, message: cutToBytes(message.message, MAX_TEXT_BYTES) } };
    }
    case "getManifest":
      return { case: "getManifest", value: { ...message, ...idBytes(message) } };
    case "join":
    case "availability":
      return { case: message.type, value: { ...idBytes(message), coverage: COVERAGES[message.coverage] } };
    case "availabilityUpdate": {
      const { gained, lost } = message;
      return {
        case: "availabilityUpdate",
        value: { ...idBytes(message), gained: [...gained], lost: [...lost] },
      };
    }
    case "getChunk":
      return { case: "getChunk", value: { ...message, ...idBytes(message) } };
    case "manifestData":
      return { case: "manifestData", value: { page: message.page } };
    case "chunkData":
      return { case: "chunkData", value: { chunkIndex: message.chunkIndex, offset: message.offset } };
    case "getPeers":
      return { case: "getPeers", value: { ...message, ...idBytes(message) } };
    case "peerList":
      return { case: "peerList", value: { peers: message.peers.map(peerToWire) } };
    case "ping":
    case "pong":
    case "cancel":
      return { case: message.type, value: {} };
    case "refusal": {
      const { retryAfterMs } = message;
      const reason = REFUSAL_REASONS[message.reason];
      return {
        case: "refusal",
        value: { reason, message: cutToBytes(message.message, MAX_TEXT_BYTES), retryAfterMs },
      };
    }
    case "offer":
      return {
        case: "offer",
        value: { ...message, ...idBytes(message), chunks: [...message.chunks] },
      };
    case "decline":
      return { case: "decline", value: { ...message, reason: DECLINE_REASONS[message.reason] } };
    case "pullWindow":
      return { case: "pullWindow", value: { ...message, ...idBytes(message) } };
    case "leave":
      return { case: "leave", value: idBytes(message) };
    case "unknown":
      return { case: undefined };
  }
}

function idBytes(message: { readonly contentId: ContentId }): { contentId: Uint8Array } {
  return { contentId: idToBytes(message.contentId) };
}

function helloToWire(hello: Hello): MessageInitShape<typeof HelloSchema> {
  return {
    ...hello,
    peerId: idToBytes(hello.peerId),
    nonce: Buffer.from(hello.nonce, "hex"),
    features: [...hello.features],
  };
}

function fromBody(body: PeerFrame["body"]): PeerMessage {
  switch (body.case) {
    case undefined:
      return { type: "unknown" };
    case "hello":
      return { type: "hello", ...helloFromWire(body.value) };
    case "goodbye":
      return {
        type: "goodbye",
        reason: nameOf(GOODBYE_REASONS, body.value.reason) ?? "unspecified",
        message: cutToBytes(body.value.message, MAX_TEXT_BYTES),
      };
    case "getManifest":
      return { type: "getManifest", contentId: contentId(body.value.contentId), page: body.value.page };
    case "manifestData":
      return { type: "manifestData", page: body.value.page };
    case "join":
    case "availability": {
      const coverage = nameOf(COVERAGES, body.value.coverage);
      if (coverage === undefined) throw violation(`${body.case} has coverage ${body.value.coverage}`);
      return { type: body.case, contentId: contentId(body.value.contentId), coverage };
    }
    case "availabilityUpdate": {
      const { gained, lost } = body.value;
      atMost("chunks in an availability update", gained.length + lost.length, MAX_UPDATE_NUMBERS);
      return { type: "availabilityUpdate", contentId: contentId(body.value.contentId), gained, lost };
    }
    case "getChunk":
      return {
        type: "getChunk",
        contentId: contentId(body.value.contentId),
        chunkIndex: body.value.chunkIndex,
        offerId: body.value.offerId,
      };
    case "chunkData":
      return { type: "chunkData", chunkIndex: body.value.chunkIndex, offset: body.value.offset };
    case "getPeers":
      return { type: "getPeers", contentId: contentId(body.value.contentId), max: body.value.max };
    case "peerList":
      atMost("peers in a peer list", body.value.peers.length, MAX_PEER_LIST);
      return { type: "peerList", peers: body.value.peers.flatMap(peerFromWire) };
    case "ping":
    case "pong":
    case "cancel":
      return { type: body.case };
    case "refusal":
      return {
        type: "refusal",
        reason: nameOf(REFUSAL_REASONS, body.value.reason) ?? "unspecified",
        message: cutToBytes(body.value.message, MAX_TEXT_BYTES),
        retryAfterMs: body.value.retryAfterMs,
      };
    case "offer": {
      const { offerId, chunks, deadlineMs } = body.value;
      if (offerId === 0 || chunks.length === 0) throw violation("an offer has no id or no chunks");
      atMost("chunks in an offer", chunks.length, MAX_OFFER_CHUNKS);
      return { type: "offer", offerId, contentId: contentId(body.value.contentId), chunks, deadlineMs };
    }
    case "decline":
      return {
        type: "decline",
        offerId: body.value.offerId,
        reason: nameOf(DECLINE_REASONS, body.value.reason) ?? "unspecified",
        retryAfterMs: body.value.retryAfterMs,
      };
    case "pullWindow":
      return {
        type: "pullWindow",
        contentId: contentId(body.value.contentId),
        requests: body.value.requests,
        rateLimited: body.value.rateLimited,
      };
    case "leave":
      return { type: "leave", contentId: contentId(body.value.contentId) };
  }
}

function helloFromWire(hello: WireHello): Hello {
  const { protocolMin, protocolMax, listenPort, maxRequestsInFlight, idleTimeoutMs, probe } = hello;
  if (protocolMin < 1 || protocolMax < protocolMin) throw violation("a Hello has no protocol version");
  if (listenPort > MAX_PORT) throw violation(`a Hello has listen port ${listenPort}`);
  if (maxRequestsInFlight < 1) throw violation("a Hello accepts no requests");
  if (hello.nonce.byteLength < 8 || hello.nonce.byteLength > 32)
    throw violation("a Hello has no nonce of 8 to 32 bytes");
  atMost("features in a Hello", hello.features.length, MAX_FEATURES);
  for (const feature of hello.features)
    atMost("bytes in the name of a feature", Buffer.byteLength(feature), MAX_FEATURE_BYTES);
  return {
    protocolMin,
    protocolMax,
    peerId: peerId(hello.peerId),
    agent: cutToBytes(hello.agent, MAX_AGENT_BYTES),
    features: hello.features,
    listenPort,
    nonce: toHex(hello.nonce),
    maxRequestsInFlight,
    idleTimeoutMs,
    probe,
  };
}

function peerToWire(peer: PeerAddress): MessageInitShape<typeof PeerAddressSchema> {
  return { peerId: idToBytes(peer.peerId), endpoints: peer.endpoints.map(endpointToWire) };
}

/** One peer of a list, or none if none of its endpoints can be dialled. */
function peerFromWire(peer: WirePeerAddress): PeerAddress[] {
  atMost("endpoints of a peer", peer.endpoints.length, MAX_PEER_ENDPOINTS);
  const endpoints = peer.endpoints.map(endpointFromWire).filter((endpoint) => endpoint !== undefined);
  return endpoints.length === 0 ? [] : [{ peerId: peerId(peer.peerId), endpoints }];
}

function contentId(bytes: Uint8Array): ContentId {
  const id = contentIdFromBytes(bytes);
  if (id === undefined) throw violation(`a content id has ${bytes.byteLength} bytes instead of 32`);
  return id;
}

function peerId(bytes: Uint8Array): PeerId {
  const id = peerIdFromBytes(bytes);
  if (id === undefined) throw violation(`a peer id has ${bytes.byteLength} bytes instead of 32`);
  return id;
}

function atMost(what: string, count: number, limit: number): void {
  if (count > limit) throw violation(`${count} ${what}, at most ${limit} are allowed`);
}
