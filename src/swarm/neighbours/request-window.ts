// How many requests may be open at one provider. Few until it has given a right chunk, and soon as many as it welcomes:
// so a provider that lies or stands still costs little. Counts; asks for nothing.

/** How many chunks that were offered, or failed elsewhere, may be asked for at a time. */
const MAX_BESIDE_WINDOW = 16;

/** Requests without an offer that a provider welcomes until it says otherwise. */
const FIRST_PULL_WINDOW = 1;

/** After so many right chunks a provider may be asked for as much as it welcomes. */
const UNPROVEN_CHUNKS = 32;

/** Requests besides chunks that may be open at the same time: to join, and for other peers. */
const OTHER_REQUESTS = 2;

export class RequestWindow {
  readonly #unprovenRequests: number;
  readonly #maxRequests: number;
  /** Right chunks that it has given. */
  #verified = 0;
  /** Chunks that it has given and that are being verified. */
  #unverified = 0;
  /** Requests without an offer that it welcomes. */
  pullWindow = FIRST_PULL_WINDOW;

  /** `maxRequests`: how many requests of any kind the provider accepts. */
  constructor(unprovenRequests: number, maxRequests: number) {
    this.#unprovenRequests = unprovenRequests;
    this.#maxRequests = Math.max(1, maxRequests - OTHER_REQUESTS);
  }

  /** Requests that may be open at a time. */
  get size(): number {
    return Math.min(this.#trusted, this.pullWindow, this.#maxRequests);
  }

  /** Whether one more chunk may be asked for. */
  hasRoom(running: number): boolean {
    return running < this.size;
  }

  /** Whether a chunk that it offers, or that failed elsewhere, may be asked for, whatever else it welcomes. */
  hasRoomForOne(running: number): boolean {
    const most = Math.min(this.#trusted, MAX_BESIDE_WINDOW, this.#maxRequests);
    return running < Math.max(most, this.size);
  }

  /** Whether it is time to ask: a quarter of the window is free, or nothing runs at all. A group of requests costs each
   * side one system call instead of one per request. */
  hasRoomForGroup(running: number): boolean {
    return this.hasRoom(running) && (running === 0 || this.size - running >= this.size / 4);
  }

  /** Whether it has given a chunk that is not known to be wrong. */
  get hasGiven(): boolean {
    return this.#verified + this.#unverified > 0;
  }

  /** A chunk that it gave is being verified. To be followed by one `verified`. */
  verifying(): void {
    this.#unverified++;
  }

  /** A chunk that it gave was verified; returns whether it may be asked for more because of that. */
  verified(isRight: boolean): boolean {
    this.#unverified--;
    return isRight && this.#verified++ < UNPROVEN_CHUNKS;
  }

  get #trusted(): number {
    return this.#unprovenRequests + 2 * this.#verified - this.#unverified;
  }
}
