// Whether the other side of a connection still does its part: Hello in time, replies that begin and go on, bytes
// taken and sent (proto/goshare/v1/peer.proto, "Liveness"). Pure: is shown a connection now and then with the
// time, and says what is wrong. Never closes anything.
import { stoodStill } from "../core/clock.js";
import type { ConnectionOptions } from "./options.js";

/** How often a connection is to be shown, at least. */
export const LIVENESS_LOOK_MS = 1_000;

/** The present state of a connection. */
export interface LivenessView {
  /** Bytes received so far. */
  readonly bytesRead: number;
  /** Bytes that wait for the kernel. */
  readonly pendingWriteBytes: number;
  /** Whether this side reads nothing because it has no room. */
  readonly isBlocked: boolean;
  /** From the other side's Hello; undefined before that. */
  readonly remoteIdleTimeoutMs: number | undefined;
  /** Since when the other side owes the beginning of a reply; undefined if no request is open. */
  readonly owedSinceMs: number | undefined;
  /** Of the replies that have begun and are not complete, the one to the oldest request. */
  readonly running: RunningReply | undefined;
}

export interface RunningReply {
  readonly startedAtMs: number;
  /** Bytes that the connection had received when the reply began. */
  readonly bytesReadAtStart: number;
}

export class Liveness {
  readonly #options: ConnectionOptions;
  #openedAtMs: number;
  /** When the next look is due. */
  #lookAtMs: number;
  #lastByteAtMs: number;
  #lastBytesRead = 0;
  #lastWrittenAtMs: number;
  /** When this side last had no room, and the bytes received by then. */
  #blockedAtMs = Number.NEGATIVE_INFINITY;
  #bytesReadWhenBlocked = 0;

  constructor(options: ConnectionOptions, nowMs: number) {
    this.#options = options;
    this.#openedAtMs = nowMs;
    this.#lookAtMs = nowMs + LIVENESS_LOOK_MS;
    this.#lastByteAtMs = nowMs;
    this.#lastWrittenAtMs = nowMs;
  }

  /** Something is about to be written, behind `pendingWriteBytes`. */
  writing(pendingWriteBytes: number, nowMs: number): void {
    if (pendingWriteBytes === 0) this.#lastWrittenAtMs = nowMs;
  }

  /** The kernel has taken what was written. */
  written(nowMs: number): void {
    this.#lastWrittenAtMs = nowMs;
  }

  /** This side reads again: the pause was not the other side's fault. */
  unblocked(bytesRead: number, nowMs: number): void {
    this.#lastByteAtMs = nowMs;
    this.#blockedAtMs = nowMs;
    this.#bytesReadWhenBlocked = bytesRead;
  }

  /** What is wrong with the other side; undefined if nothing is. To be called every LIVENESS_LOOK_MS. */
  problem(view: LivenessView, nowMs: number): string | undefined {
    const { helloTimeoutMs, idleTimeoutMs, firstByteTimeoutMs } = this.#options;
    const patienceMs = Math.min(idleTimeoutMs, firstByteTimeoutMs);
    if (stoodStill(this.#lookAtMs, nowMs, patienceMs)) this.#beginAnew(view.bytesRead, nowMs);
    this.#lookAtMs = nowMs + LIVENESS_LOOK_MS;
    if (view.bytesRead !== this.#lastBytesRead) {
      this.#lastBytesRead = view.bytesRead;
      this.#lastByteAtMs = nowMs;
    }
    if (view.remoteIdleTimeoutMs === undefined) {
      return nowMs - this.#openedAtMs >= helloTimeoutMs ? "no Hello in time" : undefined;
    }
    if (view.isBlocked) this.unblocked(view.bytesRead, nowMs);
    const reply = this.#replyProblem(view, nowMs);
    if (reply !== undefined) return reply;
    if (view.pendingWriteBytes > 0) {
      return nowMs - this.#lastWrittenAtMs >= idleTimeoutMs ? "it takes no bytes" : undefined;
    }
    return nowMs - this.#lastByteAtMs >= idleTimeoutMs ? "idle" : undefined;
  }

  /** Whether a Ping is due: nothing was heard for half the time after which either side hangs up. */
  isPingDue(view: LivenessView, nowMs: number): boolean {
    if (view.owedSinceMs !== undefined || view.isBlocked) return false;
    const { idleTimeoutMs } = this.#options;
    const patienceMs = Math.min(idleTimeoutMs, view.remoteIdleTimeoutMs || idleTimeoutMs);
    return nowMs - this.#lastByteAtMs >= patienceMs / 2;
  }

  /** The other side has all its time again. */
  #beginAnew(bytesRead: number, nowMs: number): void {
    this.#openedAtMs = nowMs;
    this.#lastWrittenAtMs = nowMs;
    this.unblocked(bytesRead, nowMs);
  }

  #replyProblem(view: LivenessView, nowMs: number): string | undefined {
    if (view.isBlocked || view.owedSinceMs === undefined) return undefined;
    const { firstByteTimeoutMs, slowReplyWindowMs, minBytesPerSecond } = this.#options;
    const { running } = view;
    // While a reply is coming, any byte is progress. For a reply that has not begun, other bytes do not count.
    const lastMs = running === undefined ? Math.max(view.owedSinceMs, this.#blockedAtMs) : this.#lastByteAtMs;
    const waitedMs = nowMs - lastMs;
    if (waitedMs >= firstByteTimeoutMs) return `nothing came for ${Math.round(waitedMs)} ms`;
    if (running === undefined) return undefined;
    const wasBlocked = this.#blockedAtMs > running.startedAtMs;
    const runningMs = nowMs - (wasBlocked ? this.#blockedAtMs : running.startedAtMs);
    const receivedBytes =
      view.bytesRead - (wasBlocked ? this.#bytesReadWhenBlocked : running.bytesReadAtStart);
    const isSlow = runningMs >= slowReplyWindowMs && receivedBytes * 1000 < minBytesPerSecond * runningMs;
    return isSlow ? `${receivedBytes} bytes in ${Math.round(runningMs)} ms` : undefined;
  }
}
