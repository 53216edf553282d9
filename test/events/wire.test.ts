import { fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventSchema, SlowReasonSchema } from "../../gen/goshare/v1/event_pb.js";
import { type ContentId, type PeerId, parseContentId, peerIdFromBytes } from "../../src/core/ids.js";
import type { GoshareEvent, SlowReason } from "../../src/events/event.js";
import { eventLine } from "../../src/events/wire.js";

const contentId: ContentId = known(parseContentId("ab".repeat(32)));
const peerId: PeerId = known(peerIdFromBytes(new Uint8Array(32).fill(7)));

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("must be there");
  return value;
}

const EVENTS: { readonly [T in GoshareEvent["type"]]: Extract<GoshareEvent, { type: T }> } = {
  listening: { type: "listening", endpoint: "127.0.0.1:8080" },
  metricsListening: { type: "metricsListening", endpoint: "127.0.0.1:9464" },
  hashing: { type: "hashing", path: "a", bytesDone: 0, bytesTotal: 0, files: 1, bytesPerSecond: 0.4 },
  sharing: {
    type: "sharing",
    contentId,
    ticket: "goshare1x",
    manifestPath: "/tmp/a.goshare",
    endpoint: "127.0.0.1:9000",
    trackers: ["127.0.0.1:8080"],
    name: "a",
    bytes: 5,
    files: 1,
    chunks: 1,
    linksSkipped: 0,
  },
  copied: { type: "copied", contentId, peerId, endpoint: "10.0.0.1:9000", copies: 1 },
  serving: {
    type: "serving",
    contentId,
    name: "a",
    bytesSent: 5,
    bytesPerSecond: 0.5,
    peers: 1,
    copies: 0,
    chunks: 4,
    neighbours: [{ peerId, endpoint: "10.0.0.1:9000", chunksHeld: 3 }],
  },
  waiting: { type: "waiting", contentId, waitingFor: "manifest", slowReason: "noPeer" },
  downloading: {
    type: "downloading",
    contentId,
    name: "a",
    path: "downloads/a",
    bytes: 5,
    files: 1,
    chunks: 1,
    resumedBytes: 0,
  },
  progress: {
    type: "progress",
    contentId,
    bytesDone: 2 ** 52,
    bytesTotal: 2 ** 53 - 1,
    bytesPerSecond: 1,
    etaMs: 0,
    peers: 0,
    slowReason: "waitingForOffer",
    stalledMs: 1_500.4,
  },
  peerConnected: { type: "peerConnected", peerId, endpoint: "10.0.0.1:9000", agent: "x/1", inbound: false },
  peerDisconnected: {
    type: "peerDisconnected",
    peerId,
    endpoint: "10.0.0.1:9000",
    code: "",
    message: "",
    bytesReceived: 1,
    bytesSent: 2,
  },
  warning: { type: "warning", code: "SOURCE_CHANGED", message: "m", path: "" },
  inspected: {
    type: "inspected",
    contentId,
    name: "a",
    kind: "folder",
    bytes: 3,
    chunkSize: 1_048_576,
    chunks: 1,
    entries: [{ path: "a/b", size: 3, kind: "file", target: "" }],
    peers: [],
    trackers: [],
  },
  difference: {
    type: "difference",
    problem: "long",
    paths: ["a/b"],
    chunksWrong: 2,
    chunks: [{ first: 3, count: 2 }],
    bytes: 7,
    bytesExpected: 5,
    detail: "",
  },
  verified: {
    type: "verified",
    contentId,
    name: "a",
    path: "downloads/a",
    bytes: 3,
    bytesRight: 2,
    chunks: 3,
    chunksRight: 2,
    files: 1,
    filesWrong: 1,
    filesUnsure: 2,
    extra: 0,
    isRight: false,
  },
  discarded: { type: "discarded", contentId, name: "a", path: "downloads/.a.goshare-part", bytes: 3 },
  setting: {
    type: "setting",
    name: "max-peers",
    variable: "GOSHARE_MAX_PEERS",
    values: ["7"],
    defaultValue: "50",
    source: "file",
    place: "config.toml, line 3",
  },
  checked: { type: "checked", subject: "disk", verdict: "warning", message: "m", fix: "f" },
  completionScript: { type: "completionScript", shell: "bash", script: "complete -F _goshare goshare\n" },
  fileSum: { type: "fileSum", path: "a/b", sha256: "ab".repeat(32) },
  resumable: {
    type: "resumable",
    contentId,
    name: "a",
    path: "downloads/a",
    bytesDone: 1,
    bytesTotal: 3,
    chunksDone: 1,
    chunks: 3,
    state: "running",
    pid: 17,
    what: contentId,
    outputDirectory: "downloads",
    moreArguments: ["--select", "*.txt"],
  },
  trackerStatus: {
    ...{
      type: "trackerStatus",
      tracker: "127.0.0.1:8080",
      agent: "goshare/1",
      instanceId: "ab",
      health: "SERVING",
    },
    ...{ ttlMs: 75_000, observedHost: "127.0.0.1", roundTripUs: 812, maxSharesPerAnnounce: 1_000 },
    maxManifestBytes: 1_048_576,
  },
  done: {
    ...{ type: "done", path: "", bytes: 0, elapsedMs: 1.6, contentId: "", bytesReceived: 0, bytesWasted: 0 },
    slowTimes: [{ reason: "uploadLimit", ms: 1.6 }],
    bytesReused: 7,
  },
  stopped: { type: "stopped", signal: "SIGTERM", bytesSent: 9 },
  failed: { type: "failed", code: "NO_PEERS", exitCode: 3, message: "m", hint: "", contentId },
};

