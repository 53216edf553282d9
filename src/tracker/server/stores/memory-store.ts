// The tracker's memory in this process: leases that end by themselves, swarms to draw samples from, roots.
// Every call costs what it is given and what it returns, never what is there. Nothing outlives the process.
import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../../address/endpoint.js";
import type { Clock } from "../../../core/clock.js";
import type { ContentId, PeerId } from "../../../core/ids.js";
import type { HeldShare } from "../../announcement.js";
import type {
  LeaseKey,
  LeaseResult,
  LeaseUpdate,
  SampleQuery,
  StoredPeer,
  StoreLimits,
  StoreSize,
  SwarmSample,
  TrackerStore,
} from "../store.js";
import { type Expiring, ExpiryBuckets } from "./expiry-buckets.js";
import { ManifestShelf } from "./manifest-shelf.js";

/** A peer at one place. */
interface Peer extends Expiring {
  readonly key: LeaseKey;
  runEpochMs: number;
  endpoints: readonly Endpoint[];
  readonly leases: Map<ContentId, Lease>;
}

interface Lease {
  readonly peer: Peer;
  readonly swarm: SwarmEntry;
  /** Index in swarm.listed; -1 while the peer can be reached nowhere. */
  position: number;
  expiresAtMs: number;
  chunksHeld: number;
  complete: boolean;
}

interface SwarmEntry {
  readonly contentId: ContentId;
  /** Leases of peers that can be reached somewhere, in no order. */
  readonly listed: Lease[];
  leases: number;
  completeLeases: number;
}

/** Leases looked at before other work gets its turn. */
const EXPIRE_BATCH = 1000;

const SECRET_BYTES = 32;

export class MemoryStore implements TrackerStore {
  readonly #limits: StoreLimits;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #peers = new Map<string, Peer>();
  readonly #swarms = new Map<ContentId, SwarmEntry>();
  readonly #manifests: ManifestShelf;
  readonly #due: ExpiryBuckets<Peer>;
  readonly #secret = randomBytes(SECRET_BYTES);
  #leaseCount = 0;

  /** `random` gives numbers from 0 up to, not including, 1. */
  constructor(limits: StoreLimits, clock: Clock, random: () => number = Math.random) {
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
    this.#manifests = new ManifestShelf(limits.maxManifests, limits.maxManifestBytesTotal);
    this.#due = new ExpiryBuckets(clock.nowMs());
  }

  async announce(update: LeaseUpdate): Promise<LeaseResult> {
    const { key, movedFrom, runEpochMs, shares } = update;
    const from = movedFrom === undefined ? undefined : this.#peers.get(keyText(movedFrom));
    const known = this.#peers.get(keyText(key));
    for (const peer of [from, known]) {
      if (peer !== undefined && runEpochMs < peer.runEpochMs)
        return { outcome: "stale", wantedManifests: [] };
    }

    const peer = known ?? newPeer(key);
    if (from !== undefined && from !== peer) this.#move(from, peer);
    peer.runEpochMs = runEpochMs;
    this.#setEndpoints(peer, update.endpoints);

    const outcome = this.#outcome(peer, shares);
    const expiresAtMs = this.#clock.nowMs() + update.ttlMs;
    for (const share of shares) {
      const lease = peer.leases.get(share.contentId);
      if (lease !== undefined) renew(lease, share, expiresAtMs);
      else if (outcome === "held") this.#addLease(peer, share, expiresAtMs);
    }
    this.#keepOrForget(peer);
    return { outcome, wantedManifests: this.#wantedManifests(peer, shares) };
  }

  /** What becomes of the new ones among `shares`: all of them are taken or none. */
  #outcome(peer: Peer, shares: readonly HeldShare[]): LeaseResult["outcome"] {
    let newLeases = 0;
    for (const { contentId } of shares) if (!peer.leases.has(contentId)) newLeases += 1;
    if (newLeases === 0) return "held";
    if (peer.leases.size + newLeases > this.#limits.maxLeasesPerPeer) return "peerFull";
    if (this.#leaseCount + newLeases > this.#limits.maxLeases) return "trackerFull";
    const isNewPeer = !this.#peers.has(keyText(peer.key));
    return isNewPeer && this.#peers.size >= this.#limits.maxPeers ? "trackerFull" : "held";
  }

  #wantedManifests(peer: Peer, shares: readonly HeldShare[]): ContentId[] {
    const nowMs = this.#clock.nowMs();
    const wanted: ContentId[] = [];
    for (const { contentId, complete } of shares) {
      if (!complete || !peer.leases.has(contentId)) continue;
      if (this.#manifests.ask(contentId, peer.key.peerId, nowMs)) wanted.push(contentId);
    }
    return wanted;
  }

  /** Gives the leases of `from` to `to`, where `to` has none of its own on the same share. */
  #move(from: Peer, to: Peer): void {
    // Before the bounds are looked at, `to` takes the place of `from` among the peers.
    this.#peers.set(keyText(to.key), to);
    for (const [contentId, { chunksHeld, complete, expiresAtMs }] of from.leases) {
      if (!to.leases.has(contentId)) this.#addLease(to, { contentId, chunksHeld, complete }, expiresAtMs);
    }
    this.#forget(from);
  }

  #setEndpoints(peer: Peer, endpoints: readonly Endpoint[]): void {
    peer.endpoints = endpoints;
    const listable = isListable(peer);
    for (const lease of peer.leases.values()) {
      if (listable === lease.position >= 0) return; // all leases of a peer are listed, or none
      if (listable) list(lease);
      else unlist(lease);
    }
  }

