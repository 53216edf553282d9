// The tracker's side of tracker.proto: requests ⇒ domain types, domain types ⇒ responses. The only place where callers'
// input is checked; a field that breaks a rule is named with INVALID_ARGUMENT. Answers that hold peers are written
// field by field: with the general codec one of 50 peers took a tracker twice as long. Decides nothing.
import type { DescField } from "@bufbuild/protobuf";
import {
  type AnnounceRequest,
  AnnounceResponseSchema,
  type ListPeersRequest,
  ListPeersResponseSchema,
  type PublishManifestRequest,
  type ShareAnnouncement as ShareMessage,
  SwarmAnswerSchema,
  SwarmCountsSchema,
  SwarmPeerSchema,
  type WithdrawRequest,
} from "../../../gen/goshare/v1/tracker_pb.js";
import type { Endpoint } from "../../address/endpoint.js";
import { MAX_PORT } from "../../address/limits.js";
import { endpointFromWire, writeEndpoint, writeTcpEndpoint } from "../../address/wire.js";
import {
  type ContentId,
  contentIdFromBytes,
  DIGEST_BYTES,
  type PeerId,
  peerIdFromBytes,
} from "../../core/ids.js";
import { MessageWriter } from "../../core/message-writer.js";
import { MAX_ROOT_BYTES } from "../../manifest/limits.js";
import { RpcError } from "../../rpc/rpc-error.js";
import type { Announcement, ShareAnnouncement, SwarmCounts } from "../announcement.js";
import {
  MAX_ANNOUNCED_ENDPOINTS,
  MAX_LEASE_TOKEN_BYTES,
  MAX_SHARES_PER_ANNOUNCE,
  MAX_WANT_PEERS,
  MAX_WITHDRAWN_SHARES,
} from "../limits.js";
import type { ToldAnswer, ToldPeers, ToldSwarm, Whereabouts } from "./handout.js";
import type { PeerRows } from "./peer-rows.js";

function invalid(problem: string): RpcError {
  return new RpcError("INVALID_ARGUMENT", problem);
}

/** The proof of a lease, in calls that need one. */
export interface LeaseClaim {
  readonly peerId: PeerId;
  readonly leaseToken: Uint8Array;
}

/** The announcement, with each share once, in the order of the request. */
export function announcementFromWire(message: AnnounceRequest): Announcement & LeaseClaim {
  const { runEpochMs, listenPort, endpoints, shares, excludePeerId } = message;
  if (runEpochMs > LATEST_EPOCH_MS) throw invalid(`run_epoch_ms is ${runEpochMs}`);
  if (listenPort > MAX_PORT) throw invalid(`listen_port is ${listenPort}`);
  atMost("endpoints", endpoints.length, MAX_ANNOUNCED_ENDPOINTS);
  atMost("shares", shares.length, MAX_SHARES_PER_ANNOUNCE);
  const { peerId, leaseToken } = claimFromWire(message);
  return {
    peerId,
    leaseToken,
    runEpochMs: Number(runEpochMs),
    endpoints: endpoints.map(endpointFromWire).filter((endpoint) => endpoint !== undefined),
    listenPort,
    shares: onceEach(shares.map(shareFromWire)),
    excludePeerId: optionalPeerId("exclude_peer_id", excludePeerId),
  };
}

const LATEST_EPOCH_MS = BigInt(Number.MAX_SAFE_INTEGER);

/** Of two for one share the last counts, at the place of the first. */
function onceEach(shares: readonly ShareAnnouncement[]): readonly ShareAnnouncement[] {
  if (shares.length < 2) return shares;
  return [...new Map(shares.map((share) => [share.contentId, share])).values()];
}

function shareFromWire(message: ShareMessage, index: number): ShareAnnouncement {
  const { chunksHeld, complete, wantPeers } = message;
  const contentId = contentIdFromBytes(message.contentId);
  if (contentId === undefined) throw wrongLength(`shares[${index}].content_id`, message.contentId);
  if (wantPeers > MAX_WANT_PEERS) {
    throw invalid(`shares[${index}].want_peers is ${wantPeers}, more than ${MAX_WANT_PEERS}`);
  }
  return { contentId, chunksHeld, complete, wantPeers };
}

function claimFromWire(message: { peerId: Uint8Array; leaseToken: Uint8Array }): LeaseClaim {
  const { leaseToken } = message;
  atMost("lease_token", leaseToken.length, MAX_LEASE_TOKEN_BYTES);
  const peerId = peerIdFromBytes(message.peerId);
  if (peerId === undefined) throw wrongLength("peer_id", message.peerId);
  return { peerId, leaseToken };
}

export function withdrawalFromWire(
  message: WithdrawRequest,
): LeaseClaim & { contentIds: readonly ContentId[] } {
  atMost("content_ids", message.contentIds.length, MAX_WITHDRAWN_SHARES);
  const contentIds = message.contentIds.map((id, index) => requiredContentId(`content_ids[${index}]`, id));
  return { ...claimFromWire(message), contentIds };
}

