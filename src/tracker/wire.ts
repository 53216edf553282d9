// The peer's side of tracker.proto: domain types ⇒ requests, responses ⇒ domain types. A tracker is a stranger: excess
// is cut off, what is no valid peer, id or address is skipped, and intervals are kept within bounds. The tracker's own
// side is server/wire.ts.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Endpoint as EndpointMessage } from "../../gen/goshare/v1/endpoint_pb.js";
import type {
  AnnounceRequestSchema,
  AnnounceResponse,
  GetTrackerInfoResponse,
  ListPeersRequestSchema,
  ListPeersResponse,
  SwarmAnswer as SwarmAnswerMessage,
  SwarmCounts as SwarmCountsMessage,
  SwarmPeer as SwarmPeerMessage,
} from "../../gen/goshare/v1/tracker_pb.js";
import { mayDial } from "../address/dialable.js";
import type { Endpoint } from "../address/endpoint.js";
import { parseAddress } from "../address/host.js";
import { endpointFromWire, endpointToWire } from "../address/wire.js";
import {
  type ContentId,
  contentIdFromBytes,
  idToBytes,
  type PeerId,
  peerIdFromBytes,
  toHex,
} from "../core/ids.js";
import type {
  AnnounceAnswer,
  Announcement,
  Swarm,
  SwarmAnswer,
  SwarmCounts,
  SwarmPeer,
  TrackerHealth,
  TrackerInfo,
} from "./announcement.js";
import {
  MAX_ENDPOINTS_PER_PEER,
  MAX_LEASE_TOKEN_BYTES,
  MAX_RENEW_MS,
  MIN_RENEW_MS,
  TTL_PER_RENEWAL,
} from "./limits.js";

/** How many characters of a tracker's own description are kept. */
const MAX_AGENT_CHARACTERS = 100;
const MAX_INSTANCE_ID_BYTES = 64;

export function announcementToWire(
  announcement: Announcement,
  leaseToken: Uint8Array,
): MessageInitShape<typeof AnnounceRequestSchema> {
  const { peerId, runEpochMs, endpoints, listenPort, shares, excludePeerId } = announcement;
  return {
    peerId: idToBytes(peerId),
    runEpochMs: BigInt(runEpochMs),
    endpoints: endpoints.map(endpointToWire),
    listenPort,
    shares: shares.map(({ contentId, chunksHeld, complete, wantPeers }) => ({
      contentId: idToBytes(contentId),
      chunksHeld,
      complete,
      wantPeers,
    })),
    leaseToken,
    excludePeerId: optionalId(excludePeerId),
  };
}

export function peersQueryToWire(
  contentId: ContentId,
  max: number,
  excludePeerId: PeerId | undefined,
): MessageInitShape<typeof ListPeersRequestSchema> {
  return { contentId: idToBytes(contentId), max, excludePeerId: optionalId(excludePeerId) };
}

function optionalId(id: PeerId | undefined): Uint8Array {
  return id === undefined ? new Uint8Array(0) : idToBytes(id);
}

/** The answer of the tracker at `trackerHost` to `asked`, without what was not asked for. */
export function announceAnswerFromWire(
  message: AnnounceResponse,
  asked: Announcement,
  trackerHost: string,
): AnnounceAnswer {
  const excluded = new Set([asked.peerId, asked.excludePeerId]);
  const wantPeers = new Map(asked.shares.map((share) => [share.contentId, share.wantPeers]));
  const answers: SwarmAnswer[] = [];
  for (const answer of message.answers) {
    const contentId = contentIdFromBytes(answer.contentId);
    const max = contentId === undefined ? undefined : wantPeers.get(contentId);
    if (contentId === undefined || max === undefined) continue;
    wantPeers.delete(contentId); // a second answer for the same share is one too many
    answers.push({ contentId, ...swarmFromWire(answer, max, excluded, trackerHost) });
  }

  const publishable = new Set(
    asked.shares.filter(({ complete }) => complete).map(({ contentId }) => contentId),
  );
  const wanted = message.wantedManifests
    .map(contentIdFromBytes)
    .filter((contentId) => contentId !== undefined);
  return {
    ttlMs: between(message.ttlMs, MIN_RENEW_MS, MAX_RENEW_MS * TTL_PER_RENEWAL),
    renewAfterMs: between(message.renewAfterMs, MIN_RENEW_MS, MAX_RENEW_MS),
    listedEndpoints: endpointsFromWire(message.listedEndpoints, trackerHost),
    answers,
    wantedManifests: [...new Set(wanted)].filter((contentId) => publishable.has(contentId)),
  };
}

