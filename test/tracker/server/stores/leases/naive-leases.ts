// The lease book as anybody would write it first: one list that is searched and filtered. The oracle of its tests.
import type { ContentId } from "../../../../../src/core/ids.js";
import type { LeaseUpdate, StoreLimits } from "../../../../../src/tracker/server/store.js";
import type { LeaseKey } from "../../../../../src/tracker/server/stored-peer.js";

interface NaivePeer {
  readonly key: LeaseKey;
  readonly runEpochMs: number;
  readonly isListable: boolean;
}

interface NaiveLease {
  peer: string;
  readonly contentId: ContentId;
  readonly expiresAtMs: number;
  readonly chunksHeld: number;
  readonly complete: boolean;
}

const textOf = ({ peerId, host, listenPort }: LeaseKey) => `${peerId} ${host} ${listenPort}`;

export class NaiveLeases {
  readonly #limits: StoreLimits;
  peers = new Map<string, NaivePeer>();
  leases: NaiveLease[] = [];

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  announce(update: LeaseUpdate, nowMs: number): string {
    const { key, movedFrom, runEpochMs, endpoints, shares, ttlMs } = update;
    const to = textOf(key);
    const from = movedFrom === undefined ? to : textOf(movedFrom);
    for (const text of [from, to]) {
      if (runEpochMs < (this.peers.get(text)?.runEpochMs ?? 0)) return "stale";
    }
    const isKnown = this.peers.has(to) || this.peers.has(from);
    this.leases = this.leases.filter(
      (lease) => lease.peer !== from || from === to || !this.#has(to, lease.contentId),
    );
    const merged = this.leases.filter(({ peer }) => peer === from || peer === to).length;
    const hasBoth = from !== to && this.peers.has(from) && this.peers.has(to);
    if (hasBoth && merged > this.#limits.maxLeasesPerPeer)
      this.leases = this.leases.filter(({ peer }) => peer !== from);
    for (const lease of this.leases) if (lease.peer === from) lease.peer = to;
    if (from !== to) this.peers.delete(from);
    const isListable = key.listenPort !== 0 || endpoints.length > 0;
    this.peers.set(to, { key, runEpochMs, isListable });

    const fresh = shares.filter(({ contentId }) => !this.#has(to, contentId));
    const held = this.leases.filter(({ peer }) => peer === to).length;
    const { maxLeasesPerSwarm } = this.#limits;
    const fitting = fresh.filter(({ contentId }) => {
      const { completePeers, partialPeers } = this.counts(contentId);
      return completePeers + partialPeers < maxLeasesPerSwarm;
    });
    let outcome = "held";
    if (fresh.length > 0) {
      if (held + fresh.length > this.#limits.maxLeasesPerPeer) outcome = "peerFull";
      else if (this.leases.length + fresh.length > this.#limits.maxLeases) outcome = "trackerFull";
      else if (!isKnown && this.peers.size > this.#limits.maxPeers) outcome = "trackerFull";
    }
    const refused = outcome === "held" ? fresh.filter((share) => !fitting.includes(share)) : fresh;
    if (outcome === "held" && refused.length > 0) outcome = "swarmFull";
    const taken = shares.filter((share) => !refused.includes(share));
    const ids = taken.map(({ contentId }) => contentId);
    this.leases = this.leases.filter((lease) => lease.peer !== to || !ids.includes(lease.contentId));
    for (const share of taken) this.leases.push({ ...share, peer: to, expiresAtMs: nowMs + ttlMs });
    this.#forgetEmpty();
    return outcome;
  }

  withdraw(key: LeaseKey, contentIds: readonly ContentId[]): void {
    const isNamed = (id: ContentId) => contentIds.length === 0 || contentIds.includes(id);
    this.leases = this.leases.filter((lease) => lease.peer !== textOf(key) || !isNamed(lease.contentId));
    this.#forgetEmpty();
  }

  expire(nowMs: number): void {
    this.leases = this.leases.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
    this.#forgetEmpty();
  }

  /** Who can be handed out, and what they have: texts, in order. */
  listed(contentId: ContentId, nowMs: number): string[] {
    return this.leases
      .filter((lease) => lease.contentId === contentId && lease.expiresAtMs > nowMs)
      .filter((lease) => this.peers.get(lease.peer)?.isListable)
      .map(({ peer, chunksHeld, complete }) => `${peer} ${chunksHeld} ${complete}`)
      .sort();
  }

  counts(contentId: ContentId): { completePeers: number; partialPeers: number } {
    const all = this.leases.filter((lease) => lease.contentId === contentId);
    const completePeers = all.filter(({ complete }) => complete).length;
    return { completePeers, partialPeers: all.length - completePeers };
  }

  #has(peer: string, contentId: ContentId): boolean {
    return this.leases.some((lease) => lease.peer === peer && lease.contentId === contentId);
  }

  #forgetEmpty(): void {
    const left = new Set(this.leases.map(({ peer }) => peer));
    for (const peer of this.peers.keys()) if (!left.has(peer)) this.peers.delete(peer);
  }
}
