// Whether a download can take one more chunk that is offered: only if not many more are on their way than it has lately
// received. A slow receiver would otherwise accept a chunk from each neighbour, all of them would come slowly, and
// others would wait for chunks that nobody else has. Pure: no clock, time comes in as a parameter. Asks for nothing.

/** This many chunks may be on their way in any case. */
const MIN_CHUNKS = 6;
/** As many chunks may be on their way as came in this interval and the one before. */
const INTERVAL_MS = 1_000;

export class Intake {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #received = 0;
  #receivedBefore = 0;

  /** A chunk has come. */
  received(nowMs: number): void {
    this.#pass(nowMs);
    this.#received++;
  }

  /** Whether one more may be accepted in addition to what is asked of all `peers`. */
  hasRoom(peers: Iterable<{ readonly requests: { readonly size: number } }>, nowMs: number): boolean {
    this.#pass(nowMs);
    let underWay = 0;
    for (const { requests } of peers) underWay += requests.size;
    return underWay < Math.max(MIN_CHUNKS, this.#received + this.#receivedBefore);
  }

  #pass(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < INTERVAL_MS) return;
    this.#receivedBefore = passedMs < 2 * INTERVAL_MS ? this.#received : 0;
    this.#received = 0;
    this.#sinceMs = nowMs;
  }
}
