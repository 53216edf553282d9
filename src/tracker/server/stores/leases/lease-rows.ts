// The leases themselves: whose, on what, until when. Each is found by its peer and its swarm. Does not know what the
// peers and swarms are.
import { HashIndex } from "./hash-index.js";
import type { KeyedHash } from "./keyed-hash.js";
import { type Column, NO_ROW, Slab } from "./slab.js";
import { COMPLETE, type Group, PARTIAL } from "./swarms.js";

/** The end of a row that is no lease. */
const NEVER = Number.POSITIVE_INFINITY;

const FACTS = 5;
const [PEER, SWARM, GROUP, CHUNKS_HELD, END] = [0, 1, 2, 3, 4] as const;
const [BEFORE, AFTER] = [0, 1] as const;

export class LeaseRows {
  readonly slab: Slab;
  readonly #hash: KeyedHash;
  readonly #byPeerAndSwarm: HashIndex;
  /** What is looked at together for each lease: peer, swarm, group, chunks held and the low 32 bits of when it ends. */
  readonly #facts: Column;
  /** Apart from the rest, since all of these are looked at once a second. */
  readonly #expiresAtMs: Float64Array;
  /** The leases of the same peer before and after; NO_ROW at the ends. */
  readonly #neighbours: Column;

  constructor(maxLeases: number, hash: KeyedHash) {
    this.slab = new Slab(maxLeases);
    this.#hash = hash;
    this.#byPeerAndSwarm = new HashIndex(this.slab);
    this.#facts = this.slab.column(FACTS);
    this.#expiresAtMs = this.slab.float64();
    this.#neighbours = this.slab.column(2);
  }

  find(peer: number, swarm: number): number {
    const hash = this.#hash.ofPair(peer, swarm);
    for (let row = this.#byPeerAndSwarm.first(hash); row !== NO_ROW; row = this.#byPeerAndSwarm.next(row)) {
      if (this.peerOf(row) === peer && this.swarmOf(row) === swarm) return row;
    }
    return NO_ROW;
  }

  /** Adds a lease, before `first` in the list of its peer. */
  add(peer: number, swarm: number, first: number): number {
    const lease = this.slab.take();
    this.#facts.set(lease, SWARM, swarm);
    this.#link(lease, peer, first);
    return lease;
  }

  /** Gives the lease to another peer, before `first` in its list. */
  giveTo(lease: number, peer: number, first: number): void {
    this.#unlink(lease);
    this.#link(lease, peer, first);
  }

  remove(lease: number): void {
    this.#unlink(lease);
    this.#expiresAtMs[lease] = NEVER;
    this.slab.giveBack(lease);
  }

  set(lease: number, group: Group, chunksHeld: number, expiresAtMs: number): void {
    this.#facts.set(lease, GROUP, group);
    this.#facts.set(lease, CHUNKS_HELD, chunksHeld);
    this.#facts.set(lease, END, lowBits(expiresAtMs));
    this.#expiresAtMs[lease] = expiresAtMs;
  }

  peerOf(lease: number): number {
    return this.#facts.get(lease, PEER);
  }

  swarmOf(lease: number): number {
    return this.#facts.get(lease, SWARM);
  }

  groupOf(lease: number): Group {
    return this.#facts.get(lease, GROUP) === COMPLETE ? COMPLETE : PARTIAL;
  }

  chunksHeld(lease: number): number {
    return this.#facts.get(lease, CHUNKS_HELD) >>> 0;
  }

  /** When the lease ends; infinity for a row that is no lease. */
  expiresAtMs(lease: number): number {
    return this.#expiresAtMs[lease] ?? NEVER;
  }

  /** Whether a lease that is still there has ended: to the millisecond, for those whose end is less than 24 days away.
   * Reads only what lies beside the rest that is asked of a lease. */
  hasEnded(lease: number, nowMs: number): boolean {
    return ((this.#facts.get(lease, END) - lowBits(nowMs)) | 0) <= 0;
  }

  /** The first lease from row `start` up to, not including, `end` that ends at `nowMs` or before; NO_ROW if none does. */
  firstEnded(start: number, end: number, nowMs: number): number {
    const expiresAtMs = this.#expiresAtMs;
    for (let row = start; row < end; row++) if ((expiresAtMs[row] ?? NEVER) <= nowMs) return row;
    return NO_ROW;
  }

  /** The next lease of the same peer. */
  after(lease: number): number {
    return this.#neighbours.get(lease, AFTER);
  }

  #link(lease: number, peer: number, first: number): void {
    this.#facts.set(lease, PEER, peer);
    this.#neighbours.set(lease, BEFORE, NO_ROW);
    this.#neighbours.set(lease, AFTER, first);
    if (first !== NO_ROW) this.#neighbours.set(first, BEFORE, lease);
    this.#byPeerAndSwarm.add(lease, this.#hash.ofPair(peer, this.swarmOf(lease)));
  }

  #unlink(lease: number): void {
    const before = this.#neighbours.get(lease, BEFORE);
    const after = this.after(lease);
    if (before !== NO_ROW) this.#neighbours.set(before, AFTER, after);
    if (after !== NO_ROW) this.#neighbours.set(after, BEFORE, before);
    this.#byPeerAndSwarm.remove(lease);
  }
}

function lowBits(ms: number): number {
  return Math.floor(ms) | 0;
}
