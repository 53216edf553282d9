// At the end of a download, when every chunk is asked of some peer: which chunk should come from a peer that has
// nothing to do instead of the slow one it was asked of. The slow one is asked to leave it; if it does not answer, both
// are asked. Decides only: sends nothing, knows no clock.
import type { PeerId } from "../../core/ids.js";
import type { AnswerPace } from "../neighbours/answer-pace.js";
import type { ChunkScheduler } from "./scheduler.js";

/** A peer of a download, as far as this matters. */
export interface PacedPeer {
  readonly id: PeerId;
  readonly pace: AnswerPace;
}

export interface HandOver<Peer extends PacedPeer> {
  readonly chunkIndex: number;
  readonly from: Peer;
  readonly to: Peer;
  readonly sinceMs: number;
  /** Whether both peers are asked. */
  isDoubled: boolean;
}

export interface HandOverOptions {
  /** What a hand-over has to gain, in addition to being twice as quick. */
  readonly minHandOverGainMs: number;
  /** How long the slow one may take to leave a chunk before both are asked for it. */
  readonly handOverPatienceMs: number;
}

/** A hand-over is forgotten after this many times its patience: `to` was no better, and a third may be asked. */
const FORGOTTEN_AFTER = 10;

export class HandOvers<Peer extends PacedPeer> {
  readonly #options: HandOverOptions;
  readonly #scheduler: ChunkScheduler;
  readonly #running = new Map<number, HandOver<Peer>>();
  /** Peers that did not answer when they were asked to leave a chunk. */
  readonly #silent = new Set<Peer>();

  constructor(options: HandOverOptions, scheduler: ChunkScheduler) {
    this.#options = options;
    this.#scheduler = scheduler;
  }

  /** Begins to move one chunk to `to`, which has nothing else to do: of those it has and would give in less than half
   * the time, the one expected last. Undefined if there is none. */
  begin(to: Peer, peers: Iterable<Peer>, nowMs: number): HandOver<Peer> | undefined {
    const ownMs = to.pace.expectedMs(to.pace.open + this.#count((one) => one.to === to) + 1, nowMs);
    let worstMs = 2 * ownMs + this.#options.minHandOverGainMs;
    let found: HandOver<Peer> | undefined;
    for (const from of peers) {
      const open = from.pace.open - this.#count((one) => one.from === from);
      if (from === to || open <= 0) continue;
      const expectedMs = from.pace.expectedMs(open, nowMs);
      if (expectedMs <= worstMs) continue;
      const chunkIndex = this.#scheduler.lastAskedOf(from.id, to.id, (one) => !this.#running.has(one));
      if (chunkIndex === undefined) continue;
      worstMs = expectedMs;
      found = { chunkIndex, from, to, sinceMs: nowMs, isDoubled: false };
    }
    if (found !== undefined) this.#running.set(found.chunkIndex, found);
    return found;
  }

  /** The hand-overs whose slow peer has not answered in time. */
  overdue(nowMs: number): readonly HandOver<Peer>[] {
    const { handOverPatienceMs } = this.#options;
    const overdue: HandOver<Peer>[] = [];
    for (const one of this.#running.values()) {
      const waitedMs = nowMs - one.sinceMs;
      if (waitedMs > handOverPatienceMs * FORGOTTEN_AFTER) this.#running.delete(one.chunkIndex);
      if (one.isDoubled) continue;
      if (waitedMs >= handOverPatienceMs) this.#silent.add(one.from);
      // It was silent before: there is no need to wait for it again.
      if (this.#silent.has(one.from)) overdue.push(one);
    }
    return overdue;
  }

  /** Something has come from this peer. */
  heard(peer: Peer): void {
    this.#silent.delete(peer);
  }

  /** The slow peer has left the chunk, or it has come: its hand-over is over. */
  end(chunkIndex: number): HandOver<Peer> | undefined {
    const ended = this.#running.get(chunkIndex);
    this.#running.delete(chunkIndex);
    return ended;
  }

  peerLeft(peer: Peer): void {
    this.#silent.delete(peer);
    for (const { chunkIndex, from, to } of this.#running.values()) {
      if (from === peer || to === peer) this.#running.delete(chunkIndex);
    }
  }

  #count(isMeant: (one: HandOver<Peer>) => boolean): number {
    let count = 0;
    for (const one of this.#running.values()) if (!one.isDoubled && isMeant(one)) count++;
    return count;
  }
}
