// The tracker's side of tracker.proto: requests ⇒ domain types, domain types ⇒ responses. The one place where
// what callers send is checked; whatever breaks a rule is INVALID_ARGUMENT and named. Decides nothing.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AnnounceRequest,
  AnnounceResponseSchema,
  ListPeersRequest,
  ListPeersResponseSchema,
  PublishManifestRequest,
  ShareAnnouncement as ShareMessage,
  SwarmPeerSchema,
  WithdrawRequest,
} from "../../../gen/goshare/v1/tracker_pb.js";
import type { Endpoint } from "../../address/endpoint.js";
import { MAX_PORT } from "../../address/limits.js";
import { endpointFromWire, endpointToWire } from "../../address/wire.js";
import {
  type ContentId,
  contentIdFromBytes,
  idToBytes,
  type PeerId,
  peerIdFromBytes,
} from "../../core/ids.js";
import { MAX_ROOT_BYTES } from "../../manifest/limits.js";
import { RpcError } from "../../rpc/rpc-error.js";
import type { AnnounceAnswer, Announcement, ShareAnnouncement, Swarm, SwarmPeer } from "../announcement.js";
import {
  MAX_ANNOUNCED_ENDPOINTS,
  MAX_LEASE_TOKEN_BYTES,
  MAX_SHARES_PER_ANNOUNCE,
  MAX_WANT_PEERS,
  MAX_WITHDRAWN_SHARES,
} from "../limits.js";

function invalid(problem: string): RpcError {
  return new RpcError("INVALID_ARGUMENT", problem);
}

/** What proves a lease, in calls that need one. */
export interface LeaseClaim {
  readonly peerId: PeerId;
  readonly leaseToken: Uint8Array;
}

/** Shares are there once, in the order of the request. */
export function announcementFromWire(message: AnnounceRequest): Announcement & LeaseClaim {
  const { runEpochMs, listenPort, endpoints, shares, excludePeerId } = message;
  if (runEpochMs > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`run_epoch_ms is ${runEpochMs}`);
  if (listenPort > MAX_PORT) throw invalid(`listen_port is ${listenPort}`);
  atMost("endpoints", endpoints.length, MAX_ANNOUNCED_ENDPOINTS);
  atMost("shares", shares.length, MAX_SHARES_PER_ANNOUNCE);

  const byContentId = new Map<ContentId, ShareAnnouncement>();
  for (const [index, share] of shares.entries()) {
    const announced = shareFromWire(share, index);
    byContentId.set(announced.contentId, announced);
  }
  return {
    ...claimFromWire(message),
    runEpochMs: Number(runEpochMs),
    endpoints: endpoints.map(endpointFromWire).filter((endpoint) => endpoint !== undefined),
    listenPort,
    shares: [...byContentId.values()],
    excludePeerId: optionalPeerId("exclude_peer_id", excludePeerId),
  };
}

function shareFromWire(message: ShareMessage, index: number): ShareAnnouncement {
  const { chunksHeld, complete, wantPeers } = message;
  const contentId = requiredContentId(`shares[${index}].content_id`, message.contentId);
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

/** The root is not checked beyond its length, and a view of the request. */
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

export function announceAnswerToWire(
  answer: AnnounceAnswer,
  leaseToken: Uint8Array,
): MessageInitShape<typeof AnnounceResponseSchema> {
  const { ttlMs, renewAfterMs, listedEndpoints, answers, wantedManifests } = answer;
  return {
    ttlMs,
    renewAfterMs,
    listedEndpoints: endpointsToWire(listedEndpoints),
    leaseToken,
    answers: answers.map(({ contentId, peers, counts }) => ({
      contentId: idToBytes(contentId),
      peers: peers.map(peerToWire),
      counts,
    })),
    wantedManifests: wantedManifests.map(idToBytes),
  };
}

export function swarmToWire({ peers, counts }: Swarm): MessageInitShape<typeof ListPeersResponseSchema> {
  return { peers: peers.map(peerToWire), counts };
}

function peerToWire(peer: SwarmPeer): MessageInitShape<typeof SwarmPeerSchema> {
  const { peerId, endpoints, chunksHeld, complete } = peer;
  return { peerId: idToBytes(peerId), endpoints: endpointsToWire(endpoints), chunksHeld, complete };
}

function endpointsToWire(endpoints: readonly Endpoint[]): ReturnType<typeof endpointToWire>[] {
  return endpoints.map(endpointToWire);
}
