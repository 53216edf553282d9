// Which peers have stopped in the middle of a chunk, and hold memory for it that others could use. Is shown the
// connections now and then; closes nothing.

/** What is seen of a connection. */
export interface WatchedPeer {
  readonly connection: { readonly isInChunk: boolean; readonly bytesRead: number };
}

interface Seen {
  readonly bytesRead: number;
  readonly sinceMs: number;
}

export class StallWatch<Peer extends WatchedPeer> {
  readonly #patienceMs: number;
  #seen = new Map<Peer, Seen>();

  /** A peer may be silent for `patienceMs` in the middle of a chunk. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** What was seen so far counts no more. */
  forget(): void {
    this.#seen.clear();
  }

  /** Those of `peers` that hold memory and have sent nothing for too long since that was first seen. To be called again
   * and again with all peers while one waits for memory. */
  stalled(peers: readonly Peer[], nowMs: number): readonly Peer[] {
    const seen = new Map<Peer, Seen>();
    const stalled: Peer[] = [];
    for (const peer of peers) {
      const { isInChunk, bytesRead } = peer.connection;
      if (!isInChunk) continue;
      const before = this.#seen.get(peer);
      const now = before?.bytesRead === bytesRead ? before : { bytesRead, sinceMs: nowMs };
      seen.set(peer, now);
      if (nowMs - now.sinceMs >= this.#patienceMs) stalled.push(peer);
    }
    this.#seen = seen;
    return stalled;
  }
}
