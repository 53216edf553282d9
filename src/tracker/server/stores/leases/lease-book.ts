// Which peer holds what until when, and samples of that: all that a tracker keeps except the roots. The cost of a call
// grows with what it is given and returns, never with what is there. Reads no clock and waits for nothing.
import type { Endpoint } from "../../../../address/endpoint.js";
import { type ContentId, DIGEST_BYTES, type PeerId } from "../../../../core/ids.js";
import type { HeldShare } from "../../../announcement.js";
import { PeerRows } from "../../peer-rows.js";
import type { LeaseResult, LeaseUpdate, SampleQuery, StoreLimits, SwarmSample } from "../../store.js";
import type { LeaseKey } from "../../stored-peer.js";
import { KeyedHash } from "./keyed-hash.js";
import { LeaseRows } from "./lease-rows.js";
import { Peers } from "./peers.js";
import { NO_ROW } from "./slab.js";
import { idWordsOf, SwarmSampler } from "./swarm-sampler.js";
import { COMPLETE, type Group, PARTIAL, Swarms } from "./swarms.js";
import type { WordReader, WordWriter } from "./words.js";

/** What one step of expiring may do: leases removed, rows looked at. Either takes about a millisecond. */
const MAX_REMOVED = 1_000;
const MAX_SEEN = 65_536;

/** A lease in a snapshot: content id, time left, chunks held, group. */
const WORDS_PER_LEASE = DIGEST_BYTES / 4 + 3;

export interface Announced {
  readonly outcome: LeaseResult["outcome"];
  /** Content ids of the update that this peer has in full and has a lease on. */
  readonly completeShares: readonly ContentId[];
}

/** A set of its own for every announcement would be made for nothing: few are refused. */
const NO_SHARES: ReadonlySet<HeldShare> = new Set();

interface NewLease {
  readonly group: Group;
  readonly chunksHeld: number;
  readonly expiresAtMs: number;
  readonly isListed: boolean;
}

export class LeaseBook {
  readonly #limits: StoreLimits;
  readonly #sampler: SwarmSampler;
  readonly #onSwarmEnd: (contentId: ContentId) => void;
  readonly #peers: Peers;
  readonly #leases: LeaseRows;
  readonly #swarms: Swarms;
  /** Swarms that have lost their last lease, until that is reported. */
  readonly #ended: ContentId[] = [];

