// Limits and deadlines of a swarm, each written once.
import { KIB, MIB } from "../core/units.js";
import type { ManifestFetchOptions } from "./downloading/manifest-fetch.js";
import type { ReliefOptions } from "./downloading/relief.js";
import type { NeighbourhoodOptions } from "./neighbours/neighbourhood.js";
import type { PeerExchangeOptions } from "./neighbours/peer-exchange.js";
import type { PeerFinderOptions } from "./neighbours/peer-finder.js";
import type { TurnoverOptions } from "./neighbours/turnover.js";

export interface ServerOptions {
  /** Memory for what is being read and sent, for all connections together. */
  readonly uploadBufferBytes: number;
  /** A peer that has taken nothing for this time is disconnected if others wait for memory. */
  readonly stallTimeoutMs: number;
  /** Bounds of a slice; powers of two. */
  readonly minSliceBytes: number;
  readonly maxSliceBytes: number;
  /** The first slices of a connection, while most memory is free. */
  readonly firstSliceBytes: number;
  /** How long a slice should take: small frames wait behind it for that long. */
  readonly sliceDurationMs: number;
  /** The rate is measured over so many bytes, or this time if that is over first. A kernel takes up to 4 MiB for a peer
   * that reads nothing, so less than twice as much says nothing about a peer. */
  readonly rateWindowBytes: number;
  readonly rateWindowMs: number;
  readonly maxSlicesInFlight: number;
  /** Requests without an offer that a provider welcomes at a time from one peer. */
  readonly pullWindowRequests: number;
  /** A request that has not begun after this time is refused with BUSY. */
  readonly requestPatienceMs: number;
  /** The same under a rate limit, which makes any chunk slow. Requesters hang up after 20 s without a byte. */
  readonly limitedPatienceMs: number;
  /** Neighbours that exchange one content at a time; more are given manifests and told of other peers, and wait. */
  readonly maxNeighbours: number;
  /** How often the neighbour that took least makes room while another waits. */
  readonly turnMs: number;
}

export const defaultServerOptions: ServerOptions = Object.freeze({
  uploadBufferBytes: 32 * MIB,
  stallTimeoutMs: 5_000,
  minSliceBytes: 64 * KIB,
  maxSliceBytes: MIB,
  firstSliceBytes: 256 * KIB,
  sliceDurationMs: 50,
  rateWindowBytes: 8 * MIB,
  rateWindowMs: 1_000,
  maxSlicesInFlight: 2,
  pullWindowRequests: 16,
  requestPatienceMs: 10_000,
  limitedPatienceMs: 16_000,
  maxNeighbours: 1_000,
  turnMs: 30_000,
});

export interface UploadQueueOptions {
  /** Chunks named in one offer, of which the recipient takes one. */
  readonly maxOfferChunks: number;
  /** What one recipient may have open: offers without an answer, and chunks that it asked for and was not sent yet. */
  readonly maxCommittedPerRecipient: number;
  /** How long a recipient is assumed to take to answer an offer, until it has answered one. */
  readonly firstAnswerMs: number;
  /** An offer lapses after several times what its recipient takes to answer, within these bounds. */
  readonly minOfferDeadlineMs: number;
  readonly maxOfferDeadlineMs: number;
  /** Chunks that a recipient does not need are not offered to it again for this long, or until its next update. */
  readonly notNeededMs: number;
  /** How long a recipient without room is left alone if it does not say how long, and at most if it does. */
  readonly noRoomPauseMs: number;
  readonly maxNoRoomPauseMs: number;
}

export interface OfferingOptions extends UploadQueueOptions {
  /** An offer is made this long before it is needed, in addition to the time its answer takes. */
  readonly offerMarginMs: number;
  /** A neighbour is offered as many chunks at once as go out in this time. */
  readonly groupMs: number;
  /** Offers and requests that may be open, for all neighbours together. */
  readonly maxCommitted: number;
}

export const defaultOfferingOptions: OfferingOptions = Object.freeze({
  offerMarginMs: 10,
  groupMs: 50,
  maxCommitted: 32,
  maxOfferChunks: 4,
  maxCommittedPerRecipient: 4,
  firstAnswerMs: 100,
  minOfferDeadlineMs: 1_000,
  maxOfferDeadlineMs: 10_000,
  notNeededMs: 2_000,
  noRoomPauseMs: 100,
  maxNoRoomPauseMs: 10_000,
});

export interface DownloadSwarmOptions
  extends NeighbourhoodOptions,
    PeerExchangeOptions,
    PeerFinderOptions,
    ReliefOptions,
    ManifestFetchOptions,
    TurnoverOptions {
  /** Requests that a peer may have open before it has given a right chunk; two more for each one it gives. */
  readonly unprovenRequests: number;
  /** How long a neighbour that does not know the content is kept, in case it comes to know it. */
  readonly unjoinedMs: number;
  /** A download that has everything stays for peers that depend on it, until it has given nothing for this long. */
  readonly idleStayMs: number;
  /** How long it stays at most for peers that could get the rest elsewhere. */
  readonly maxCourtesyMs: number;
  /** Which chunk a download of so many begins with. Downloads that begin in different places have something to give
   * each other. */
  readonly firstChunk: (chunkCount: number) => number;
}

export const defaultDownloadSwarmOptions: DownloadSwarmOptions = Object.freeze({
  maxDials: 32,
  slowDialMs: 1_000,
  maxPeers: 50,
  targetPeers: 10,
  rotationMs: 60_000,
  starvationTickMs: 1_000,
  maxCandidates: 1000,
  maxDialFailures: 6,
  minRedialMs: 500,
  maxRedialMs: 15_000,
  unprovenRequests: 1,
  minRefusalPauseMs: 100,
  maxRefusalPauseMs: 10_000,
  minExchangeMs: 500,
  maxExchangeMs: 30_000,
  unjoinedMs: 30_000,
  idleStayMs: 10_000,
  maxCourtesyMs: 5_000,
  handOverTickMs: 250,
  minHandOverGainMs: 250,
  handOverPatienceMs: 500,
  minShunMs: 30_000,
  maxShunMs: 600_000,
  unofferedMs: 10_000,
  stalledSlotMs: 3_000,
  manifestPagesInFlight: 8,
  manifestPatienceMs: 1_000,
  manifestPeers: 8,
  firstChunk: (chunkCount: number) => Math.floor(Math.random() * chunkCount),
});
