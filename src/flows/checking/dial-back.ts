// Whether others can reach this machine, found out by a tracker: it dials an address that a peer announces before it
// tells others. Announces for some seconds a share that nobody has, and withdraws it. Says only what came of that.
import { randomBytes } from "node:crypto";
import type { Endpoint } from "../../address/endpoint.js";
import { pause } from "../../core/clock.js";
import { contentIdFromBytes, DIGEST_BYTES } from "../../core/ids.js";
import type { AnnounceAnswer, Announcement } from "../../tracker/announcement.js";
import { MIN_RENEW_MS } from "../../tracker/limits.js";
import { MAX_PROBE_MS } from "../finding/probe-options.js";
import type { SharePort } from "../sharing/share-port.js";

/** `trusted`: the tracker lists whatever is announced. `notTried`: it had no time to dial, or not this address. */
export type DialBack = "reached" | "notReached" | "notTried" | "trusted";

/** For a tracker that tries; includes the time to reach the tracker. */
const TRIED_WITHIN_MS = MAX_PROBE_MS + 1_500;
/** For a tracker that does not say that it tries. */
const SILENT_WITHIN_MS = 1_500;
const ASK_EVERY_MS = 300;
const CALL_TIMEOUT_MS = 5_000;

/** Whether `tracker` reaches `port` at `place`. Throws what a call to `tracker` throws. */
export async function dialBack(
  tracker: Endpoint,
  place: Endpoint,
  port: SharePort,
  signal: AbortSignal,
): Promise<DialBack> {
  const { TrackerClient } = await import("../../tracker/client.js");
  const client = new TrackerClient(tracker, { callTimeoutMs: CALL_TIMEOUT_MS, maxAttempts: 1 });
  const announcement = announcementOf(place, port);
  const isListed = ({ listedEndpoints }: AnnounceAnswer) =>
    listedEndpoints.some((listed) => listed.host === place.host && listed.port === place.port);
  try {
    const first = await client.announce(announcement, signal);
    if (isListed(first)) return "trusted";
    const isTried = first.renewAfterMs === MIN_RENEW_MS;
    const untilMs = performance.now() + (isTried ? TRIED_WITHIN_MS : SILENT_WITHIN_MS);
    while (performance.now() < untilMs) {
      await pause(ASK_EVERY_MS, signal);
      signal.throwIfAborted();
      if (isListed(await client.announce(announcement, signal))) return "reached";
    }
    return isTried ? "notReached" : "notTried";
  } finally {
    // If this fails, the tracker forgets by itself later.
    await client.withdraw(announcement.peerId).catch(() => undefined);
    await client.close();
  }
}

/** Without a listen port: with one, the tracker would list it unproven where it sees it. */
function announcementOf(place: Endpoint, { local }: SharePort): Announcement {
  const contentId = contentIdFromBytes(randomBytes(DIGEST_BYTES));
  if (contentId === undefined) throw new Error("32 bytes are a content id");
  const { peerId } = local;
  const runEpochMs = Math.round(performance.timeOrigin);
  const shares = [{ contentId, chunksHeld: 0, complete: false, wantPeers: 0 }];
  return { peerId, runEpochMs, endpoints: [place], listenPort: 0, shares };
}
