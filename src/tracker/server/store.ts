// What a tracker remembers, as an interface of few methods: leases, swarms and roots. Asynchronous so that
// another process may keep it. Stores know no gRPC, no tokens, no rules of who is told what.
import type { Endpoint } from "../../address/endpoint.js";
import type { ContentId, PeerId } from "../../core/ids.js";
import type { HeldShare, SwarmCounts } from "../announcement.js";

/** What tells one lease from another. */
export interface LeaseKey {
  readonly peerId: PeerId;
  /** The address at which the tracker sees the peer, in canonical form. */
  readonly host: string;
  /** 0 if the peer accepts no connections. */
  readonly listenPort: number;
}

export interface LeaseUpdate {
  readonly key: LeaseKey;
  /** The place from which the peer has moved, where it has proved that the lease there is its own. */
  readonly movedFrom?: LeaseKey | undefined;
  /** Unix milliseconds at which the peer's process started. */
  readonly runEpochMs: number;
  /** Places besides key.host:key.listenPort where others may be told to find it. */
  readonly endpoints: readonly Endpoint[];
  /** Each content id once. */
  readonly shares: readonly HeldShare[];
  readonly ttlMs: number;
}

export interface LeaseResult {
  /** `held`: all of it stands. `stale`: an announcement of an earlier run, nothing was changed.
   * `trackerFull`, `peerFull`: what was there is renewed, nothing new was taken. `swarmFull`: the same of the shares
   * that have as many leases as one may have, and all others stand. */
  readonly outcome: "held" | "stale" | "trackerFull" | "peerFull" | "swarmFull";
  /** Content ids of the update whose roots are missing and that this peer should send. */
  readonly wantedManifests: readonly ContentId[];
}

export interface SampleQuery {
  readonly contentId: ContentId;
  /** Peers wanted at most; 0 for counts only. */
  readonly max: number;
}

/** A live lease on a share, of a peer that can be reached somewhere. */
export interface StoredPeer {
  readonly key: LeaseKey;
  readonly endpoints: readonly Endpoint[];
  readonly chunksHeld: number;
  readonly complete: boolean;
}

export interface SwarmSample {
  /** Random, each lease at most once; of a large swarm complete and partial peers, as far as there are both. */
  readonly peers: readonly StoredPeer[];
  readonly counts: SwarmCounts;
}

export interface StoreSize {
  readonly peers: number;
  readonly leases: number;
  /** Content ids with a lease; undefined where they are not counted. */
  readonly swarms?: number;
  readonly manifests: number;
  readonly manifestBytes: number;
}

/** What a store holds at most. */
export interface StoreLimits {
  /** Peers that hold a lease. */
  readonly maxPeers: number;
  /** Leases of all peers together. */
  readonly maxLeases: number;
  readonly maxLeasesPerPeer: number;
  /** On one content id. */
  readonly maxLeasesPerSwarm: number;
  readonly maxManifests: number;
  readonly maxManifestBytesTotal: number;
}

/** Bytes of a secret that a store makes. */
export const SECRET_BYTES = 32;

export interface TrackerStore {
  /** At least 16 random bytes, the same for all trackers over one store and for as long as it keeps anything: with
   * them lease tokens are made and read. */
  secret(): Promise<Uint8Array>;
  /** Adds or renews leases; never ends one. */
  announce(update: LeaseUpdate): Promise<LeaseResult>;
  /** Ends the leases at `key` on `contentIds`, on everything if there are none. */
  withdraw(key: LeaseKey, contentIds: readonly ContentId[]): Promise<void>;
  /** One sample for each query, in order, together at most `maxPeers` peers, none of them in `exclude`. */
  sample(
    queries: readonly SampleQuery[],
    exclude: readonly PeerId[],
    maxPeers: number,
  ): Promise<readonly SwarmSample[]>;
  /** The root's bytes; must not be changed. */
  manifest(contentId: ContentId): Promise<Uint8Array | undefined>;
  /** Whether there is a live lease at `key` on `contentId`. */
  holdsLease(key: LeaseKey, contentId: ContentId): Promise<boolean>;
  /** Keeps a root, sent from the address `host`, for as long as somebody has a lease on it; `bytes` become the store's
   * own. False if it is there already, there is no room, or nobody has a lease. */
  putManifest(contentId: ContentId, bytes: Uint8Array, host: string): Promise<boolean>;
  /** Forgets leases whose time is over. To be called about once a second. */
  expire(): Promise<void>;
  /** What is there; of a store that others use too, what this process knows of it. */
  size(): Promise<StoreSize>;
  /** Rejects while the store cannot be used. Asked once a second, so it must be cheap; a store without it can always be
   * used. */
  check?(): Promise<void>;
  /** Keeps what is to be kept and lets go of the rest. Nothing is called after it. */
  close(): Promise<void>;
}
