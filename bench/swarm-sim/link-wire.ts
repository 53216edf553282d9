// A link on which a chunk takes its time: chunks on their way share it equally, except for what their receivers cannot
// take. Moves nothing but numbers, and does not decide whose chunk is next.
import type { Cancel, Timers } from "../../src/core/clock.js";
import { UplinkLoad } from "../../src/swarm/uploading/uplink-load.js";
import type { Downlink, Flow } from "./downlink.js";
import type { Wire } from "./wire.js";

/** If less than this is left of a sum, only rounding left it. */
const ROUNDING_BYTES = 1e-3;

export class LinkWire implements Wire {
  readonly isLimited = false;
  readonly #bytesPerMs: number;
  readonly #timers: Timers;
  /** How many chunks may be on their way at a time, as long as they use the whole link. */
  readonly #maxChunks: number;
  readonly #load = new UplinkLoad<Downlink>();
  readonly #flows = new Set<Flow>();
  #countedAtMs = 0;
  #spareBytesPerMs = 0;
  #waiter: (() => void) | undefined;
  #cancelTimer: Cancel = () => undefined;
  bytesSent = 0;
  bytesCutOff = 0;
  mostOverCapBytes = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number, maxChunks: number, timers: Timers) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#maxChunks = maxChunks;
    this.#timers = timers;
  }

  get waitMs(): number {
    this.#count();
    return this.#load.waitMs(this.#timers.nowMs());
  }

  chunkMs(chunkBytes: number): number {
    this.#count();
    return this.#load.durationMs(chunkBytes);
  }

  mayBegin(waiter: () => void): boolean {
    if (this.#hasRoom) return true;
    this.#waiter = waiter;
    return false;
  }

  begin(downlink: Downlink, bytes: number, isOut: () => void): () => boolean {
    const shareChanged = () => this.#share();
    const flow: Flow = { downlink, isOut, shareChanged, leftBytes: bytes, bytesPerMs: 0 };
    this.#count();
    this.#load.begun(downlink, bytes, this.#timers.nowMs());
    this.#flows.add(flow);
    downlink.add(flow);
    this.#share();
    return () => {
      if (!this.#end(flow)) return false;
      this.bytesCutOff += bytes - flow.leftBytes;
      this.#load.dropped(downlink, flow.leftBytes);
      this.#share();
      return true;
    };
  }

  get #hasRoom(): boolean {
    return this.#flows.size < this.#maxChunks || this.#spareBytesPerMs > ROUNDING_BYTES;
  }

  /** Returns whether it was on its way. */
  #end(flow: Flow): boolean {
    this.#count();
    if (!this.#flows.delete(flow)) return false;
    flow.downlink.delete(flow);
    return true;
  }

  /** Counts what has gone out since the last count. */
  #count(): void {
    const nowMs = this.#timers.nowMs();
    const elapsedMs = nowMs - this.#countedAtMs;
    this.#countedAtMs = nowMs;
    if (elapsedMs === 0 || this.#flows.size === 0) return;
    let bytesPerMs = 0;
    for (const flow of this.#flows) {
      bytesPerMs += flow.bytesPerMs;
      flow.leftBytes -= flow.bytesPerMs * elapsedMs;
      this.#load.taken(flow.downlink, flow.bytesPerMs * elapsedMs, nowMs);
    }
    this.bytesSent += bytesPerMs * elapsedMs;
    this.mostOverCapBytes = Math.max(this.mostOverCapBytes, this.bytesSent - nowMs * this.#bytesPerMs);
  }

  /** Divides the link anew: flows whose receivers take least are served first, and what they leave goes to the
   * others. */
  #share(): void {
    this.#count();
    let sharedBytesPerMs = this.#bytesPerMs;
    let left = this.#flows.size;
    let firstOutMs = Number.POSITIVE_INFINITY;
    const flows = left > 1 ? [...this.#flows].sort(bySlowest) : this.#flows;
    for (const flow of flows) {
      flow.bytesPerMs = Math.min(sharedBytesPerMs / left--, flow.downlink.shareBytesPerMs);
      sharedBytesPerMs -= flow.bytesPerMs;
      firstOutMs = Math.min(firstOutMs, flow.leftBytes / flow.bytesPerMs);
    }
    this.#spareBytesPerMs = sharedBytesPerMs;
    this.#cancelTimer();
    if (Number.isFinite(firstOutMs)) this.#cancelTimer = this.#timers.later(firstOutMs, () => this.#ended());
    if (this.#waiter !== undefined && this.#hasRoom) {
      this.#timers.soon(this.#waiter);
      this.#waiter = undefined;
    }
  }

  #ended(): void {
    this.#count();
    for (const flow of this.#flows) {
      if (flow.leftBytes > ROUNDING_BYTES) continue;
      this.#end(flow);
      flow.isOut();
    }
    this.#share();
  }
}

function bySlowest(one: Flow, other: Flow): number {
  const [first, second] = [one.downlink.shareBytesPerMs, other.downlink.shareBytesPerMs];
  return first === second ? 0 : first < second ? -1 : 1;
}
