// The domain types of a tracker's calls: what peers tell it and what it tells them. Values of these types have passed
// the checks of wire.ts; what a tracker says about peers is only a hint all the same.
import type { Endpoint } from "../address/endpoint.js";
import type { ContentId, PeerId } from "../core/ids.js";

/** What one peer has of one share. */
export interface HeldShare {
  readonly contentId: ContentId;
  /** Chunks verified and served; 0 while it waits for the first or lacks the manifest. For display. */
  readonly chunksHeld: number;
  readonly complete: boolean;
}

export interface ShareAnnouncement extends HeldShare {
  /** Peers wanted in the answer for this share, 0 to MAX_WANT_PEERS. */
  readonly wantPeers: number;
}

export interface Announcement {
  readonly peerId: PeerId;
  /** Unix milliseconds at which the process started. */
  readonly runEpochMs: number;
  /** Where the peer says it can be reached, besides the observed address. At most MAX_ANNOUNCED_ENDPOINTS. */
  readonly endpoints: readonly Endpoint[];
  /** The port at which it accepts peers at its observed address, 1 to 65535; 0 if it accepts none. */
  readonly listenPort: number;
  /** At most MAX_SHARES_PER_ANNOUNCE. If a content id is listed twice, only the last counts. */
  readonly shares: readonly ShareAnnouncement[];
  /** A peer to leave out of the answers, besides the caller itself. */
  readonly excludePeerId?: PeerId | undefined;
}

/** A peer that has, or waits for, a share. */
export interface SwarmPeer {
  readonly peerId: PeerId;
  /** At least one. */
  readonly endpoints: readonly Endpoint[];
  readonly chunksHeld: number;
  readonly complete: boolean;
}

/** How many live leases a share has. */
export interface SwarmCounts {
  readonly completePeers: number;
  readonly partialPeers: number;
}

/** A tracker's view of one share: a random sample of its peers, and how many there are. */
export interface Swarm {
  readonly peers: readonly SwarmPeer[];
  readonly counts: SwarmCounts;
}

export interface SwarmAnswer extends Swarm {
  readonly contentId: ContentId;
}

export interface AnnounceAnswer {
  /** The leases end this many milliseconds from now. */
  readonly ttlMs: number;
  /** Announce again after about this many milliseconds. */
  readonly renewAfterMs: number;
  /** The addresses of the caller that other peers are told; may be empty. */
  readonly listedEndpoints: readonly Endpoint[];
  /** One for each share that wanted peers. */
  readonly answers: readonly SwarmAnswer[];
  /** Roots that the tracker would like from this caller: only of shares that it announced. */
  readonly wantedManifests: readonly ContentId[];
}

export interface TrackerInfo {
  /** Program and version, for people. */
  readonly agent: string;
  /** Hex. A change means that the tracker has started anew and leases may be gone. */
  readonly instanceId: string;
  readonly ttlMs: number;
  readonly maxSharesPerAnnounce: number;
  /** Largest root it takes, 0 if none. */
  readonly maxManifestBytes: number;
  /** The address at which the tracker sees the caller; empty if it names none. */
  readonly observedHost: string;
}

/** What a tracker's health service says. */
export type TrackerHealth = "SERVING" | "NOT_SERVING" | "UNKNOWN";