  /** `random` gives numbers from 0 up to, not including, 1. `onSwarmEnd` is called for each content id on which no peer
   * has a lease any more. */
  constructor(limits: StoreLimits, random: () => number, onSwarmEnd: (contentId: ContentId) => void) {
    const hash = new KeyedHash();
    this.#limits = limits;
    this.#onSwarmEnd = onSwarmEnd;
    this.#peers = new Peers(limits.maxPeers, hash);
    this.#leases = new LeaseRows(limits.maxLeases, hash);
    this.#swarms = new Swarms(limits.maxLeases, this.#leases.slab, hash);
    this.#sampler = new SwarmSampler(this.#peers, this.#leases, this.#swarms, random);
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  get leaseCount(): number {
    return this.#leases.slab.size;
  }

  /** Content ids with a lease. */
  get swarmCount(): number {
    return this.#swarms.size;
  }

  announce(update: LeaseUpdate, nowMs: number): Announced {
    const { key, movedFrom, runEpochMs, endpoints } = update;
    let peer = this.#peers.find(key);
    const from = movedFrom === undefined ? NO_ROW : this.#peers.find(movedFrom);
    for (const known of [from, peer]) {
      if (known !== NO_ROW && runEpochMs < this.#peers.runEpoch(known))
        return { outcome: "stale", completeShares: [] };
    }
    if (from !== NO_ROW && from !== peer) peer = this.#move(from, peer, key);
    if (peer !== NO_ROW) this.#setPeer(peer, runEpochMs, endpoints);

    const expiresAtMs = nowMs + update.ttlMs;
    const newShares = update.shares.filter((share) => !this.#renew(peer, share, expiresAtMs));
    const outcome = this.#outcome(peer, newShares.length);
    const refused: HeldShare[] = outcome === "held" ? [] : newShares;
    if (outcome === "held" && newShares.length > 0) {
      if (peer === NO_ROW) {
        peer = this.#peers.add(key);
        this.#setPeer(peer, runEpochMs, endpoints);
      }
      const isListed = this.#peers.isListable(peer);
      for (const share of newShares) {
        const { contentId, chunksHeld } = share;
        const swarm = this.#swarms.findOrAdd(contentId);
        if (this.#swarms.sizeOf(swarm) < this.#limits.maxLeasesPerSwarm)
          this.#add(peer, swarm, { group: groupOf(share), chunksHeld, expiresAtMs, isListed });
        else refused.push(share);
      }
      this.#removeEmpty(peer);
    }
    this.#tellEnded();
    const notHeld = refused.length === 0 ? NO_SHARES : new Set(refused);
    const held = update.shares.filter((share) => share.complete && !notHeld.has(share));
    return {
      outcome: outcome === "held" && refused.length > 0 ? "swarmFull" : outcome,
      completeShares: held.map(({ contentId }) => contentId),
    };
  }

  /** The outcome for so many leases that `peer` does not have yet: all are taken or none. */
  #outcome(peer: number, newLeases: number): LeaseResult["outcome"] {
    if (newLeases === 0) return "held";
    const { maxLeasesPerPeer, maxLeases, maxPeers } = this.#limits;
    const held = peer === NO_ROW ? 0 : this.#peers.leaseCount(peer);
    if (held + newLeases > maxLeasesPerPeer) return "peerFull";
    if (this.leaseCount + newLeases > maxLeases) return "trackerFull";
    return peer === NO_ROW && this.peerCount >= maxPeers ? "trackerFull" : "held";
  }

  /** Gives the leases of `from` to the peer at `key` (`to`, if it is there already), except for shares on which that
   * has a lease itself; all of them end if it would then have too many. Returns the peer at `key`. */
  #move(from: number, to: number, key: LeaseKey): number {
    if (to === NO_ROW) {
      this.#peers.move(from, key);
      return from;
    }
    const isListable = this.#peers.isListable(to);
    const hasRoom = this.#merged(from, to) <= this.#limits.maxLeasesPerPeer;
    for (let lease = this.#peers.firstLease(from); lease !== NO_ROW; ) {
      const after = this.#leases.after(lease);
      const swarm = this.#leases.swarmOf(lease);
      if (hasRoom && this.#leases.find(to, swarm) === NO_ROW) {
        this.#peers.changeLeases(from, after, -1);
        this.#leases.giveTo(lease, to, this.#peers.firstLease(to));
        this.#peers.changeLeases(to, lease, 1);
        this.#setListed(lease, isListable);
      } else this.#remove(lease);
      lease = after;
    }
    this.#peers.remove(from);
    return to;
  }

  /** On how many shares two peers together have leases. */
  #merged(from: number, to: number): number {
    let count = this.#peers.leaseCount(to);
    for (let lease = this.#peers.firstLease(from); lease !== NO_ROW; lease = this.#leases.after(lease)) {
      if (this.#leases.find(to, this.#leases.swarmOf(lease)) === NO_ROW) count += 1;
    }
    return count;
  }

  #setPeer(peer: number, runEpochMs: number, endpoints: readonly Endpoint[]): void {
    this.#peers.setRunEpoch(peer, runEpochMs);
    this.#peers.setEndpoints(peer, endpoints);
    this.#listAlike(peer);
  }

  /** Makes all leases of a peer listed, or none, whatever they were before. */
  #listAlike(peer: number): void {
    const isListable = this.#peers.isListable(peer);
    let lease = this.#peers.firstLease(peer);
    while (lease !== NO_ROW && this.#swarms.isListed(lease) !== isListable) {
      this.#setListed(lease, isListable);
      lease = this.#leases.after(lease);
    }
  }

