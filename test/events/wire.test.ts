import { fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventSchema, SlowReasonSchema } from "../../gen/goshare/v1/event_pb.js";
import type { SlowReason } from "../../src/events/event.js";
import { eventLine } from "../../src/events/wire.js";
import { SAMPLE_EVENTS } from "./sample-events.js";

const SLOW_REASONS: readonly SlowReason[] = [
  ...(["noPeer", "trackerUnreachable", "dialFailed", "noPeerHasChunk", "waitingForOffer"] as const),
  ...(["peerBusy", "downloadLimit", "uploadLimit", "disk", "verification", "network"] as const),
];

test("every kind of event is one line with every key of its domain event and of the contract", () => {
  for (const event of Object.values(SAMPLE_EVENTS)) {
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
  assert.equal(EventSchema.fields.map((field) => field.jsonName).sort(), Object.keys(SAMPLE_EVENTS).sort());
});

test("other programs read the lines as goshare.v1.Event", () => {
  for (const event of Object.values(SAMPLE_EVENTS)) {
    assert.is(fromJsonString(EventSchema, eventLine(event)).event.case, event.type);
  }
});

test("the lines that others rely on look as documented", () => {
  const { listening, failed, done, waiting, progress } = SAMPLE_EVENTS;
  assert.is(eventLine(listening), '{"listening":{"endpoint":"127.0.0.1:8080"}}');
  const { contentId: _, ...alone } = { ...failed, message: "m", hint: "" };
  assert.is(eventLine(alone), '{"failed":{"code":"NO_PEERS","exitCode":3,"message":"m","hint":""}}');
  assert.match(eventLine({ ...done, bytes: 0, elapsedMs: 1.6 }), '"bytes":"0","elapsedMs":"2"');
  const slowTimes = [{ reason: "uploadLimit", ms: 1.6 }] as const;
  assert.match(
    eventLine({ ...done, slowTimes }),
    '"slowTimes":[{"reason":"SLOW_REASON_UPLOAD_LIMIT","ms":"2"}]',
  );
  assert.match(eventLine({ ...waiting, slowReason: "" }), '"slowReason":"SLOW_REASON_UNSPECIFIED"');
  const large = eventLine({ ...progress, bytesDone: 2 ** 52, bytesTotal: 2 ** 53 - 1, stalledMs: 1_500.4 });
  assert.match(large, '"slowReason":"SLOW_REASON_WAITING_FOR_OFFER","stalledMs":"1500"');
  assert.match(large, '"bytesDone":"4503599627370496","bytesTotal":"9007199254740991"');
});

test("every reason of the contract has a name of its own here, and is never left unsaid", () => {
  const { values } = SlowReasonSchema;
  const said = SLOW_REASONS.map((slowReason) => {
    const { event } = fromJsonString(EventSchema, eventLine({ ...SAMPLE_EVENTS.progress, slowReason }));
    return event.case === "progress" ? event.value.slowReason : undefined;
  });
  assert.equal(new Set([0, ...said]), new Set(values.map(({ number }) => number)));
});

test("numbers that the contract cannot hold come as near as they can", () => {
  const line = (etaMs: number, peers: number) => eventLine({ ...SAMPLE_EVENTS.progress, etaMs, peers });
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
  const line = eventLine({ ...SAMPLE_EVENTS.warning, message: "a\u202egpj.exe\u001b[2J\u009b" });
  assert.match(line, "a\\u202egpj.exe\\u001b[2J\\u009b");
});

test.run();
