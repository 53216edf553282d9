// Who has a lease, and where: what stores keep of a peer. Types only.
import type { Endpoint } from "../../address/endpoint.js";
import type { PeerId } from "../../core/ids.js";

/** What distinguishes one lease from another. */
export interface LeaseKey {
  readonly peerId: PeerId;
  /** The address at which the tracker sees the peer, in canonical form. */
  readonly host: string;
  /** 0 if the peer accepts no connections. */
  readonly listenPort: number;
}

/** A peer that has a live lease on a share and can be reached somewhere. */
export interface StoredPeer {
  readonly key: LeaseKey;
  readonly endpoints: readonly Endpoint[];
  readonly chunksHeld: number;
  readonly complete: boolean;
}
