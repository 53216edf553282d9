// Which chunk to ask of which peer: a deterministic state machine over chunk states and what each peer holds. Owns no
// sockets, no timers, no disk; events in, decisions out. A chunk is asked of one peer at a time, unless the owner wants
// a second peer asked as well; a chunk that failed at one peer is asked of another.
import assert from "node:assert/strict";
import { Bitfield } from "../../core/bitfield.js";
import type { PeerId } from "../../core/ids.js";
import { isComplete, type PeerCoverage } from "../availability/coverage.js";

interface PeerState {
  held: PeerCoverage;
  /** Chunks not to ask this peer for again (refused for good). */
  readonly refused: Set<number>;
  /** Chunks being asked of this peer. */
  readonly asked: Set<number>;
  /** No chunk before this one is both missing here and available from this peer. */
  firstWanted: number;
}

export class ChunkScheduler {
  readonly chunkCount: number;
  /** Verified and written; wanted chunks only. */
  readonly held: Bitfield;
  readonly #wanted: Bitfield;
  /** Chunks not to be asked for now: held, asked of a peer, being verified from an earlier run, or not wanted. */
  readonly #taken: Bitfield;
  /** Delivered and being verified. */
  readonly #arrived = new Set<number>();
  readonly #peers = new Map<PeerId, PeerState>();
  /** Chunks are asked for in order, from this one on and then from 0. */
  readonly #firstChunk: number;
  /** No chunk from `#firstChunk` to before this one is free to be asked for, nor any from 0 to before
   * `#firstFreeBefore`. */
  #firstFree: number;
  #firstFreeBefore = 0;
  /** No chunk from this one on is asked for yet. */
  #limit: number;

  /** `held` is trusted; chunks of `unchecked` are being verified and come back by `verified` or `missing`. Neither
   * holds a chunk outside `wanted`, which is every chunk unless given. */
  constructor(
    held: Bitfield,
    unchecked: Bitfield,
    firstChunk = 0,
    wanted: Bitfield = Bitfield.full(held.length),
  ) {
    assert.equal(held.length, unchecked.length);
    this.chunkCount = held.length;
    this.#wanted = wanted;
    this.#limit = held.length;
    this.#firstChunk = firstChunk;
    this.#firstFree = firstChunk;
    this.held = held.copy();
    this.#taken = held.copy();
    for (const chunkIndex of unchecked) this.#taken.add(chunkIndex);
    if (wanted.isFull) return;
    for (let chunkIndex = 0; chunkIndex < this.chunkCount; chunkIndex++)
      if (!wanted.has(chunkIndex)) this.#taken.add(chunkIndex);
  }

  get isDone(): boolean {
    return this.held.count === this.#wanted.count;
  }

  /** Whether there is nothing left to ask for: every chunk that may be asked for is here, on its way, or being
   * verified. */
  get isAllTaken(): boolean {
    return this.#taken.isFull || (this.#taken.nextMissing(0) ?? this.chunkCount) >= this.#limit;
  }

  /** From now on chunks are asked for only below `limit`; those already asked for still come. */
  askBelow(limit: number): void {
    this.#limit = limit;
  }

  peerJoined(peer: PeerId, coverage: PeerCoverage): void {
    const held = isComplete(coverage) ? "complete" : coverage;
    const known = this.#peers.get(peer);
    if (known === undefined)
      this.#peers.set(peer, { held, refused: new Set(), asked: new Set(), firstWanted: 0 });
    else {
      known.held = held;
      known.refused.clear();
      known.firstWanted = 0;
    }
  }

  peerGained(peer: PeerId, chunkIndexes: readonly number[]): void {
    const state = this.#peers.get(peer);
    if (state === undefined) return;
    for (const chunkIndex of chunkIndexes) {
      state.refused.delete(chunkIndex);
      state.firstWanted = Math.min(state.firstWanted, chunkIndex);
    }
    if (state.held === "complete") return;
    if (state.held === "none") state.held = new Bitfield(this.chunkCount);
    for (const chunkIndex of chunkIndexes) state.held.add(chunkIndex);
    if (state.held.isFull) state.held = "complete";
  }

  peerLost(peer: PeerId, chunkIndexes: readonly number[]): void {
    const state = this.#peers.get(peer);
    if (state === undefined || state.held === "none" || chunkIndexes.length === 0) return;
    if (state.held === "complete") state.held = Bitfield.full(this.chunkCount);
    for (const chunkIndex of chunkIndexes) state.held.delete(chunkIndex);
  }

  /** The peer is gone: the chunks asked of it are free again. */
  peerLeft(peer: PeerId): void {
    const state = this.#peers.get(peer);
    if (state === undefined) return;
    this.#peers.delete(peer);
    for (const chunkIndex of state.asked) this.#free(chunkIndex);
  }

  /** Whether `peer` is known to hold every chunk. */
  isComplete(peer: PeerId): boolean {
    return this.#peers.get(peer)?.held === "complete";
  }

