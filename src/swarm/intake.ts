// Whether a download can take one more chunk that is offered: not many more are on their way than it has lately
// received. One that receives slowly would otherwise accept a chunk of each neighbour, and all of these come slowly,
// while others wait for those that nobody else has. Pure: no clock, time comes in as a parameter. Asks for nothing.

/** So many may be on their way in any case. */
const MIN_CHUNKS = 6;
/** What came in this interval and the one before is what may be on its way. */
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

  /** Whether one more may be accepted beside what is asked of all `peers`. */
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
