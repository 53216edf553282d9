// Reports how far a download is: a few times a second while anything changes, once a second while nothing does, when
// the slow reason changes, and when it has to wait for peers. Time comes in as a parameter; decides nothing.
import type { ContentId } from "../../core/ids.js";
import type { EventObserver, SlowReason } from "../../events/event.js";
import { PROGRESS_MS, RateMeter } from "../../events/rate.js";

/** The longest silence: a person must see that a download which stands still is alive. */
const HEARTBEAT_MS = 1_000;

export interface DownloadState {
  readonly contentId: ContentId;
  readonly bytesTotal: number;
  /** Bytes verified so far, those of earlier runs included. */
  bytesDone(): number;
  /** Of those, bytes found on this machine meanwhile: no peer sent them, so they say nothing about the peers' rate. */
  bytesFound(): number;
  /** How many are connected now. */
  peers(): number;
}

export class DownloadProgress {
  readonly #state: DownloadState;
  readonly #observe: EventObserver;
  readonly #meter: RateMeter;
  #toldMs: number;
  #told: { bytesDone: number; peers: number; slowReason?: SlowReason } = { bytesDone: -1, peers: -1 };
  #isWaiting = false;
  #bytesDone: number;
  /** When `#bytesDone` changed last. */
  #movedMs: number;

  constructor(state: DownloadState, observe: EventObserver, nowMs: number) {
    this.#state = state;
    this.#observe = observe;
    this.#bytesDone = state.bytesDone();
    this.#meter = new RateMeter(nowMs, this.#bytesDone - state.bytesFound());
    this.#toldMs = nowMs;
    this.#movedMs = nowMs;
  }

  /** To be called whenever a chunk is done, and every PROGRESS_MS. */
  tell(slowReason: SlowReason, nowMs: number): void {
    this.#look(nowMs);
    const peers = this.#state.peers();
    const silentMs = nowMs - this.#toldMs;
    if (silentMs < PROGRESS_MS) return;
    const { bytesDone, peers: toldPeers, slowReason: toldReason } = this.#told;
    const isNews = bytesDone !== this.#bytesDone || peers !== toldPeers || slowReason !== toldReason;
    if (isNews || silentMs >= HEARTBEAT_MS) this.#report(slowReason, nowMs, peers);
    if (peers === 0 && !this.#isWaiting) {
      const { contentId } = this.#state;
      this.#observe({ type: "waiting", contentId, waitingFor: "peers", slowReason });
    }
    this.#isWaiting = peers === 0;
  }

  /** Everything is there: reports it even if little time has passed, but not twice. */
  finish(slowReason: SlowReason, nowMs: number): void {
    this.#look(nowMs);
    if (this.#bytesDone !== this.#told.bytesDone) this.#report(slowReason, nowMs, this.#state.peers());
  }

  #look(nowMs: number): void {
    const bytesDone = this.#state.bytesDone();
    this.#meter.record(nowMs, bytesDone - this.#state.bytesFound());
    if (bytesDone !== this.#bytesDone) this.#movedMs = nowMs;
    this.#bytesDone = bytesDone;
  }

  #report(slowReason: SlowReason, nowMs: number, peers: number): void {
    const bytesDone = this.#bytesDone;
    this.#toldMs = nowMs;
    this.#told = { bytesDone, peers, slowReason };
    const { contentId, bytesTotal } = this.#state;
    this.#observe({
      ...{ type: "progress", contentId, bytesDone, bytesTotal, peers, slowReason },
      bytesPerSecond: this.#meter.bytesPerSecond(nowMs),
      etaMs: this.#meter.etaMs(nowMs, bytesTotal - this.#state.bytesFound()),
      stalledMs: nowMs - this.#movedMs,
    });
  }
}
