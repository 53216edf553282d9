// What a chunk goes out on. Two kinds behave differently: a link, on which it takes its time (link-wire.ts), and a
// fast network under an upload limit, on which it goes at once and is paid for afterwards.
import type { Timers } from "../../src/core/clock.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";
import type { Uplink } from "../../src/swarm/uploading/offering.js";
import type { Downlink } from "./downlink.js";

export interface Wire extends Uplink {
  /** Payload that is out, including that of chunks that are still under way. */
  readonly bytesSent: number;
  /** The part of `bytesSent` that belongs to chunks that were ended before they were out. */
  readonly bytesCutOff: number;
  /** The most that was ever out beyond what the uplink and its wire allow; at most 0 if that was kept to. */
  readonly mostOverCapBytes: number;
  /** Whether one more chunk may begin now; if not, `waiter` is called when it may. */
  mayBegin(waiter: () => void): boolean;
  /** Calls `isOut` when the chunk's last byte is out. The function that is returned ends the chunk before that, and
   * returns whether it did; then `isOut` is not called. */
  begin(downlink: Downlink, bytes: number, isOut: () => void): () => boolean;
}

/** What the network carries when nothing but an upload limit holds a chunk back. */
const NETWORK_BYTES_PER_MS = 2 ** 20;

/** `--upload-limit`: production's own budget, in virtual time. */
export class LimitWire implements Wire {
  readonly isLimited = true;
  readonly #timers: Timers;
  readonly #budget: RateBudget;
  bytesSent = 0;
  readonly bytesCutOff = 0;
  mostOverCapBytes = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number, timers: Timers) {
    this.#timers = timers;
    this.#budget = new RateBudget(bytesPerSecond, timers);
  }

  get waitMs(): number {
    return this.#budget.waitMs;
  }

  chunkMs(chunkBytes: number): number {
    return this.#budget.durationMs(chunkBytes);
  }

  mayBegin(waiter: () => void): boolean {
    return this.#budget.mayBegin(waiter);
  }

  /** Whatever has begun goes out whole. */
  begin(_downlink: Downlink, bytes: number, isOut: () => void): () => boolean {
    this.#budget.spend(bytes);
    // A limit lets the first chunk go before it is earned.
    const allowedBytes = (this.#timers.nowMs() * this.#budget.bytesPerSecond) / 1000 + bytes;
    this.bytesSent += bytes;
    this.mostOverCapBytes = Math.max(this.mostOverCapBytes, this.bytesSent - allowedBytes);
    this.#timers.later(bytes / NETWORK_BYTES_PER_MS, isOut);
    return () => false;
  }
}
