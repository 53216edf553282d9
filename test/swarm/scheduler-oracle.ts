// What the scheduler should do, in plain sets of which all is looked at each time.

interface OraclePeer {
  readonly holds: Set<number>;
  readonly refusedForGood: Set<number>;
}

/** Where each chunk is, in the plainest way. */
export class Oracle {
  readonly held = new Set<number>();
  /** Being verified: from an earlier run, or delivered. */
  readonly verifying = new Set<number>();
  /** Each chunk that is asked of a peer, with that peer. */
  readonly asked: { readonly chunk: number; readonly peer: number }[] = [];
  readonly peers = new Map<number, OraclePeer>();
  limit: number;

  constructor(
    readonly chunkCount: number,
    readonly unwanted: ReadonlySet<number>,
  ) {
    this.limit = chunkCount;
  }

  /** The chunks that may be asked of a peer now. */
  askable(peer: number): number[] {
    const state = this.peers.get(peer);
    if (state === undefined) return [];
    return [...state.holds].filter(
      (chunk) =>
        !this.unwanted.has(chunk) &&
        chunk < this.limit &&
        !this.held.has(chunk) &&
        !this.verifying.has(chunk) &&
        !this.asked.some((one) => one.chunk === chunk) &&
        !state.refusedForGood.has(chunk),
    );
  }

  /** Whether a peer holds something that is not here, and has not refused it for good. */
  holdsMissing(peer: number): boolean {
    const state = this.peers.get(peer);
    return [...(state?.holds ?? [])].some(
      (chunk) => !this.unwanted.has(chunk) && !this.held.has(chunk) && !state?.refusedForGood.has(chunk),
    );
  }

  /** The chunks asked of one peer that another could give instead, the last one last. */
  movable(from: number, to: number): number[] {
    const state = this.peers.get(to);
    const ofTo = this.asked.filter((one) => one.peer === to).map((one) => one.chunk);
    return this.asked
      .filter(({ chunk, peer }) => peer === from && state?.holds.has(chunk) && !ofTo.includes(chunk))
      .map(({ chunk }) => chunk)
      .filter((chunk) => !this.held.has(chunk) && !this.verifying.has(chunk))
      .filter((chunk) => !state?.refusedForGood.has(chunk));
  }

  endAsk(which: number): { readonly chunk: number; readonly peer: number } {
    const [ended] = this.asked.splice(which % this.asked.length, 1);
    if (ended === undefined) throw new Error("checked before");
    return ended;
  }
}