const SLOW_REASONS: readonly SlowReason[] = [
  ...(["noPeer", "trackerUnreachable", "dialFailed", "noPeerHasChunk", "waitingForOffer"] as const),
  ...(["peerBusy", "downloadLimit", "uploadLimit", "disk", "verification", "network"] as const),
];

test("every kind of event is one line with every key of its domain event and of the contract", () => {
  for (const event of Object.values(EVENTS)) {
    const line = eventLine(event);
    assert.not.match(line, /[\r\n]/);
    const parsed: unknown = JSON.parse(line);
    assert.ok(typeof parsed === "object" && parsed !== null);
    assert.equal(Object.keys(parsed), [event.type]);
    const body: unknown = Object.values(parsed)[0];
    assert.ok(typeof body === "object" && body !== null);
    const domainKeys = Object.keys(event).filter((key) => key !== "type");
    assert.equal(Object.keys(body).sort(), domainKeys.sort());
    const contract = EventSchema.fields.find((field) => field.jsonName === event.type)?.message;
    assert.equal(contract?.fields.map((field) => field.jsonName).sort(), domainKeys.sort());
  }
});

test("every event of the contract has a domain event", () => {
  assert.equal(EventSchema.fields.map((field) => field.jsonName).sort(), Object.keys(EVENTS).sort());
});

test("other programs read the lines as goshare.v1.Event", () => {
  for (const event of Object.values(EVENTS)) {
    assert.is(fromJsonString(EventSchema, eventLine(event)).event.case, event.type);
  }
});

test("the lines that others rely on look as documented", () => {
  assert.is(eventLine(EVENTS.listening), '{"listening":{"endpoint":"127.0.0.1:8080"}}');
  const { contentId: _, ...failed } = EVENTS.failed;
  assert.is(eventLine(failed), '{"failed":{"code":"NO_PEERS","exitCode":3,"message":"m","hint":""}}');
  assert.match(eventLine(EVENTS.done), '"bytes":"0","elapsedMs":"2"');
  assert.match(eventLine(EVENTS.done), '"slowTimes":[{"reason":"SLOW_REASON_UPLOAD_LIMIT","ms":"2"}]');
  assert.match(eventLine({ ...EVENTS.waiting, slowReason: "" }), '"slowReason":"SLOW_REASON_UNSPECIFIED"');
  assert.match(eventLine(EVENTS.progress), '"slowReason":"SLOW_REASON_WAITING_FOR_OFFER","stalledMs":"1500"');
  assert.match(eventLine(EVENTS.progress), '"bytesDone":"4503599627370496","bytesTotal":"9007199254740991"');
});

test("every reason of the contract has a name of its own here, and is never left unsaid", () => {
  const { values } = SlowReasonSchema;
  const said = SLOW_REASONS.map((slowReason) => {
    const { event } = fromJsonString(EventSchema, eventLine({ ...EVENTS.progress, slowReason }));
    return event.case === "progress" ? event.value.slowReason : undefined;
  });
  assert.equal(new Set([0, ...said]), new Set(values.map(({ number }) => number)));
});

test("numbers that the contract cannot hold come as near as they can", () => {
  const line = (etaMs: number, peers: number) => eventLine({ ...EVENTS.progress, etaMs, peers });
  assert.match(line(Number.NaN, -1), '"etaMs":"0","peers":0');
  assert.match(line(Number.POSITIVE_INFINITY, 2 ** 40), '"etaMs":"9007199254740991","peers":4294967295');
});

test("any text and any number make a line that reads back to the same text and steers no terminal", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, text, fc.double(), (message, path, exitCode) => {
      const line = eventLine({ type: "warning", code: "BUG", message, path });
      const event = fromJsonString(EventSchema, line).event;
      assert.is(event.case, "warning");
      if (event.case === "warning") assert.equal([event.value.message, event.value.path], [message, path]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      assert.not.match(line, /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
      eventLine({ type: "failed", code: "BUG", exitCode, message, hint: path });
    }),
  );
});

test("the direction marks of a hostile name are written as escapes", () => {
  const line = eventLine({ ...EVENTS.warning, message: "a\u202egpj.exe\u001b[2J\u009b" });
  assert.match(line, "a\\u202egpj.exe\\u001b[2J\\u009b");
});

test.run();
