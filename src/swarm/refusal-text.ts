// Why a peer does not give what it is asked for, for people, and when it makes sense to ask it again. Decides nothing.
import { type ErrorCode, GoshareError } from "../core/errors.js";
import type { RefusalReason, Reply } from "../peer/messages.js";

const TEXTS: Readonly<Record<RefusalReason, string>> = {
  unspecified: "it does not say why",
  contentUnknown: "it no longer shares that",
  chunkUnavailable: "it does not have it",
  busy: "it is busy",
  rateLimited: "a rate limit does not allow it",
  sourceChanged: "the file has changed since it was shared",
  cancelled: "it was told not to",
  unimplemented: "it does not know such requests",
  limitExceeded: "it does not take so many requests, or numbers so large",
  permissionDenied: "it does not allow that",
  shuttingDown: "it is stopping",
  internal: "it cannot read it",
};

export function refusalText(reason: RefusalReason): string {
  return TEXTS[reason];
}

export interface RefusalPauses {
  /** How long a refused request waits before the same peer is asked again. */
  readonly minRefusalPauseMs: number;
  readonly maxRefusalPauseMs: number;
}

/** A peer has refused a Join or a page of a manifest. */
export class PeerRefused extends GoshareError {
  /** It asks to be left alone for so long; 0: it does not say. */
  readonly retryAfterMs: number;

  constructor(code: ErrorCode, message: string, { retryAfterMs }: Extract<Reply, { type: "refusal" }>) {
    super(code, message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The share of the peer at `place` (HOST:PORT) was changed there: only sharing it again helps. */
export function sourceChangedAt(place: string): GoshareError {
  return new GoshareError("SOURCE_CHANGED", `the file at ${place} has changed since it was shared`);
}
