// Why a download is slow, in words. Pure; says nothing where there is nothing worth saying.
import { formatDuration } from "../../core/units.js";
import type { GoshareEvent, SlowReason, SlowTime } from "../../events/event.js";

/** Short enough to stand in a line of 40 cells beside name and percent. */
const TEXTS: Record<SlowReason, string> = {
  noPeer: "no peer found yet",
  trackerUnreachable: "tracker unreachable",
  dialFailed: "no peer reachable",
  noPeerHasChunk: "nobody has the rest",
  waitingForOffer: "waiting for an offer",
  peerBusy: "peers are busy",
  downloadLimit: "download limit",
  uploadLimit: "upload limit of peers",
  disk: "slow disk",
  verification: "verification",
  network: "network",
};

/** A download stands still when it has verified nothing for this long. */
const STALL_MS = 1_000;

/** A download that is over sooner needs no explanation. */
const QUICK_MS = 3_000;
/** A reason that took less than this, or a smaller part of the time than this, is not worth telling. */
const WORTH_TELLING_MS = 500;
const WORTH_TELLING_PART = 1 / 20;

type Progress = Extract<GoshareEvent, { type: "progress" }>;

/** Why a download stands still; empty while it moves. When everything is there, it is synced to the disk, which takes a
 * while if there are many files. */
export function stallText({ slowReason, stalledMs, bytesDone, bytesTotal }: Progress): string {
  if (bytesTotal > 0 && bytesDone >= bytesTotal) return "syncing to disk";
  return stalledMs < STALL_MS ? "" : TEXTS[slowReason];
}

/** "upload limit of peers 14 s, network 2 s"; empty if the download was quick. */
export function limitedByText(slowTimes: readonly SlowTime[], elapsedMs: number): string {
  if (elapsedMs < QUICK_MS) return "";
  const leastMs = Math.max(WORTH_TELLING_MS, elapsedMs * WORTH_TELLING_PART);
  return slowTimes
    .filter(({ ms }) => ms >= leastMs)
    .map(({ reason, ms }) => `${TEXTS[reason]} ${formatDuration(ms)}`)
    .join(", ");
}
