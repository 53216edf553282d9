// The headers in frames/: one of each message as this program writes it, and what no peer may write.
import type { BodyInit } from "../support/scripted-peer.js";

/** Where the vectors lie, from dist/test/vectors. */
export const FRAMES = new URL("../../../test/vectors/frames/", import.meta.url);

const CONTENT_ID = Uint8Array.from({ length: 32 }, (_, index) => index);
const PEER_ID = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
const contentId = CONTENT_ID;
const NONCE = CONTENT_ID.subarray(0, 16);

const HELLO = {
  ...{ protocolMin: 1, protocolMax: 1, peerId: PEER_ID, agent: "goshare/0.1.0", nonce: NONCE },
  ...{ features: ["offers"], listenPort: 9000, maxRequestsInFlight: 64, idleTimeoutMs: 120_000 },
};

const ENDPOINTS = [
  { host: "192.0.2.7", port: 9000, transport: 1 },
  { host: "2001:db8::7", port: 9001, transport: 2, certificateSha256: CONTENT_ID },
];

/** Name → request id and body. */
export const GOOD_FRAMES: Readonly<Record<string, readonly [number, BodyInit]>> = {
  hello: [0, { case: "hello", value: HELLO }],
  "hello-probe": [0, { case: "hello", value: { ...HELLO, features: [], listenPort: 0, probe: true } }],
  goodbye: [0, { case: "goodbye", value: { reason: 3, message: "a chunkData before Hello" } }],
  "get-manifest": [1, { case: "getManifest", value: { contentId } }],
  "get-manifest-page": [3, { case: "getManifest", value: { contentId, page: 12 } }],
  "manifest-data": [3, { case: "manifestData", value: { page: 12 } }],
  join: [5, { case: "join", value: { contentId, coverage: 1 } }],
  availability: [5, { case: "availability", value: { contentId, coverage: 3 } }],
  "availability-complete": [5, { case: "availability", value: { contentId, coverage: 2 } }],
  "availability-update": [
    0,
    { case: "availabilityUpdate", value: { contentId, gained: [0, 1, 300], lost: [16_777_215] } },
  ],
  "get-chunk": [7, { case: "getChunk", value: { contentId } }],
  "get-chunk-offered": [9, { case: "getChunk", value: { contentId, chunkIndex: 70_000, offerId: 4 } }],
  "chunk-data": [9, { case: "chunkData", value: { chunkIndex: 70_000, offset: 65_536 } }],
  "get-peers": [11, { case: "getPeers", value: { contentId, max: 16 } }],
  "peer-list": [11, { case: "peerList", value: { peers: [{ peerId: PEER_ID, endpoints: ENDPOINTS }] } }],
  "peer-list-empty": [11, { case: "peerList", value: {} }],
  ping: [4_294_967_295, { case: "ping", value: {} }],
  pong: [4_294_967_295, { case: "pong", value: {} }],
  refusal: [9, { case: "refusal", value: { reason: 3, message: "later", retryAfterMs: 1000 } }],
  cancel: [9, { case: "cancel", value: {} }],
  offer: [0, { case: "offer", value: { offerId: 4, contentId, chunks: [70_000, 3], deadlineMs: 40 } }],
  decline: [0, { case: "decline", value: { offerId: 4, reason: 1, retryAfterMs: 2000 } }],
  "pull-window": [0, { case: "pullWindow", value: { contentId, requests: 16 } }],
  "pull-window-rate-limited": [
    0,
    { case: "pullWindow", value: { contentId, requests: 3, rateLimited: true } },
  ],
  leave: [0, { case: "leave", value: { contentId } }],
};