  #setListed(lease: number, isListed: boolean): void {
    this.#swarms.setListed(lease, this.#leases.swarmOf(lease), this.#leases.groupOf(lease), isListed);
  }

  /** Renews a lease; returns whether there was one. */
  #renew(peer: number, share: HeldShare, expiresAtMs: number): boolean {
    const lease = this.#find(peer, share.contentId);
    if (lease === NO_ROW) return false;
    const group = groupOf(share);
    const before = this.#leases.groupOf(lease);
    if (group !== before) this.#swarms.change(lease, this.#leases.swarmOf(lease), before, group);
    this.#leases.set(lease, group, share.chunksHeld, expiresAtMs);
    return true;
  }

  #add(peer: number, swarm: number, lease: NewLease): void {
    const { group, chunksHeld, expiresAtMs, isListed } = lease;
    const first = this.#peers.firstLease(peer);
    const row = this.#leases.add(peer, swarm, first);
    this.#peers.changeLeases(peer, row, 1);
    this.#leases.set(row, group, chunksHeld, expiresAtMs);
    this.#swarms.join(row, swarm, group, isListed);
  }

  #remove(lease: number): void {
    const peer = this.#leases.peerOf(lease);
    const first = this.#peers.firstLease(peer);
    this.#peers.changeLeases(peer, first === lease ? this.#leases.after(lease) : first, -1);
    const ended = this.#swarms.leave(lease, this.#leases.swarmOf(lease), this.#leases.groupOf(lease));
    this.#leases.remove(lease);
    if (ended !== undefined) this.#ended.push(ended);
  }

  /** Reports swarms that have ended and were not begun again meanwhile, as by a peer that moves and has too much. */
  #tellEnded(): void {
    for (const contentId of this.#ended) if (!this.hasSwarm(contentId)) this.#onSwarmEnd(contentId);
    this.#ended.length = 0;
  }

  #removeEmpty(peer: number): void {
    if (this.#peers.leaseCount(peer) === 0) this.#peers.remove(peer);
  }

  #find(peer: number, contentId: ContentId): number {
    if (peer === NO_ROW) return NO_ROW;
    const swarm = this.#swarms.find(contentId);
    return swarm === NO_ROW ? NO_ROW : this.#leases.find(peer, swarm);
  }

  withdraw(key: LeaseKey, contentIds: readonly ContentId[]): void {
    const peer = this.#peers.find(key);
    if (peer === NO_ROW) return;
    if (contentIds.length === 0) {
      for (let lease = this.#peers.firstLease(peer); lease !== NO_ROW; ) {
        const after = this.#leases.after(lease);
        this.#remove(lease);
        lease = after;
      }
    }
    for (const contentId of contentIds) {
      const lease = this.#find(peer, contentId);
      if (lease !== NO_ROW) this.#remove(lease);
    }
    this.#removeEmpty(peer);
    this.#tellEnded();
  }

  /** One sample for each query, together at most `maxPeers` peers, none of them in `exclude`. */
  sample(
    queries: readonly SampleQuery[],
    exclude: readonly PeerId[],
    maxPeers: number,
    nowMs: number,
  ): SwarmSample[] {
    const excluded = exclude.map(idWordsOf);
    let left = maxPeers;
    return queries.map(({ contentId, max }) => {
      const swarm = this.#swarms.find(contentId);
      if (swarm === NO_ROW)
        return { peers: PeerRows.withRoomFor(0), counts: { completePeers: 0, partialPeers: 0 } };
      const peers = this.#sampler.sample(swarm, Math.min(max, left), excluded, nowMs);
      left -= peers.length;
      return { peers, counts: this.#swarms.countsOf(swarm) };
    });
  }

  holdsLease(key: LeaseKey, contentId: ContentId, nowMs: number): boolean {
    const lease = this.#find(this.#peers.find(key), contentId);
    return lease !== NO_ROW && this.#leases.expiresAtMs(lease) > nowMs;
  }

  /** Whether any peer has a lease on it. */
  hasSwarm(contentId: ContentId): boolean {
    return this.#swarms.find(contentId) !== NO_ROW;
  }

  /** One step of forgetting leases that have ended, for the rows from `start` on. Returns where the next step starts;
   * undefined at the end. Looks at all rows, since that takes a few nanoseconds each: an index by time would cost more
   * at every announcement than it would save here. */
  expireFrom(start: number, nowMs: number): number | undefined {
    const end = Math.min(this.#leases.slab.end, start + MAX_SEEN);
    let lease = this.#leases.firstEnded(start, end, nowMs);
    let next = end;
    for (let removed = 1; lease !== NO_ROW; removed++) {
      const peer = this.#leases.peerOf(lease);
      this.#remove(lease);
      this.#removeEmpty(peer);
      if (removed === MAX_REMOVED) {
        next = lease + 1;
        break;
      }
      lease = this.#leases.firstEnded(lease + 1, end, nowMs);
    }
    this.#tellEnded();
    if (next < end) return next;
    return end < this.#leases.slab.end ? end : undefined;
  }

  /** Writes the peers in rows from `start` on, with their leases and the time each has left, until `out` has `words` or
   * there are no more. Returns where to go on; undefined at the end. A peer that comes or moves between two steps may
   * be left out or written twice. */
  dumpFrom(start: number, words: number, nowMs: number, out: WordWriter): number | undefined {
    const { end } = this.#peers;
    for (let peer = start; peer < end; peer++) {
      if (out.length >= words) return peer;
      if (this.#peers.leaseCount(peer) > 0) this.#dumpPeer(peer, nowMs, out);
    }
    return undefined;
  }

  #dumpPeer(peer: number, nowMs: number, out: WordWriter): void {
    const countAt = out.length;
    out.put(0);
    this.#peers.dump(peer, out);
    let count = 0;
    for (let lease = this.#peers.firstLease(peer); lease !== NO_ROW; lease = this.#leases.after(lease)) {
      const leftMs = Math.floor(this.#leases.expiresAtMs(lease) - nowMs);
      if (leftMs <= 0) continue;
      count += 1;
      this.#swarms.dump(this.#leases.swarmOf(lease), out);
      out.put(leftMs);
      out.put(this.#leases.chunksHeld(lease));
      out.put(this.#leases.groupOf(lease));
    }
    if (count === 0) out.cutTo(countAt);
    else out.replace(countAt, count);
  }

  /** Loads what `dumpFrom` wrote, as much as there is room for. Each lease gets the time it had left then, at most
   * `maxMs`. Throws a RangeError for words that `dumpFrom` did not write. */
  load(words: WordReader, maxMs: number, nowMs: number): void {
    const { maxPeers, maxLeases, maxLeasesPerSwarm } = this.#limits;
    while (!words.isAtEnd) {
      const count = words.take();
      words.require(Math.max(1, count) * WORDS_PER_LEASE);
      if (this.peerCount >= maxPeers || this.leaseCount + count > maxLeases) return;
      const peer = this.#peers.load(words);
      // A peer that was written twice may have changed in between.
      this.#listAlike(peer);
      const isListed = this.#peers.isListable(peer);
      for (let left = count; left > 0; left--) {
        const swarm = this.#swarms.load(words);
        const expiresAtMs = nowMs + Math.min(words.take(), maxMs);
        const chunksHeld = words.take();
        const group = words.take() === COMPLETE ? COMPLETE : PARTIAL;
        if (this.#leases.find(peer, swarm) !== NO_ROW) continue;
        if (this.#swarms.sizeOf(swarm) >= maxLeasesPerSwarm) continue;
        this.#add(peer, swarm, { group, chunksHeld, expiresAtMs, isListed });
      }
      this.#removeEmpty(peer);
    }
  }
}

function groupOf({ complete }: HeldShare): Group {
  return complete ? COMPLETE : PARTIAL;
}