/** A copy of the token, which outlives the response; empty if it is not a token. */
export function leaseTokenFromWire({ leaseToken }: AnnounceResponse): Uint8Array {
  return leaseToken.length > MAX_LEASE_TOKEN_BYTES ? new Uint8Array(0) : Uint8Array.from(leaseToken);
}

/** At most `max` peers, without those excluded, each once and with an address that may be dialled. */
export function swarmFromWire(
  message: ListPeersResponse | SwarmAnswerMessage,
  max: number,
  excluded: ReadonlySet<PeerId | undefined>,
  trackerHost: string,
): Swarm {
  const peers = new Map<PeerId, SwarmPeer>();
  for (const one of message.peers) {
    if (peers.size >= max) break;
    const peer = peerFromWire(one, trackerHost);
    if (peer !== undefined && !excluded.has(peer.peerId) && !peers.has(peer.peerId))
      peers.set(peer.peerId, peer);
  }
  return { peers: [...peers.values()], counts: countsFromWire(message.counts) };
}

function peerFromWire(message: SwarmPeerMessage, trackerHost: string): SwarmPeer | undefined {
  const peerId = peerIdFromBytes(message.peerId);
  const endpoints = endpointsFromWire(message.endpoints, trackerHost);
  if (peerId === undefined || endpoints.length === 0) return undefined;
  return { peerId, endpoints, chunksHeld: message.chunksHeld, complete: message.complete };
}

function endpointsFromWire(messages: readonly EndpointMessage[], trackerHost: string): readonly Endpoint[] {
  return messages
    .slice(0, MAX_ENDPOINTS_PER_PEER)
    .map(endpointFromWire)
    .filter((endpoint) => endpoint !== undefined)
    .filter((endpoint) => mayDial(endpoint, trackerHost));
}

function countsFromWire(message: SwarmCountsMessage | undefined): SwarmCounts {
  return { completePeers: message?.completePeers ?? 0, partialPeers: message?.partialPeers ?? 0 };
}

export function infoFromWire(message: GetTrackerInfoResponse): TrackerInfo {
  const { agent, instanceId, ttlMs, maxSharesPerAnnounce, maxManifestBytes, observedHost } = message;
  return {
    agent: agent.slice(0, MAX_AGENT_CHARACTERS),
    instanceId: toHex(instanceId.subarray(0, MAX_INSTANCE_ID_BYTES)),
    ttlMs,
    maxSharesPerAnnounce,
    maxManifestBytes,
    // It goes into command lines that people copy.
    observedHost: parseAddress(observedHost)?.toString() ?? "",
  };
}

const HEALTH_STATUS_FIELD = 1;
const HEALTH_BY_NUMBER: readonly TrackerHealth[] = ["UNKNOWN", "SERVING", "NOT_SERVING"];

/** The status in a grpc.health.v1.HealthCheckResponse. */
export function healthFromWire(bytes: Uint8Array): TrackerHealth {
  let status = 0;
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [fieldNumber, wireType] = reader.tag();
      const isStatus = fieldNumber === HEALTH_STATUS_FIELD && wireType === WireType.Varint;
      if (isStatus) status = reader.int32();
      else reader.skip(wireType, fieldNumber);
    }
  } catch {
    return "UNKNOWN";
  }
  return HEALTH_BY_NUMBER[status] ?? "UNKNOWN";
}

function between(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(value, max));
}
