// One event of each kind, as a command could tell it: what the tests of their JSON run over, and the examples of
// docs/events.md.
import { type ContentId, type PeerId, parseContentId, peerIdFromBytes } from "../../src/core/ids.js";
import type { GoshareEvent } from "../../src/events/event.js";

const contentId: ContentId = known(
  parseContentId("9f3ac1d4e05b7786aa21f0c9d8e47b3516c2f8a09d7e4b61c3a5f20718d9e6b4"),
);
const peerId: PeerId = known(peerIdFromBytes(Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) % 256)));

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("must be there");
  return value;
}

const name = "ubuntu.iso";
const bytes = 5_046_586_573;
const chunks = 4_813;

export const SAMPLE_EVENTS: { readonly [T in GoshareEvent["type"]]: Extract<GoshareEvent, { type: T }> } = {
  listening: { type: "listening", endpoint: "127.0.0.1:8080" },
  metricsListening: { type: "metricsListening", endpoint: "127.0.0.1:9464" },
  hashing: {
    ...{ type: "hashing", path: "isos/ubuntu.iso", bytesDone: 2_097_152_000, bytesTotal: bytes, files: 1 },
    bytesPerSecond: 1_610_612_736.4,
  },
  sharing: {
    ...{ type: "sharing", contentId, ticket: "goshare1qvqsp…", manifestPath: "isos/ubuntu.iso.goshare" },
    ...{ endpoint: "127.0.0.1:9000", trackers: ["tracker.example:8080"] },
    ...{ name, bytes, files: 1, chunks, linksSkipped: 0 },
  },
  copied: { type: "copied", contentId, peerId, endpoint: "192.0.2.7:9000", copies: 1 },
  serving: {
    ...{ type: "serving", contentId, name, bytesSent: 1_395_864_371, bytesPerSecond: 43_200_000.5 },
    ...{ peers: 1, copies: 0, chunks },
    neighbours: [{ peerId, endpoint: "192.0.2.7:9000", chunksHeld: 1_331 }],
  },
  waiting: { type: "waiting", contentId, waitingFor: "manifest", slowReason: "noPeer" },
  downloading: {
    ...{ type: "downloading", contentId, name, path: "downloads/ubuntu.iso", bytes, files: 1, chunks },
    resumedBytes: 0,
  },
  progress: {
    ...{ type: "progress", contentId, bytesDone: 2_927_020_212, bytesTotal: bytes },
    ...{ bytesPerSecond: 117_440_512, etaMs: 18_048.6, peers: 5, slowReason: "waitingForOffer" },
    stalledMs: 0,
  },
  peerConnected: {
    ...{ type: "peerConnected", peerId, endpoint: "192.0.2.7:9000", agent: "goshare/0.1.0", inbound: false },
  },
  peerDisconnected: {
    ...{ type: "peerDisconnected", peerId, endpoint: "192.0.2.7:9000", code: "PEER_CLOSED" },
    message: "192.0.2.7:9000 ended the connection",
    ...{ bytesReceived: 104_857_600, bytesSent: 0 },
  },
  warning: {
    ...{ type: "warning", code: "ADDRESS_IN_USE", path: "" },
    message: "port 9000 is taken, listening on 43117 instead",
  },
  inspected: {
    ...{ type: "inspected", contentId, name: "photos", kind: "folder", bytes: 3_145_729 },
    ...{ chunkSize: 1_048_576, chunks: 4, peers: ["192.0.2.7:9000"], trackers: [] },
    entries: [
      { path: "2024/a.jpg", size: 3_145_729, kind: "file", target: "" },
      { path: "best.jpg", size: 0, kind: "link", target: "2024/a.jpg" },
    ],
  },
  difference: {
    ...{ type: "difference", problem: "long", paths: ["2024/a.jpg"], chunksWrong: 2 },
    ...{ chunks: [{ first: 3, count: 2 }], bytes: 3_145_731, bytesExpected: 3_145_729, detail: "" },
  },
  verified: {
    ...{ type: "verified", contentId, name: "photos", path: "downloads/photos", bytes: 3_145_729 },
    ...{ bytesRight: 2_097_152, chunks: 4, chunksRight: 2, files: 1, filesWrong: 1, filesUnsure: 0 },
    ...{ extra: 0, isRight: false },
  },
  discarded: {
    ...{ type: "discarded", contentId, name, path: "downloads/.ubuntu.iso.goshare-part" },
    bytes: 2_927_020_212,
  },
  setting: {
    ...{ type: "setting", name: "max-peers", variable: "GOSHARE_MAX_PEERS", values: ["7"] },
    ...{ defaultValue: "1000 for a share, 50 for a download", source: "file" },
    place: "/home/x/.config/goshare/config.toml, line 3",
  },
  checked: {
    ...{ type: "checked", subject: "disk", verdict: "warning" },
    message: "/data: 512 MiB free, writes are confirmed within 2 ms",
    fix: "free some space, or choose another disk with --output",
  },
  completionScript: { type: "completionScript", shell: "bash", script: "complete -F _goshare goshare\n" },
  fileSum: {
    ...{ type: "fileSum", path: "2024/a.jpg" },
    sha256: "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
  },
  resumable: {
    ...{ type: "resumable", contentId, name, path: "downloads/ubuntu.iso", bytesDone: 2_927_020_212 },
    ...{ bytesTotal: bytes, chunksDone: 2_791, chunks, state: "paused", pid: 0, what: "goshare1qvqsp…" },
    ...{ outputDirectory: "downloads", moreArguments: ["--rename"] },
  },
  trackerStatus: {
    ...{ type: "trackerStatus", tracker: "tracker.example:8080", agent: "goshare/0.1.0", health: "SERVING" },
    ...{ instanceId: "6c7b1f0e9a2d4583", ttlMs: 75_000, observedHost: "192.0.2.7", roundTripUs: 812 },
    ...{ maxSharesPerAnnounce: 1_000, maxManifestBytes: 1_048_576 },
  },
  done: {
    ...{ type: "done", path: "downloads/ubuntu.iso", bytes, elapsedMs: 42_100.4, contentId },
    ...{ bytesReceived: 4_794_928_333, bytesWasted: 0, bytesReused: 251_658_240 },
    slowTimes: [
      { reason: "network", ms: 39_800.4 },
      { reason: "noPeer", ms: 2_300 },
    ],
  },
  stopped: { type: "stopped", signal: "SIGTERM", bytesSent: 10_093_173_146 },
  failed: {
    ...{ type: "failed", code: "NO_PEERS", exitCode: 3, contentId },
    message: "nobody who was asked has 9f3ac1d4e05b7786aa21f0c9d8e47b3516c2f8a09d7e4b61c3a5f20718d9e6b4",
    hint: "keep goshare share running on the other machine, and run the same command again",
  },
};
