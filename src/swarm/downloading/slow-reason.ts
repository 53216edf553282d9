// What keeps a download from going faster at one moment: turns a few counts into one of the reasons that
// proto/goshare/v1/event.proto explains. Pure; looks at no peer, socket or clock itself.
import type { ErrorCode } from "../../core/errors.js";
import type { SlowReason } from "../../events/event.js";

/** How many of the peers with which a share is exchanged are in which state. */
export interface PeerCounts {
  /** Peers that were asked for chunks which have not come. */
  readonly asked: number;
  /** Those of them that send under a limit, and have not fallen silent. */
  readonly limited: number;
  /** Peers that would be asked for more, were it not for the rate here. */
  readonly heldBack: number;
  /** If no peer is asked: those that hold a missing chunk and want their offers awaited. */
  readonly offering: number;
  /** If no peer is asked: those that hold a missing chunk and are left alone after a refusal. */
  readonly paused: number;
}

/** Where a download's chunks are. */
export interface DownloadLoad extends PeerCounts {
  /** Whether chunks that are here are being verified or written. */
  readonly isWorking: boolean;
  /** Whether memory is short because of this work. */
  readonly isBehind: boolean;
  /** Whether this work takes so long because of the disk. */
  readonly isDiskSlow: boolean;
}

/** A download and what is around it. */
export interface DownloadSituation {
  /** Undefined while there is no manifest. */
  readonly load: DownloadLoad | undefined;
  /** Connections. */
  readonly connected: number;
  /** Whether a peer has yet to say what it holds. */
  readonly isJoining: boolean;
  readonly isDialling: boolean;
  /** Why the last dial, or the connection that it made, failed. */
  readonly lastFailure: ErrorCode | undefined;
  /** Whether a peer that was asked has said that its source has changed. */
  readonly isSourceChanged: boolean;
  /** Whether there are trackers and none of them answers. */
  readonly isTrackerSilent: boolean;
}

/** The slow reason. What is nearest to the disk comes first: anything farther away would only have to wait there. */
export function slowReason(situation: DownloadSituation): SlowReason {
  const { load } = situation;
  const working = load?.isDiskSlow ? "disk" : "verification";
  if (load?.isBehind) return working;
  if (load !== undefined && load.heldBack > 0) return "downloadLimit";
  if (load !== undefined && load.asked > 0) return load.limited === load.asked ? "uploadLimit" : "network";
  // Nothing is on its way, but something is in hand.
  if (load?.isWorking) return working;
  if (situation.connected === 0) return lonely(situation);
  if (load === undefined || situation.isJoining) return "network";
  if (load.offering > 0) return "waitingForOffer";
  return load.paused > 0 ? "peerBusy" : "noPeerHasChunk";
}

/** Why no peer is connected. */
function lonely({
  lastFailure,
  isDialling,
  isSourceChanged,
  isTrackerSilent,
}: DownloadSituation): SlowReason {
  switch (lastFailure) {
    case undefined:
      return isTrackerSilent && !isDialling ? "trackerUnreachable" : "noPeer";
    case "CONTENT_NOT_FOUND":
      return "noPeerHasChunk";
    case "PEER_CLOSED":
    case "PEER_REFUSED":
      // A peer whose source has changed hangs up on all that ask, and not for want of room.
      return isSourceChanged ? "noPeerHasChunk" : "peerBusy";
    default:
      return "dialFailed";
  }
}
