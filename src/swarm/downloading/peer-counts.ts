// Counts what the peers of a download are doing at one moment; its slow reason is found from these counts. Changes
// nothing, asks for nothing.
import type { DownloadPeer } from "../neighbours/download-peer.js";
import type { RateBudget, Waiter } from "../rate-budget.js";
import type { ChunkScheduler } from "./scheduler.js";
import type { PeerCounts } from "./slow-reason.js";

/** Each of `peers` comes with what waits in line for the rate in its name. Looks at each once. */
export function countPeers(
  peers: ReadonlyMap<DownloadPeer, Waiter>,
  scheduler: ChunkScheduler,
  budget: RateBudget | undefined,
  nowMs: number,
): PeerCounts {
  const counts = { asked: 0, limited: 0, heldBack: 0, offering: 0, paused: 0 };
  for (const [peer, waiter] of peers) {
    if (budget?.isInLine(waiter)) counts.heldBack++;
    if (peer.requests.size === 0) continue;
    counts.asked++;
    // A limit slows a peer down, but does not silence it.
    if (peer.isRateLimited && !peer.pace.isOverdue(nowMs)) counts.limited++;
  }
  if (counts.asked > 0) return counts;
  for (const peer of peers.keys()) {
    // A peer that may be asked and is not holds nothing that is missing.
    const isKeptWaiting = peer.pause !== undefined || peer.wantsOffersAwaited;
    if (!isKeptWaiting || !peer.connection.isOpen || !scheduler.holdsMissing(peer.id)) continue;
    if (peer.pause !== undefined) counts.paused++;
    else counts.offering++;
  }
  return counts;
}
