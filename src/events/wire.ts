// Events as what `--json` prints: domain events → goshare.v1.Event as one line of protobuf JSON. Never throws: a number
// that the contract cannot hold becomes the nearest one that it can, because an observer must not stop the transfer it
// reports on.
import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { EventSchema, SlowReason as WireSlowReason } from "../../gen/goshare/v1/event_pb.js";
import { escapeSteering } from "../core/characters.js";
import type { GoshareEvent, SlowReason } from "./event.js";
import type { FindingEvent } from "./finding-event.js";

type EventCase = NonNullable<MessageInitShape<typeof EventSchema>["event"]>;

const MAX_UINT32 = 0xffff_ffff;

const SLOW_REASONS = {
  "": WireSlowReason.UNSPECIFIED,
  noPeer: WireSlowReason.NO_PEER,
  trackerUnreachable: WireSlowReason.TRACKER_UNREACHABLE,
  dialFailed: WireSlowReason.DIAL_FAILED,
  noPeerHasChunk: WireSlowReason.NO_PEER_HAS_CHUNK,
  waitingForOffer: WireSlowReason.WAITING_FOR_OFFER,
  peerBusy: WireSlowReason.PEER_BUSY,
  downloadLimit: WireSlowReason.DOWNLOAD_LIMIT,
  uploadLimit: WireSlowReason.UPLOAD_LIMIT,
  disk: WireSlowReason.DISK,
  verification: WireSlowReason.VERIFICATION,
  network: WireSlowReason.NETWORK,
} as const satisfies Record<SlowReason | "", WireSlowReason>;

/** JSON of goshare.v1.Event in one line, without a line feed. Every key of the event is there; bytes and milliseconds
 * are strings, as in protobuf JSON. Safe for terminals: characters that could steer one are \u escapes. */
export function eventLine(event: GoshareEvent): string {
  const message = create(EventSchema, { event: toWire(event) });
  return escapeSteering(JSON.stringify(toJson(EventSchema, message, { alwaysEmitImplicit: true })));
}

function toWire(event: GoshareEvent): EventCase {
  switch (event.type) {
    case "listening":
      return { case: "listening", value: event };
    case "metricsListening":
      return { case: "metricsListening", value: event };
    case "waiting":
      return { case: "waiting", value: { ...event, slowReason: SLOW_REASONS[event.slowReason] } };
    case "peerConnected":
      return { case: "peerConnected", value: event };
    case "warning":
      return { case: "warning", value: event };
    case "failed":
      return { case: "failed", value: { ...event, exitCode: uint32(event.exitCode) } };
    case "stopped":
      return { case: "stopped", value: { ...event, bytesSent: uint64(event.bytesSent) } };
    case "hashing":
    case "progress":
      return countersToWire(event);
    case "sharing":
      return {
        case: "sharing",
        value: {
          ...event,
          trackers: [...event.trackers],
          bytes: uint64(event.bytes),
          files: uint32(event.files),
          chunks: uint32(event.chunks),
          linksSkipped: uint32(event.linksSkipped),
        },
      };
    case "downloading":
      return {
        case: "downloading",
        value: {
          ...event,
          bytes: uint64(event.bytes),
          files: uint32(event.files),
          chunks: uint32(event.chunks),
          resumedBytes: uint64(event.resumedBytes),
        },
      };
    case "peerDisconnected":
      return {
        case: "peerDisconnected",
        value: { ...event, bytesReceived: uint64(event.bytesReceived), bytesSent: uint64(event.bytesSent) },
      };
    case "inspected":
      return inspectedToWire(event);
    case "resumable":
      return resumableToWire(event);
    case "trackerStatus":
      return trackerStatusToWire(event);
    case "copied":
      return { case: "copied", value: { ...event, copies: uint32(event.copies) } };
    case "serving":
      return servingToWire(event);
    case "done":
      return doneToWire(event);
    default:
      return findingToWire(event);
  }
}

function doneToWire({ bytesReused, ...event }: Extract<GoshareEvent, { type: "done" }>): EventCase {
  return {
    case: "done",
    value: {
      ...event,
      bytes: uint64(event.bytes),
      elapsedMs: uint64(event.elapsedMs),
      bytesReceived: uint64(event.bytesReceived),
      bytesWasted: uint64(event.bytesWasted),
      slowTimes: event.slowTimes.map(({ reason, ms }) => ({ reason: SLOW_REASONS[reason], ms: uint64(ms) })),
      ...(bytesReused === undefined ? {} : { bytesReused: uint64(bytesReused) }),
    },
  };
}