  /** Whether `peer` holds a chunk that is missing here, asked for or not. However often it is called, it goes over a
   * peer's chunks once. */
  holdsMissing(peer: PeerId): boolean {
    const state = this.#peers.get(peer);
    if (state === undefined) return false;
    let chunkIndex = this.held.nextMissing(state.firstWanted);
    while (chunkIndex !== undefined && !(this.#wanted.has(chunkIndex) && gives(state, chunkIndex)))
      chunkIndex = this.held.nextMissing(chunkIndex + 1);
    state.firstWanted = chunkIndex ?? this.chunkCount;
    return chunkIndex !== undefined;
  }

  /** The chunk to ask `peer` for next, which is taken from now on; undefined if the peer could give none. */
  next(peer: PeerId): number | undefined {
    const state = this.#peers.get(peer);
    if (state === undefined) return undefined;
    this.#firstFree = this.#taken.nextMissing(this.#firstFree) ?? this.chunkCount;
    const chunkIndex = this.#take(state, this.#firstFree, this.chunkCount);
    if (chunkIndex !== undefined) return chunkIndex;
    this.#firstFreeBefore = this.#taken.nextMissing(this.#firstFreeBefore) ?? this.chunkCount;
    return this.#take(state, this.#firstFreeBefore, this.#firstChunk);
  }

  /** The first chunk that `peer` offers and that is needed; from now on it counts as asked of that peer. Undefined if
   * none is needed. An offer counts as an announcement. Each must be below the number of chunks. */
  take(peer: PeerId, offered: readonly number[]): number | undefined {
    const state = this.#peers.get(peer);
    if (state === undefined) return undefined;
    this.peerGained(peer, offered);
    const chunkIndex = offered.find((one) => !this.#taken.has(one) && one < this.#limit);
    if (chunkIndex === undefined) return undefined;
    this.#taken.add(chunkIndex);
    state.asked.add(chunkIndex);
    return chunkIndex;
  }

  /** Of the chunks asked of `from` that have not come, that `peer` could give and that are `isMovable`: the one asked
   * for last. Undefined if there is none. Changes nothing. */
  lastAskedOf(from: PeerId, peer: PeerId, isMovable: (chunkIndex: number) => boolean): number | undefined {
    const state = this.#peers.get(peer);
    const asked = this.#peers.get(from)?.asked;
    if (state === undefined || asked === undefined) return undefined;
    let last: number | undefined;
    for (const chunkIndex of asked) {
      // The chunk has come from another peer meanwhile.
      if (this.held.has(chunkIndex) || this.#arrived.has(chunkIndex)) continue;
      if (this.#couldGive(state, chunkIndex) && isMovable(chunkIndex)) last = chunkIndex;
    }
    return last;
  }

  /** A chunk that is asked of another peer is asked of `peer` too. */
  alsoAsked(peer: PeerId, chunkIndex: number): void {
    assert(this.#taken.has(chunkIndex));
    this.#peers.get(peer)?.asked.add(chunkIndex);
  }

  #couldGive(state: PeerState, chunkIndex: number): boolean {
    return !state.asked.has(chunkIndex) && gives(state, chunkIndex);
  }

  /** The first free chunk from `from` up to `end` that the peer could give, which is taken from now on. */
  #take(state: PeerState, from: number, end: number): number | undefined {
    if (state.held === "none") return undefined;
    for (
      let chunkIndex: number | undefined = from;
      chunkIndex !== undefined && chunkIndex < end && chunkIndex < this.#limit;
      chunkIndex = this.#taken.nextMissing(chunkIndex + 1)
    ) {
      if (!this.#couldGive(state, chunkIndex)) continue;
      this.#taken.add(chunkIndex);
      state.asked.add(chunkIndex);
      return chunkIndex;
    }
    return undefined;
  }

  /** The peer delivered; returns whether the chunk is needed. If so, it stays taken until `verified` or `missing`. */
  delivered(peer: PeerId, chunkIndex: number): boolean {
    this.#peers.get(peer)?.asked.delete(chunkIndex);
    if (this.held.has(chunkIndex) || this.#arrived.has(chunkIndex)) return false;
    this.#arrived.add(chunkIndex);
    return true;
  }

  /** The peer refuses a chunk. `forGood`: it is not asked for this chunk again. */
  refused(peer: PeerId, chunkIndex: number, forGood: boolean): void {
    const state = this.#peers.get(peer);
    if (state === undefined || !state.asked.delete(chunkIndex)) return;
    if (forGood) state.refused.add(chunkIndex);
    this.#free(chunkIndex);
  }

  /** A chunk is verified and written; returns whether that is news. */
  verified(chunkIndex: number): boolean {
    this.#arrived.delete(chunkIndex);
    this.#taken.add(chunkIndex);
    return this.held.add(chunkIndex);
  }

  /** The bytes that a peer delivered, or that an earlier run claimed, are not the chunk. */
  missing(chunkIndex: number): void {
    this.#arrived.delete(chunkIndex);
    this.#free(chunkIndex);
  }

  /** The chunk may be asked for again, unless it is here by now or is asked of another peer. */
  #free(chunkIndex: number): void {
    if (this.held.has(chunkIndex) || this.#arrived.has(chunkIndex)) return;
    for (const { asked } of this.#peers.values()) if (asked.has(chunkIndex)) return;
    this.#taken.delete(chunkIndex);
    if (chunkIndex >= this.#firstChunk) this.#firstFree = Math.min(this.#firstFree, chunkIndex);
    else this.#firstFreeBefore = Math.min(this.#firstFreeBefore, chunkIndex);
  }
}

/** Whether the peer holds the chunk and has not refused it for good. */
function gives({ held, refused }: PeerState, chunkIndex: number): boolean {
  if (held === "none" || refused.has(chunkIndex)) return false;
  return held === "complete" || held.has(chunkIndex);
}
