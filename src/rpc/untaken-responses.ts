// Responses that their callers have not taken yet, bounded in bytes: beyond the bound whoever has let the oldest
// one wait is hung up. Honest callers take what they asked for at once; only those that never read pile up.

interface Waiting {
  readonly bytes: number;
  readonly hangUp: () => void;
}

export class UntakenResponses {
  readonly #maxBytes: number;
  /** By call, oldest first. */
  readonly #waiting = new Map<object, Waiting>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A response goes out; `hangUp` ends the connection it goes to, and with it all that wait there. */
  sending(call: object, bytes: number, hangUp: () => void): void {
    this.over(call);
    this.#waiting.set(call, { bytes, hangUp });
    this.#bytes += bytes;
    for (const [oldest, waiting] of this.#waiting) {
      if (this.#bytes <= this.#maxBytes || oldest === call) return;
      this.over(oldest);
      waiting.hangUp();
    }
  }

  /** The call has ended, one way or another. */
  over(call: object): void {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return;
    this.#waiting.delete(call);
    this.#bytes -= waiting.bytes;
  }
}
