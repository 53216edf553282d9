// What keeps a download from going faster at one moment: from a few counts to one reason, which are explained in
// proto/goshare/v1/event.proto. Pure; looks at no peer, socket or clock itself.
import type { ErrorCode } from "../core/errors.js";
import type { SlowReason } from "../events/event.js";

/** How the peers stand with whom a share is exchanged. */
export interface PeerCounts {
  /** Were asked for chunks that have not come. */
  readonly asked: number;
  /** Of those, who send under a limit. */
  readonly limited: number;
  /** Would be asked for more, but for the rate here. */
  readonly heldBack: number;
  /** Where nobody is asked: hold something missing and want offers to be waited for. */
  readonly offering: number;
  /** Where nobody is asked: hold something missing and are left alone after a refusal. */
  readonly paused: number;
}

/** Where a download's chunks are. */
export interface DownloadLoad extends PeerCounts {
  /** Whether chunks that are here are being verified or written. */
  readonly isWorking: boolean;
  /** Whether memory is short because of that. */
  readonly isBehind: boolean;
  /** Whether that takes so long because of the disk. */
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
  /** How the last dial failed, or the connection made by it. */
  readonly lastFailure: ErrorCode | undefined;
  /** Whether somebody who was asked has said that its source has changed. */
  readonly isSourceChanged: boolean;
  /** Whether there are trackers and none of them answers. */
  readonly isTrackerSilent: boolean;
}

/** The reason: what is nearest to the disk comes first, since whatever is behind it would only have to wait there. */
export function slowReason(situation: DownloadSituation): SlowReason {
  const { load } = situation;
  const working = load?.isDiskSlow ? "disk" : "verification";
  if (load?.isBehind) return working;
  if (load !== undefined && load.heldBack > 0) return "downloadLimit";
  if (load !== undefined && load.asked > 0) return load.limited === load.asked ? "uploadLimit" : "network";
  // Nothing is on its way, and something is in hand.
  if (load?.isWorking) return working;
  if (situation.connected === 0) return lonely(situation);
  if (load === undefined || situation.isJoining) return "network";
  if (load.offering > 0) return "waitingForOffer";
  return load.paused > 0 ? "peerBusy" : "noPeerHasChunk";
}

/** Why nobody is connected. */
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
      // Who has said that hangs up on whoever asks, and not for want of room.
      return isSourceChanged ? "noPeerHasChunk" : "peerBusy";
    default:
      return "dialFailed";
  }
}
