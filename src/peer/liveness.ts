// When a connection stands still: a pure judgement over times and byte counts. The rules stand under
// "Liveness" in proto/goshare/v1/peer.proto; connection.ts acts on them.
import type { ConnectionOptions } from "./options.js";

/** What is known of a connection at a moment; times in milliseconds of one clock. */
export interface LivenessFacts {
  readonly nowMs: number;
  /** The other side has said Hello. */
  readonly isOpen: boolean;
  /** When the last byte came, or when this side stopped holding the other one up. */
  readonly lastByteAtMs: number;
  readonly bytesRead: number;
  /** The own request that waits longest. */
  readonly oldest:
    | {
        readonly sentAtMs: number;
        /** When its reply began, and how many bytes had come on the connection by then. */
        readonly startedAtMs: number | undefined;
        readonly bytesReadAtStart: number;
      }
    | undefined;
  /** Bytes the other side has not taken. */
  readonly pendingWriteBytes: number;
  readonly lastWrittenAtMs: number;
  /** What the other side says of its own patience; 0 if nothing. */
  readonly remoteIdleTimeoutMs: number;
}

/** What to do: nothing, ask for a sign of life, or give up because of what `stalled` says. */
export type LivenessVerdict = "alive" | "ask" | { readonly stalled: string };

export function judgeLiveness(facts: LivenessFacts, options: ConnectionOptions): LivenessVerdict {
  const { nowMs, oldest } = facts;
  const quietMs = nowMs - facts.lastByteAtMs;
  if (!facts.isOpen) return quietMs >= options.helloTimeoutMs ? { stalled: "no Hello in time" } : "alive";
  if (oldest !== undefined) {
    const waitedMs = Math.min(quietMs, nowMs - oldest.sentAtMs);
    if (waitedMs >= options.firstByteTimeoutMs)
      return { stalled: `nothing came for ${Math.round(waitedMs)} ms` };
    const runningMs = nowMs - (oldest.startedAtMs ?? nowMs);
    const receivedBytes = facts.bytesRead - oldest.bytesReadAtStart;
    const isSlow = receivedBytes * 1000 < options.minBytesPerSecond * runningMs;
    if (runningMs >= options.slowReplyWindowMs && isSlow) {
      return { stalled: `only ${receivedBytes} bytes came in ${Math.round(runningMs)} ms` };
    }
  }
  if (facts.pendingWriteBytes > 0) {
    const untakenMs = nowMs - facts.lastWrittenAtMs;
    return untakenMs >= options.idleTimeoutMs ? { stalled: "it takes no bytes" } : "alive";
  }
  if (quietMs >= options.idleTimeoutMs) return { stalled: "it is idle" };
  const patienceMs = Math.min(options.idleTimeoutMs, facts.remoteIdleTimeoutMs || options.idleTimeoutMs);
  return quietMs >= patienceMs / 2 && oldest === undefined ? "ask" : "alive";
}
