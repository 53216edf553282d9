// What happened: the only observer interface through which flows report, and the events that they report. They mirror
// proto/goshare/v1/event.proto; wire.ts turns them into its JSON. Never prints.
import type { ErrorCode } from "../core/errors.js";
import type { ContentId, PeerId } from "../core/ids.js";
import type { FindingEvent } from "./finding-event.js";

/** What keeps a download from going faster. */
export type SlowReason =
  | "noPeer"
  | "trackerUnreachable"
  | "dialFailed"
  | "noPeerHasChunk"
  | "waitingForOffer"
  | "peerBusy"
  | "downloadLimit"
  | "uploadLimit"
  | "disk"
  | "verification"
  | "network";

export interface SlowTime {
  readonly reason: SlowReason;
  readonly ms: number;
}

export interface InspectedEntry {
  readonly path: string;
  readonly size: number;
  readonly kind: "file" | "executable" | "directory" | "link";
  readonly target: string;
}

export interface ServedPeer {
  readonly peerId: PeerId;
  readonly endpoint: string;
  readonly chunksHeld: number;
}

export type GoshareEvent =
  | FindingEvent
  | { readonly type: "listening"; readonly endpoint: string }
  | { readonly type: "metricsListening"; readonly endpoint: string }
  | {
      readonly type: "hashing";
      readonly path: string;
      readonly bytesDone: number;
      readonly bytesTotal: number;
      readonly files: number;
      readonly bytesPerSecond: number;
    }
  | {
      readonly type: "sharing";
      readonly contentId: ContentId;
      readonly ticket: string;
      readonly manifestPath: string;
      readonly endpoint: string;
      readonly trackers: readonly string[];
      readonly name: string;
      readonly bytes: number;
      readonly files: number;
      readonly chunks: number;
      readonly linksSkipped: number;
    }
  | {
      readonly type: "waiting";
      readonly contentId: ContentId;
      readonly waitingFor: "manifest" | "peers" | "others";
      readonly slowReason: SlowReason | "";
    }
  | {
      readonly type: "downloading";
      readonly contentId: ContentId;
      readonly name: string;
      readonly path: string;
      readonly bytes: number;
      readonly files: number;
      readonly chunks: number;
      readonly resumedBytes: number;
    }
  | {
      readonly type: "progress";
      readonly contentId: ContentId;
      readonly bytesDone: number;
      readonly bytesTotal: number;
      readonly bytesPerSecond: number;
      readonly etaMs: number;
      readonly peers: number;
      readonly slowReason: SlowReason;
      /** Time since the last byte was verified. */
      readonly stalledMs: number;
    }
  | {
      readonly type: "peerConnected";
      readonly peerId: PeerId;
      readonly endpoint: string;
      readonly agent: string;
      readonly inbound: boolean;
    }
  | {
      readonly type: "peerDisconnected";
      readonly peerId: PeerId;
      readonly endpoint: string;
      readonly code: ErrorCode | "";
      readonly message: string;
      readonly bytesReceived: number;
      readonly bytesSent: number;
    }
  | { readonly type: "warning"; readonly code: ErrorCode; readonly message: string; readonly path: string }
  | {
      readonly type: "inspected";
      readonly contentId: ContentId;
      readonly name: string;
      readonly kind: "file" | "folder" | "";
      readonly bytes: number;
      readonly chunkSize: number;
      readonly chunks: number;
      readonly entries: readonly InspectedEntry[];
      readonly peers: readonly string[];
      readonly trackers: readonly string[];
    }
  | {
      readonly type: "resumable";
      readonly contentId: ContentId;
      readonly name: string;
      readonly path: string;
      readonly bytesDone: number;
      readonly bytesTotal: number;
      readonly chunksDone: number;
      readonly chunks: number;
      readonly state: "running" | "paused" | "interrupted";
      readonly pid: number;
      readonly what: string;
      readonly outputDirectory: string;
      readonly moreArguments: readonly string[];
    }
  | {
      readonly type: "copied";
      readonly contentId: ContentId;
      readonly peerId: PeerId;
      readonly endpoint: string;
      readonly copies: number;
    }
  | {
      readonly type: "serving";
      readonly contentId: ContentId;
      readonly name: string;
      /** Payload bytes of this share sent so far. */
      readonly bytesSent: number;
      readonly bytesPerSecond: number;
      readonly peers: number;
      readonly copies: number;
      readonly chunks: number;
      /** Some of the peers, those that lack most first. */
      readonly neighbours: readonly ServedPeer[];
    }
  | {
      readonly type: "trackerStatus";
      readonly tracker: string;
      readonly agent: string;
      readonly instanceId: string;
      readonly ttlMs: number;
      readonly observedHost: string;
      readonly roundTripUs: number;
      readonly health: "SERVING" | "NOT_SERVING" | "UNKNOWN";
      readonly maxSharesPerAnnounce: number;
      readonly maxManifestBytes: number;
    }
  | {
      readonly type: "done";
      readonly path: string;
      readonly bytes: number;
      readonly elapsedMs: number;
      readonly contentId: ContentId | "";
      readonly bytesReceived: number;
      readonly bytesWasted: number;
      /** Only for a download that had an older version to copy from. */
      readonly bytesReused?: number | undefined;
      /** For a download: what the time was spent on, the longest first. */
      readonly slowTimes: readonly SlowTime[];
    }
  | { readonly type: "stopped"; readonly signal: string; readonly bytesSent: number }
  | {
      readonly type: "failed";
      readonly code: ErrorCode;
      readonly exitCode: number;
      readonly message: string;
      readonly hint: string;
      /** Only for one of several downloads; empty if it is not known. */
      readonly contentId?: ContentId | "";
    };

/** What a detail is about. */
export type DetailTopic = "setting" | "tracker" | "peer" | "chunk" | "file";

/** Takes details for a person who looks for a fault. They are not events, not escaped, and not for programs. */
export type DetailObserver = (topic: DetailTopic, text: string) => void;

/** Takes events as they happen; must not throw and must return at once. */
export interface EventObserver {
  (event: GoshareEvent): void;
  /** Undefined: details are not wanted, and then are not even put into words. */
  readonly detail?: DetailObserver | undefined;
}

/** `observe`, with `detail` for its details. */
export function withDetails(
  observe: (event: GoshareEvent) => void,
  detail: DetailObserver | undefined,
): EventObserver {
  return detail === undefined ? observe : Object.assign((event: GoshareEvent) => observe(event), { detail });
}
