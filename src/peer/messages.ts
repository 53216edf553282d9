// What peers say to each other, as domain types. proto/goshare/v1/peer.proto says what each means; wire.ts is the only
// place where bytes become these. Knows no sockets.
import type { Endpoint } from "../address/endpoint.js";
import type { ContentId, PeerId } from "../core/ids.js";

/** The one version of the protocol spoken here. */
export const PROTOCOL_VERSION = 1;

export type Coverage = "none" | "complete" | "bitfield";

export type GoodbyeReason =
  | "unspecified"
  | "finished"
  | "duplicate"
  | "protocolError"
  | "version"
  | "shuttingDown"
  | "tooManyConnections"
  | "self"
  | "timeout"
  | "banned";

export type RefusalReason =
  | "unspecified"
  | "contentUnknown"
  | "chunkUnavailable"
  | "busy"
  | "rateLimited"
  | "sourceChanged"
  | "cancelled"
  | "unimplemented"
  | "limitExceeded"
  | "permissionDenied"
  | "shuttingDown"
  | "internal";

export type DeclineReason = "unspecified" | "notNeeded" | "notWanted" | "noRoom";

/** The feature of peers that understand offers (proto/goshare/v1/peer.proto, "Offers"). */
export const OFFERS_FEATURE = "offers";

export interface Hello {
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly peerId: PeerId;
  /** At most 64 bytes; from a stranger. */
  readonly agent: string;
  readonly features: readonly string[];
  /** 0: does not accept connections. */
  readonly listenPort: number;
  /** 8 to 32 bytes as hex. */
  readonly nonce: string;
  readonly maxRequestsInFlight: number;
  readonly idleTimeoutMs: number;
  readonly probe: boolean;
}

export interface PeerAddress {
  readonly peerId: PeerId;
  readonly endpoints: readonly Endpoint[];
}

export type Notice =
  | ({ readonly type: "hello" } & Hello)
  | { readonly type: "goodbye"; readonly reason: GoodbyeReason; readonly message: string }
  | {
      readonly type: "availabilityUpdate";
      readonly contentId: ContentId;
      readonly gained: readonly number[];
      readonly lost: readonly number[];
    }
  | {
      readonly type: "offer";
      readonly offerId: number;
      readonly contentId: ContentId;
      readonly chunks: readonly number[];
      readonly deadlineMs: number;
    }
  | {
      readonly type: "decline";
      readonly offerId: number;
      readonly reason: DeclineReason;
      readonly retryAfterMs: number;
    }
  | {
      readonly type: "pullWindow";
      readonly contentId: ContentId;
      readonly requests: number;
      readonly rateLimited: boolean;
    }
  | { readonly type: "leave"; readonly contentId: ContentId };

export type Request =
  | { readonly type: "getManifest"; readonly contentId: ContentId; readonly page: number }
  | { readonly type: "join"; readonly contentId: ContentId; readonly coverage: Coverage }
  | {
      readonly type: "getChunk";
      readonly contentId: ContentId;
      readonly chunkIndex: number;
      /** 0: without an offer. */
      readonly offerId: number;
    }
  | { readonly type: "getPeers"; readonly contentId: ContentId; readonly max: number }
  | { readonly type: "ping" };

export type Reply =
  | { readonly type: "manifestData"; readonly page: number }
  | { readonly type: "availability"; readonly contentId: ContentId; readonly coverage: Coverage }
  | { readonly type: "chunkData"; readonly chunkIndex: number; readonly offset: number }
  | { readonly type: "peerList"; readonly peers: readonly PeerAddress[] }
  | { readonly type: "pong" }
  | {
      readonly type: "refusal";
      readonly reason: RefusalReason;
      readonly message: string;
      readonly retryAfterMs: number;
    };

export type Cancel = { readonly type: "cancel" };

/** A body that this version does not know. */
export type Unknown = { readonly type: "unknown" };

export type PeerMessage = Notice | Request | Reply | Cancel | Unknown;

export type MessageType = PeerMessage["type"];

/** A frame's header, decoded. */
export interface FrameHeader<M extends PeerMessage = PeerMessage> {
  /** 0 for notices. */
  readonly requestId: number;
  readonly message: M;
}

const REQUEST_TYPES: ReadonlySet<MessageType> = new Set([
  "getManifest",
  "join",
  "getChunk",
  "getPeers",
  "ping",
]);
const REPLY_TYPES: ReadonlySet<MessageType> = new Set([
  "manifestData",
  "availability",
  "chunkData",
  "peerList",
  "pong",
  "refusal",
]);

/** A message in a sentence: "a ping", "an availability". */
export function aMessage({ type }: PeerMessage): string {
  return `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}

export function isRequest(message: PeerMessage): message is Request {
  return REQUEST_TYPES.has(message.type);
}

export function isReply(message: PeerMessage): message is Reply {
  return REPLY_TYPES.has(message.type);
}

/** Some bytes of a chunk, on their way to its requester. */
export interface ChunkSlice {
  readonly chunkIndex: number;
  /** Where in the chunk the bytes begin. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Whether they are the chunk's last. */
  readonly isLast: boolean;
}