  #addLease(peer: Peer, share: HeldShare, expiresAtMs: number): void {
    const { contentId, chunksHeld, complete } = share;
    let swarm = this.#swarms.get(contentId);
    if (swarm === undefined) {
      swarm = { contentId, listed: [], leases: 0, completeLeases: 0 };
      this.#swarms.set(contentId, swarm);
    }
    const lease: Lease = { peer, swarm, position: -1, expiresAtMs, chunksHeld, complete };
    peer.leases.set(contentId, lease);
    if (isListable(peer)) list(lease);
    swarm.leases += 1;
    if (complete) swarm.completeLeases += 1;
    this.#leaseCount += 1;
  }

  #removeLease(lease: Lease): void {
    const { peer, swarm } = lease;
    peer.leases.delete(swarm.contentId);
    if (lease.position >= 0) unlist(lease);
    swarm.leases -= 1;
    if (lease.complete) swarm.completeLeases -= 1;
    this.#leaseCount -= 1;
    if (swarm.leases > 0) return;
    this.#swarms.delete(swarm.contentId);
    this.#manifests.drop(swarm.contentId);
  }

  /** Arms the peer for the end of its first lease; forgets it if there is none. */
  #keepOrForget(peer: Peer): void {
    if (peer.leases.size === 0) {
      this.#forget(peer);
      return;
    }
    this.#peers.set(keyText(peer.key), peer);
    // One that is armed already fires too early at worst, and is armed again then.
    if (peer.dueSecond === undefined) this.#arm(peer);
  }

  #arm(peer: Peer): void {
    let firstMs = Number.POSITIVE_INFINITY;
    for (const lease of peer.leases.values()) firstMs = Math.min(firstMs, lease.expiresAtMs);
    this.#due.arm(peer, firstMs);
  }

  #forget(peer: Peer): void {
    for (const lease of peer.leases.values()) this.#removeLease(lease);
    this.#due.disarm(peer);
    this.#peers.delete(keyText(peer.key));
  }

  async withdraw(key: LeaseKey, contentIds: readonly ContentId[]): Promise<void> {
    const peer = this.#peers.get(keyText(key));
    if (peer === undefined) return;
    if (contentIds.length === 0) {
      this.#forget(peer);
      return;
    }
    for (const contentId of contentIds) {
      const lease = peer.leases.get(contentId);
      if (lease !== undefined) this.#removeLease(lease);
    }
    this.#keepOrForget(peer);
  }

  async sample(
    queries: readonly SampleQuery[],
    exclude: readonly PeerId[],
    maxPeers: number,
  ): Promise<readonly SwarmSample[]> {
    let left = maxPeers;
    return queries.map(({ contentId, max }) => {
      const swarm = this.#swarms.get(contentId);
      if (swarm === undefined) return { peers: [], counts: { completePeers: 0, partialPeers: 0 } };
      const peers = this.#draw(swarm.listed, Math.min(max, left), exclude);
      left -= peers.length;
      const { leases, completeLeases } = swarm;
      return { peers, counts: { completePeers: completeLeases, partialPeers: leases - completeLeases } };
    });
  }

  /** Up to `max` of `leases`, each equally likely: a Fisher–Yates shuffle that goes only as far as is needed,
   * and notes the swaps instead of making them. */
  #draw(leases: readonly Lease[], max: number, exclude: readonly PeerId[]): StoredPeer[] {
    const nowMs = this.#clock.nowMs();
    const swapped = new Map<number, number>();
    const drawn: StoredPeer[] = [];
    // What is drawn and not given out: the excluded, and what has ended and not been cleared away yet.
    const lastDraw = Math.min(leases.length, 2 * max + 2 * exclude.length);
    for (let i = 0; i < lastDraw && drawn.length < max; i++) {
      const j = i + Math.floor(this.#random() * (leases.length - i));
      const lease = leases[swapped.get(j) ?? j];
      swapped.set(j, swapped.get(i) ?? i);
      if (lease === undefined || lease.expiresAtMs <= nowMs) continue;
      const { key, endpoints } = lease.peer;
      if (exclude.includes(key.peerId)) continue;
      drawn.push({ key, endpoints, chunksHeld: lease.chunksHeld, complete: lease.complete });
    }
    return drawn;
  }

  async manifest(contentId: ContentId): Promise<Uint8Array | undefined> {
    return this.#manifests.get(contentId);
  }

  async holdsLease(key: LeaseKey, contentId: ContentId): Promise<boolean> {
    const lease = this.#peers.get(keyText(key))?.leases.get(contentId);
    return lease !== undefined && lease.expiresAtMs > this.#clock.nowMs();
  }

  async putManifest(contentId: ContentId, bytes: Uint8Array): Promise<boolean> {
    return this.#swarms.has(contentId) && this.#manifests.put(contentId, bytes);
  }

  async expire(): Promise<void> {
    let budget = EXPIRE_BATCH;
    for (;;) {
      const nowMs = this.#clock.nowMs();
      const peer = this.#due.takeDue(nowMs);
      if (peer === undefined) return;
      budget -= 1 + peer.leases.size;
      for (const lease of peer.leases.values()) if (lease.expiresAtMs <= nowMs) this.#removeLease(lease);
      this.#keepOrForget(peer);
      if (budget > 0) continue;
      await new Promise((resolve) => setImmediate(resolve));
      budget = EXPIRE_BATCH;
    }
  }

  async secret(): Promise<Uint8Array> {
    return this.#secret;
  }

  async size(): Promise<StoreSize> {
    const swarms = this.#swarms.size;
    return { peers: this.#peers.size, leases: this.#leaseCount, swarms, ...this.#manifests.size() };
  }

  async close(): Promise<void> {}
}

function newPeer(key: LeaseKey): Peer {
  return { key, runEpochMs: 0, endpoints: [], leases: new Map(), dueSecond: undefined };
}

function keyText({ peerId, host, listenPort }: LeaseKey): string {
  return `${peerId} ${host} ${listenPort}`;
}

function isListable(peer: Peer): boolean {
  return peer.key.listenPort !== 0 || peer.endpoints.length > 0;
}

function renew(lease: Lease, { chunksHeld, complete }: HeldShare, expiresAtMs: number): void {
  if (complete !== lease.complete) lease.swarm.completeLeases += complete ? 1 : -1;
  lease.complete = complete;
  lease.chunksHeld = chunksHeld;
  lease.expiresAtMs = expiresAtMs;
}

function list(lease: Lease): void {
  const { listed } = lease.swarm;
  lease.position = listed.length;
  listed.push(lease);
}

function unlist(lease: Lease): void {
  const { listed } = lease.swarm;
  const last = listed.pop();
  if (last !== undefined && last !== lease) {
    listed[lease.position] = last;
    last.position = lease.position;
  }
  lease.position = -1;
}