export interface PeersQuery {
  readonly contentId: ContentId;
  readonly max: number;
  readonly excludePeerId: PeerId | undefined;
}

export function peersQueryFromWire({ contentId, max, excludePeerId }: ListPeersRequest): PeersQuery {
  return {
    contentId: requiredContentId("content_id", contentId),
    max: Math.min(max, MAX_WANT_PEERS),
    excludePeerId: optionalPeerId("exclude_peer_id", excludePeerId),
  };
}

/** The publication. Its root is a view of the request, and only its length has been checked. */
export function publicationFromWire(message: PublishManifestRequest): LeaseClaim & { manifest: Uint8Array } {
  const { manifest } = message;
  atMost("manifest", manifest.length, MAX_ROOT_BYTES);
  return { ...claimFromWire(message), manifest };
}

export function requiredContentId(field: string, bytes: Uint8Array): ContentId {
  const contentId = contentIdFromBytes(bytes);
  if (contentId === undefined) throw wrongLength(field, bytes);
  return contentId;
}

function optionalPeerId(field: string, bytes: Uint8Array): PeerId | undefined {
  if (bytes.length === 0) return undefined;
  const peerId = peerIdFromBytes(bytes);
  if (peerId === undefined) throw wrongLength(field, bytes);
  return peerId;
}

function wrongLength(field: string, bytes: Uint8Array): RpcError {
  return invalid(`${field} has ${bytes.length} bytes, not 32`);
}

function atMost(field: string, count: number, max: number): void {
  if (count > max) throw invalid(`${field} has ${count}, more than ${max}`);
}

/** Its memory is reused for every answer. */
const writer = new MessageWriter();

/** An AnnounceResponse, encoded. */
export function encodeAnnounceAnswer(answer: ToldAnswer, leaseToken: Uint8Array): Buffer {
  writer.start();
  writer.number(ANNOUNCE.ttlMs, answer.ttlMs);
  writer.number(ANNOUNCE.renewAfterMs, answer.renewAfterMs);
  for (const endpoint of answer.listedEndpoints) putEndpoint(ANNOUNCE.listedEndpoints, endpoint);
  writer.bytes(ANNOUNCE.leaseToken, leaseToken);
  for (const { contentId, peers, counts } of answer.answers) {
    const begun = writer.begin(ANNOUNCE.answers);
    writer.hex(ANSWER.contentId, contentId);
    putPeers(ANSWER.peers, peers);
    putCounts(ANSWER.counts, counts);
    writer.end(begun);
  }
  for (const contentId of answer.wantedManifests) writer.hex(ANNOUNCE.wantedManifests, contentId);
  return writer.finish();
}

/** A ListPeersResponse, encoded. */
export function encodeSwarm({ peers, counts }: ToldSwarm): Buffer {
  writer.start();
  putPeers(LIST.peers, peers);
  putCounts(LIST.counts, counts);
  return writer.finish();
}

const ANNOUNCE = AnnounceResponseSchema.field;
const ANSWER = SwarmAnswerSchema.field;
const LIST = ListPeersResponseSchema.field;
const PEER = SwarmPeerSchema.field;
const COUNTS = SwarmCountsSchema.field;

function putPeers(field: DescField, told: ToldPeers): void {
  for (let row = 0; row < told.rows.length; row++) {
    const whereabouts = told.whereaboutsOf(row);
    if (whereabouts !== undefined) putPeer(field, told.rows, row, whereabouts);
  }
}

function putPeer(field: DescField, rows: PeerRows, row: number, whereabouts: Whereabouts): void {
  const begun = writer.begin(field);
  const placeAt = rows.placeAt(row);
  writer.slice(PEER.peerId, rows.bytes, placeAt, placeAt + DIGEST_BYTES);
  if (whereabouts === "asSeen") {
    const begunEndpoint = writer.begin(PEER.endpoints);
    writeTcpEndpoint(writer, rows.bytes, rows.hostStartOf(row), rows.hostEndOf(row), rows.listenPortOf(row));
    writer.end(begunEndpoint);
  } else for (const endpoint of whereabouts) putEndpoint(PEER.endpoints, endpoint);
  writer.number(PEER.chunksHeld, rows.chunksHeldOf(row));
  writer.bool(PEER.complete, rows.isComplete(row));
  writer.end(begun);
}

function putEndpoint(field: DescField, endpoint: Endpoint): void {
  const begun = writer.begin(field);
  writeEndpoint(writer, endpoint);
  writer.end(begun);
}

function putCounts(field: DescField, { completePeers, partialPeers }: SwarmCounts): void {
  const begun = writer.begin(field);
  writer.number(COUNTS.completePeers, completePeers);
  writer.number(COUNTS.partialPeers, partialPeers);
  writer.end(begun);
}
