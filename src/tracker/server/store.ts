// What a tracker remembers, as an interface of few methods: leases, swarms and roots. Asynchronous, so that another
// process may keep it. Stores know no gRPC, no tokens, and no rules about what callers are told.
import type { Endpoint } from "../../address/endpoint.js";
import type { ContentId, PeerId } from "../../core/ids.js";
import type { HeldShare, SwarmCounts } from "../announcement.js";
import type { PeerRows } from "./peer-rows.js";
import type { LeaseKey } from "./stored-peer.js";

export interface LeaseUpdate {
  readonly key: LeaseKey;
  /** The place from which the peer has moved, if it has proved that the lease there is its own. */
  readonly movedFrom?: LeaseKey | undefined;
  /** Unix milliseconds at which the peer's process started. */
  readonly runEpochMs: number;
  /** Places besides key.host:key.listenPort that others may be told. */
  readonly endpoints: readonly Endpoint[];
  /** Each content id once. */
  readonly shares: readonly HeldShare[];
  readonly ttlMs: number;
}

export interface LeaseResult {
  /** `held`: all leases were taken. `stale`: an announcement of an earlier run, nothing was changed. `trackerFull`,
   * `peerFull`: leases that were there are renewed, no new ones were taken. `swarmFull`: the same for shares that have
   * as many leases as one may have; all others were taken. */
  readonly outcome: "held" | "stale" | "trackerFull" | "peerFull" | "swarmFull";
  /** Content ids of the update whose roots are missing and which this peer should send. */
  readonly wantedManifests: readonly ContentId[];
}

export interface SampleQuery {
  readonly contentId: ContentId;
  /** Peers wanted at most; 0 for counts only. */
  readonly max: number;
}

export interface SwarmSample {
  /** Random, each lease at most once; from a large swarm both complete and partial peers, if there are both. The asker's
   * own, to give back: a store keeps no hold of them. */
  readonly peers: PeerRows;
  readonly counts: SwarmCounts;
}

export interface StoreSize {
  readonly peers: number;
  readonly leases: number;
  /** Content ids with a lease; undefined if they are not counted. */
  readonly swarms?: number;
  readonly manifests: number;
  readonly manifestBytes: number;
}

/** The most that a store holds. */
export interface StoreLimits {
  /** Peers that hold a lease. */
  readonly maxPeers: number;
  /** Leases of all peers together. */
  readonly maxLeases: number;
  readonly maxLeasesPerPeer: number;
  /** Leases on one content id. */
  readonly maxLeasesPerSwarm: number;
  readonly maxManifests: number;
  readonly maxManifestBytesTotal: number;
}

/** Bytes of a secret that a store makes. */
export const SECRET_BYTES = 32;

export interface TrackerStore {
  /** At least 16 random bytes with which lease tokens are made and read: the same for all trackers over one store, for
   * as long as it keeps anything. */
  secret(): Promise<Uint8Array>;
  /** Adds or renews leases; never ends one. */
  announce(update: LeaseUpdate): Promise<LeaseResult>;
  /** Ends the leases at `key` on `contentIds`, or on everything if that is empty. */
  withdraw(key: LeaseKey, contentIds: readonly ContentId[]): Promise<void>;
  /** One sample for each query, in order: at most `maxPeers` peers together, none of them in `exclude`. */
  sample(
    queries: readonly SampleQuery[],
    exclude: readonly PeerId[],
    maxPeers: number,
  ): Promise<readonly SwarmSample[]>;
  /** The root's bytes, which must not be changed. */
  manifest(contentId: ContentId): Promise<Uint8Array | undefined>;
  /** Whether there is a live lease at `key` on `contentId`. */
  holdsLease(key: LeaseKey, contentId: ContentId): Promise<boolean>;
  /** Keeps a root that `host` has sent for as long as a peer has a lease on it; `bytes` become the store's own. False
   * if it is there already, if there is no room, or if no peer has a lease. */
  putManifest(contentId: ContentId, bytes: Uint8Array, host: string): Promise<boolean>;
  /** Forgets leases that have ended. To be called about once a second. */
  expire(): Promise<void>;
  /** How much is there; for a store that others use too, how much this process knows of. */
  size(): Promise<StoreSize>;
  /** Rejects while the store cannot be used. Called once a second, so it must be cheap. Without it a store can always
   * be used. */
  check?(): Promise<void>;
  /** Saves what is to be kept and frees the rest. Nothing is called after it. */
  close(): Promise<void>;
}
