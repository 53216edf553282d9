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

/** A download stands still when it has verified nothing for so long. */
const STALL_MS = 1_000;

/** What is over sooner needs no explanation. */
const QUICK_MS = 3_000;
/** What took less than this, or less of the time than this, is not worth a word. */
const WORTH_TELLING_MS = 500;
const WORTH_TELLING_PART = 1 / 20;

type Progress = Extract<GoshareEvent, { type: "progress" }>;

/** What a download stands still for; empty while it moves. When everything is there it is made safe on the disk, which
 * takes a while where there are many files. */
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