function countersToWire(event: Extract<GoshareEvent, { type: "hashing" | "progress" }>): EventCase {
  const counters = {
    bytesDone: uint64(event.bytesDone),
    bytesTotal: uint64(event.bytesTotal),
    bytesPerSecond: uint64(event.bytesPerSecond),
  };
  return event.type === "hashing"
    ? { case: "hashing", value: { ...event, ...counters, files: uint32(event.files) } }
    : {
        case: "progress",
        value: {
          ...event,
          ...counters,
          etaMs: uint64(event.etaMs),
          peers: uint32(event.peers),
          slowReason: SLOW_REASONS[event.slowReason],
          stalledMs: uint64(event.stalledMs),
        },
      };
}

function servingToWire(event: Extract<GoshareEvent, { type: "serving" }>): EventCase {
  return {
    case: "serving",
    value: {
      ...event,
      bytesSent: uint64(event.bytesSent),
      bytesPerSecond: uint64(event.bytesPerSecond),
      peers: uint32(event.peers),
      copies: uint32(event.copies),
      chunks: uint32(event.chunks),
      neighbours: event.neighbours.map((peer) => ({ ...peer, chunksHeld: uint32(peer.chunksHeld) })),
    },
  };
}

function inspectedToWire(event: Extract<GoshareEvent, { type: "inspected" }>): EventCase {
  return {
    case: "inspected",
    value: {
      ...event,
      bytes: uint64(event.bytes),
      chunkSize: uint32(event.chunkSize),
      chunks: uint32(event.chunks),
      entries: event.entries.map((entry) => ({ ...entry, size: uint64(entry.size) })),
      peers: [...event.peers],
      trackers: [...event.trackers],
    },
  };
}

function resumableToWire(event: Extract<GoshareEvent, { type: "resumable" }>): EventCase {
  return {
    case: "resumable",
    value: {
      ...event,
      bytesDone: uint64(event.bytesDone),
      bytesTotal: uint64(event.bytesTotal),
      chunksDone: uint32(event.chunksDone),
      chunks: uint32(event.chunks),
      pid: uint32(event.pid),
      moreArguments: [...event.moreArguments],
    },
  };
}

function trackerStatusToWire(event: Extract<GoshareEvent, { type: "trackerStatus" }>): EventCase {
  return {
    case: "trackerStatus",
    value: {
      ...event,
      ttlMs: uint64(event.ttlMs),
      roundTripUs: uint64(event.roundTripUs),
      maxSharesPerAnnounce: uint32(event.maxSharesPerAnnounce),
      maxManifestBytes: uint32(event.maxManifestBytes),
    },
  };
}

function findingToWire(event: FindingEvent): EventCase {
  switch (event.type) {
    case "difference":
      return {
        case: "difference",
        value: {
          ...event,
          paths: [...event.paths],
          chunksWrong: uint32(event.chunksWrong),
          chunks: event.chunks.map(({ first, count }) => ({ first: uint32(first), count: uint32(count) })),
          bytes: uint64(event.bytes),
          bytesExpected: uint64(event.bytesExpected),
        },
      };
    case "verified":
      return {
        case: "verified",
        value: {
          ...event,
          bytes: uint64(event.bytes),
          bytesRight: uint64(event.bytesRight),
          chunks: uint32(event.chunks),
          chunksRight: uint32(event.chunksRight),
          files: uint32(event.files),
          filesWrong: uint32(event.filesWrong),
          filesUnsure: uint32(event.filesUnsure),
          extra: uint32(event.extra),
        },
      };
    case "fileSum":
      return { case: "fileSum", value: event };
    case "setting":
      return { case: "setting", value: { ...event, values: [...event.values] } };
    case "checked":
      return { case: "checked", value: event };
    case "completionScript":
      return { case: "completionScript", value: event };
    case "discarded":
      return { case: "discarded", value: { ...event, bytes: uint64(event.bytes) } };
  }
}

function uint64(value: number): bigint {
  return BigInt(whole(value, Number.MAX_SAFE_INTEGER));
}

function uint32(value: number): number {
  return whole(value, MAX_UINT32);
}

function whole(value: number, max: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.round(value), 0), max);
}