/** What this version does not know, and how it is read: name → header in hex. */
export const UNKNOWN_FRAMES: Readonly<Record<string, string>> = {
  "unknown-body": "0809 a2380155",
  "unknown-body-notice": "a2380155",
  "unknown-refusal-reason": "0809 7a03 08e707",
  "unknown-goodbye-reason": "1a03 08e707",
  "unknown-decline-reason": "9201 05 0804 10e707",
  // A peer with two endpoints, a:1 of transport 7 and b:1 of TCP: the first is skipped.
  "unknown-transport": `080b 6236 0a34 0a20 ${"11".repeat(32)} 1207 0a0161 1001 1807 1207 0a0162 1001 1801`,
};

const short = CONTENT_ID.subarray(0, 31);
const long = new Uint8Array(33);
const count = (length: number) => Array.from({ length }, (_, index) => index);
const peer = { peerId: PEER_ID, endpoints: ENDPOINTS };

/** Headers that break a rule: PEER_PROTOCOL. */
export const BAD_FRAMES: Readonly<Record<string, readonly [number, BodyInit]>> = {
  "bad-hello-version": [0, { case: "hello", value: { ...HELLO, protocolMin: 0 } }],
  "bad-hello-version-order": [0, { case: "hello", value: { ...HELLO, protocolMin: 3, protocolMax: 2 } }],
  "bad-hello-peer-id": [0, { case: "hello", value: { ...HELLO, peerId: short } }],
  "bad-hello-nonce-short": [0, { case: "hello", value: { ...HELLO, nonce: NONCE.subarray(0, 7) } }],
  "bad-hello-nonce-long": [0, { case: "hello", value: { ...HELLO, nonce: long } }],
  "bad-hello-port": [0, { case: "hello", value: { ...HELLO, listenPort: 65_536 } }],
  "bad-hello-requests": [0, { case: "hello", value: { ...HELLO, maxRequestsInFlight: 0 } }],
  "bad-hello-features": [0, { case: "hello", value: { ...HELLO, features: count(33).map(String) } }],
  "bad-hello-feature": [0, { case: "hello", value: { ...HELLO, features: ["é".repeat(17)] } }],
  "bad-get-manifest-id": [1, { case: "getManifest", value: { contentId: short } }],
  "bad-get-chunk-id": [1, { case: "getChunk", value: { contentId: long } }],
  "bad-get-peers-id": [1, { case: "getPeers", value: {} }],
  "bad-join-id": [1, { case: "join", value: { contentId: short, coverage: 1 } }],
  "bad-join-coverage": [1, { case: "join", value: { contentId } }],
  "bad-update-id": [0, { case: "availabilityUpdate", value: { contentId: short } }],
  "bad-update-length": [
    0,
    { case: "availabilityUpdate", value: { contentId, gained: count(1025), lost: count(1024) } },
  ],
  "bad-offer-id": [0, { case: "offer", value: { contentId, chunks: [1] } }],
  "bad-offer-empty": [0, { case: "offer", value: { offerId: 1, contentId } }],
  "bad-offer-length": [0, { case: "offer", value: { offerId: 1, contentId, chunks: count(65) } }],
  "bad-pull-window-id": [0, { case: "pullWindow", value: {} }],
  "bad-leave-id": [0, { case: "leave", value: { contentId: long } }],
  "bad-peer-list-length": [1, { case: "peerList", value: { peers: count(17).map(() => peer) } }],
  "bad-peer-list-id": [1, { case: "peerList", value: { peers: [{ ...peer, peerId: short }] } }],
  "bad-peer-list-endpoints": [
    1,
    { case: "peerList", value: { peers: [{ ...peer, endpoints: count(5).map(() => ENDPOINTS[0] ?? {}) }] } },
  ],
};

/** The same in hex, and what is no PeerFrame at all. */
export const RAW_BAD_FRAMES: Readonly<Record<string, string>> = {
  "bad-join-coverage-unknown": `0801 3224 0a20 ${"11".repeat(32)} 1004`,
  "bad-availability-coverage": `0801 3a24 0a20 ${"11".repeat(32)} 1063`,
  "bad-bytes": "ffffff",
  "bad-cut-short": "1a05 0803",
  "bad-wire-type": "0a00 15 00000000",
};
