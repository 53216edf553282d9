// Tells how far a download is: a few times a second while anything changes, once a second while nothing does,
// and when it has to wait for peers. Time comes in as a parameter; decides nothing.
import type { ContentId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import { RateMeter } from "../events/rate.js";

/** How often to call `tell`, and the least time between two events. */
export const PROGRESS_MS = 200;
/** Longest silence: a person must see that a download which stands still is alive. */
const HEARTBEAT_MS = 1_000;

export interface DownloadState {
  readonly contentId: ContentId;
  readonly bytesTotal: number;
  /** Verified so far, those of an earlier run included. */
  bytesDone(): number;
  /** Connected now. */
  peers(): number;
}

export class DownloadProgress {
  readonly #state: DownloadState;
  readonly #observe: EventObserver;
  readonly #meter: RateMeter;
  #toldMs: number;
  #told = { bytesDone: -1, peers: -1 };
  #isWaiting = false;

  constructor(state: DownloadState, observe: EventObserver, nowMs: number) {
    this.#state = state;
    this.#observe = observe;
    this.#meter = new RateMeter(nowMs, state.bytesDone());
    this.#toldMs = nowMs;
  }

  /** To be called whenever a chunk is done, and every PROGRESS_MS. */
  tell(nowMs: number): void {
    const bytesDone = this.#state.bytesDone();
    const peers = this.#state.peers();
    this.#meter.record(nowMs, bytesDone);
    const silentMs = nowMs - this.#toldMs;
    if (silentMs < PROGRESS_MS) return;
    const isNews = bytesDone !== this.#told.bytesDone || peers !== this.#told.peers;
    if (isNews || silentMs >= HEARTBEAT_MS) this.#report(nowMs, bytesDone, peers);
    if (peers === 0 && !this.#isWaiting) {
      this.#observe({ type: "waiting", contentId: this.#state.contentId, waitingFor: "peers" });
    }
    this.#isWaiting = peers === 0;
  }

  /** Everything is there: said even if little time has passed, but not twice. */
  finish(nowMs: number): void {
    const bytesDone = this.#state.bytesDone();
    this.#meter.record(nowMs, bytesDone);
    if (bytesDone !== this.#told.bytesDone) this.#report(nowMs, bytesDone, this.#state.peers());
  }

  #report(nowMs: number, bytesDone: number, peers: number): void {
    this.#toldMs = nowMs;
    this.#told = { bytesDone, peers };
    const { contentId, bytesTotal } = this.#state;
    const bytesPerSecond = this.#meter.bytesPerSecond(nowMs);
    const etaMs = this.#meter.etaMs(nowMs, bytesTotal);
    this.#observe({ type: "progress", contentId, bytesDone, bytesTotal, bytesPerSecond, etaMs, peers });
  }
}
