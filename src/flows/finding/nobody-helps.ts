// Why a download ends after it has waited long enough: what is known of peers and trackers by then, as one error with a
// hint. Waits for nothing itself.
import { type ErrorCode, GoshareError } from "../../core/errors.js";
import type { ContentId } from "../../core/ids.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";
import type { TrackerLookup } from "./tracker-lookup.js";

const HINTS: Partial<Record<ErrorCode, string>> & Readonly<Record<"NO_PEERS", string>> = {
  NO_PEERS: "check that the sharer is still running and can be reached, then run the same command again",
  SOURCE_CHANGED: "ask for it to be shared again, and use the new ticket",
  // A file that is mapped into memory changes without a trace in its times.
  DIGEST_MISMATCH:
    "a file may have changed where it is shared: ask for it to be shared again with --rehash, and use the new ticket",
};

/** What a download has seen of the chunks that it asked for. */
export interface SeenChunks {
  /** Whether one that came from a peer was right. */
  readonly isHonestlyServed: boolean;
  /** Whether connections have ended before a whole one had come, time and again. */
  readonly breaksInChunks: boolean;
}

/** The error with which a download ends when it has waited long enough. */
export function nobodyHelps(
  what: "manifest" | "peers",
  contentId: ContentId,
  swarm: DownloadSwarm,
  lookup: TrackerLookup,
  seen: SeenChunks,
): GoshareError {
  const last = swarm.lastError;
  const why = last === undefined ? "" : `; last error: ${last.message}`;
  const hint = HINTS[last?.code ?? "NO_PEERS"] ?? HINTS.NO_PEERS;
  // If a peer has sent right bytes as well, wrong bytes are not why the rest is missing.
  if (last?.code === "DIGEST_MISMATCH" && !seen.isHonestlyServed) {
    return new GoshareError("DIGEST_MISMATCH", `nobody sends the right bytes; last error: ${last.message}`, {
      hint: "find another peer that has the share; what is verified is kept, and the same command resumes the download",
      cause: last,
    });
  }
  if (what === "peers" && last?.code === "PEER_CLOSED" && seen.breaksInChunks) {
    return new GoshareError("INCOMPLETE", `connections break before a whole chunk has come${why}`, {
      hint: "use a steadier network, or ask for it to be shared again with a smaller --chunk-size, and use the new ticket",
      cause: last,
    });
  }
  if (what === "peers") {
    return new GoshareError("INCOMPLETE", `nobody sends what is missing${why}`, { hint, cause: last });
  }
  const message = `nobody who has ${contentId.slice(0, 16)}… could be reached${why}`;
  const silence = last === undefined ? lookup.silence : undefined;
  if (silence !== undefined) {
    const said = `${message}: ${silence.message}`;
    return new GoshareError(silence.code, said, { hint: silence.hint, cause: silence });
  }
  const code = last === undefined && lookup.hasTrackers ? "CONTENT_NOT_FOUND" : "NO_PEERS";
  return new GoshareError(code, message, { hint, cause: last });
}
