// What one peer receives on, and what is on its way to it. Moves nothing.

/** Bytes on their way to one peer. */
export interface Flow {
  readonly downlink: Downlink;
  readonly isOut: () => void;
  readonly shareChanged: () => void;
  leftBytes: number;
  bytesPerMs: number;
}

/** What one peer receives on. Those that send to it share it equally, even if one of them has no use for its share, so
 * it is never exceeded, but now and then not used up. */
export class Downlink {
  readonly #bytesPerMs: number;
  readonly #flows = new Set<Flow>();

  /** Infinity: it takes whatever comes. */
  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  get shareBytesPerMs(): number {
    return this.#bytesPerMs / this.#flows.size;
  }

  add(flow: Flow): void {
    this.#flows.add(flow);
    this.#changed(flow);
  }

  delete(flow: Flow): void {
    this.#flows.delete(flow);
    this.#changed(flow);
  }

  #changed(cause: Flow): void {
    if (!Number.isFinite(this.#bytesPerMs)) return;
    for (const flow of this.#flows) if (flow !== cause) flow.shareChanged();
  }
}
