// The frame codec: proto/goshare/v1/peer.proto, "Frames" and "Lengths".
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { KIB, MIB } from "../../src/core/units.js";
import { encodeFrame, type FrameHandler, FrameReader, type PayloadSink } from "../../src/peer/frame.js";
import type { FrameHeader } from "../../src/peer/messages.js";
import { frameAround, frameBytes, helloBody, unknownFrame } from "../support/scripted-peer.js";
import { anyHeader } from "./messages-any.js";

const HELLO = frameBytes(helloBody());

interface SeenFrame {
  readonly header: FrameHeader;
  /** In hex; undefined where it was thrown away or there was none. */
  readonly payload: string | undefined;
}

class Recorder implements FrameHandler {
  readonly frames: SeenFrame[] = [];
  /** Headers as they came, with the lengths of their payloads. */
  readonly started: (readonly [string, number])[] = [];
  sinkOf: (header: FrameHeader, payloadBytes: number) => PayloadSink = (_header, payloadBytes) =>
    new Uint8Array(payloadBytes);

  frameStarted(header: FrameHeader, payloadBytes: number): PayloadSink {
    this.started.push([header.message.type, payloadBytes]);
    return this.sinkOf(header, payloadBytes);
  }

  frameEnded(header: FrameHeader, payload: Uint8Array | undefined): void {
    this.frames.push({ header, payload: payload && Buffer.from(payload).toString("hex") });
  }
}

function newReader() {
  const recorder = new Recorder();
  return { recorder, reader: new FrameReader(recorder) };
}

/** A reader that has seen a Hello. */
function greetedReader() {
  const { recorder, reader } = newReader();
  reader.push(HELLO);
  assert.is(recorder.frames.length, 1);
  return { recorder, reader };
}

function problemOf(step: () => void): string {
  try {
    step();
  } catch (thrown) {
    if (thrown instanceof GoshareError && thrown.code === "PEER_PROTOCOL") return thrown.message;
    throw thrown;
  }
  return "";
}

/** The first six bytes of a frame. */
function prefix(frameLength: number, headerLength: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt32BE(frameLength, 0);
  bytes.writeUInt16BE(headerLength, 4);
  return bytes;
}

/** Feeds `bytes` as a dialled socket does: where the reader wants them, as many at a time as `counts` says. */
function fill(reader: FrameReader, bytes: Uint8Array, counts: readonly number[]): void {
  for (let done = 0, turn = 0; done < bytes.byteLength; turn++) {
    const target = reader.target();
    const count = Math.min(target.byteLength, bytes.byteLength - done, counts[turn % counts.length] ?? 1);
    target.set(bytes.subarray(done, done + count));
    done += count;
    reader.advance(count);
  }
}

const STREAM = Buffer.concat([
  HELLO,
  frameBytes(
    { case: "chunkData", value: { chunkIndex: 3, offset: 9 } },
    { id: 1, payload: Buffer.from("payload") },
  ),
  unknownFrame({ id: 4, payload: Buffer.from("dropped") }),
  frameBytes({ case: "ping", value: {} }, { id: 6 }),
]);
const STREAM_FRAMES = ["hello undefined", "chunkData 7061796c6f6164", "unknown undefined", "ping undefined"];

function namesOf(recorder: Recorder): string[] {
  return recorder.frames.map(({ header, payload }) => `${header.message.type} ${payload}`);
}

const dropUnknown = ({ message }: FrameHeader, payloadBytes: number): PayloadSink =>
  message.type === "unknown" ? "discard" : new Uint8Array(payloadBytes);

test("joins a frame split at every byte", () => {
  for (let at = 0; at <= STREAM.byteLength; at++) {
    const { recorder, reader } = newReader();
    recorder.sinkOf = dropUnknown;
    assert.is(reader.push(STREAM.subarray(0, at)), at);
    assert.is(reader.push(STREAM.subarray(at)), STREAM.byteLength - at);
    assert.equal(namesOf(recorder), STREAM_FRAMES, `split at ${at}`);
    assert.not(reader.isMidFrame);
  }
});

test("knows at every byte whether a frame is cut short", () => {
  const { reader } = newReader();
  const ends = new Set<number>();
  for (let at = 0, end = 0; at < STREAM.byteLength; at++) {
    if (at === end) end += 4 + STREAM.readUInt32BE(at);
    ends.add(end);
    reader.push(STREAM.subarray(at, at + 1));
    assert.is(reader.isMidFrame, !ends.has(at + 1), `after ${at + 1} bytes`);
  }
});

test("gives the same frames whether bytes are pushed or filled in, however they are split", () => {
  const frames = fc.array(fc.tuple(anyHeader, fc.uint8Array({ maxLength: 300 })), { maxLength: 8 });
  const counts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(frames, counts, (sent, splits) => {
      const parts = sent.flatMap(([header, payload]) => [encodeFrame(header, payload.byteLength), payload]);
      const bytes = Buffer.concat([HELLO, ...parts]);
      const filled = newReader();
      fill(filled.reader, bytes, splits);
      const pushed = newReader();
      for (let done = 0, turn = 0; done < bytes.byteLength; turn++) {
        const count = splits[turn % splits.length] ?? 1;
        pushed.reader.push(bytes.subarray(done, done + count));
        done += count;
      }
      assert.equal(filled.recorder.frames, pushed.recorder.frames);
      const wanted = sent.map(([header, payload]) => ({
        header,
        payload: payload.byteLength === 0 ? undefined : Buffer.from(payload).toString("hex"),
      }));
      assert.equal(pushed.recorder.frames.slice(1), wanted);
    }),
    { numRuns: 150 },
  );
});

test("before Hello a frame of 4 KiB is taken and a longer one is not", () => {
  const agentFor = (extra: number) => frameBytes(helloBody({ agent: "x".repeat(extra) }));
  const room = 4 * KIB - (agentFor(3000).byteLength - 4);
  assert.is(
    problemOf(() => newReader().reader.push(agentFor(3000 + room))),
    "",
  );
  const tooLong = agentFor(3000 + room + 1);
  assert.is(tooLong.readUInt32BE(0), 4 * KIB + 1);
  assert.match(
    problemOf(() => newReader().reader.push(tooLong.subarray(0, 6))),
    "a frame of 4097",
  );
});

test("after Hello a header of 16 KiB is taken and a longer one is not", () => {
  const messageFor = (extra: number) =>
    frameBytes({ case: "goodbye", value: { message: "x".repeat(extra) } });
  const room = 16 * KIB - (messageFor(10_000).byteLength - 6);
  const { reader, recorder } = greetedReader();
  reader.push(messageFor(10_000 + room));
  assert.is(recorder.frames.length, 2);
  assert.match(
    problemOf(() => reader.push(messageFor(10_000 + room + 1).subarray(0, 6))),
    "a header of 16385",
  );
});

test("impossible lengths are refused by the first six bytes, and nothing is allocated for them", () => {
  const wrong: [string, Buffer][] = [
    ["empty", prefix(0, 0)],
    ["no room for the header's length", prefix(1, 0)],
    ["no header", prefix(2, 0)],
    ["no header but payload", prefix(1000, 0)],
    ["a header longer than its frame", prefix(10, 9)],
    ["a header longer than 16 KiB", prefix(60_000, 16 * KIB + 1)],
    ["a payload longer than 4 MiB", prefix(2 + 10 + 4 * MIB + 1, 10)],
    ["a giant frame", prefix(0xffff_ffff, 0xffff)],
    ["a giant payload", prefix(0x8000_0000, 10)],
  ];
  const before = process.memoryUsage().arrayBuffers;
  for (const [what, bytes] of wrong) {
    const { reader, recorder } = greetedReader();
    assert.is.not(
      problemOf(() => reader.push(bytes)),
      "",
      what,
    );
    assert.is(recorder.started.length, 1, what);
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < MIB);
});

test("the longest frame there is costs nothing until somebody wants its payload", () => {
  const header = unknownFrame().subarray(6);
  const bytes = Buffer.concat([prefix(2 + header.byteLength + 4 * MIB, header.byteLength), header]);
  const { reader, recorder } = greetedReader();
  recorder.sinkOf = () => "discard";
  const before = process.memoryUsage().arrayBuffers;
  reader.push(bytes);
  assert.equal(recorder.started.at(-1), ["unknown", 4 * MIB]);
  const part = Buffer.alloc(64 * KIB);
  for (let sent = 0; sent < 4 * MIB; sent += part.byteLength) reader.push(part);
  assert.ok(process.memoryUsage().arrayBuffers - before < MIB);
  assert.is(recorder.frames.length, 2);
  assert.not(reader.isMidFrame);
});

test("a frame whose header is not a PeerFrame is refused", () => {
  const { reader } = greetedReader();
  assert.is.not(
    problemOf(() => reader.push(frameAround(Buffer.from("ffffff", "hex")))),
    "",
  );
});

test("what is clearly another protocol is named", () => {
  const foreign: [string, string][] = [
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["HTTP", "GET / HTTP/1.1\r\nHost: example\r\n\r\n"],
    ["HTTP", "POST /announce HTTP/1.1\r\n"],
    ["HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["HTTP", "OPTIONS * HTTP/1.1\r\n"],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\n"],
    ["SSH", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["BitTorrent", "\x13BitTorrent protocol\x00\x00\x00\x00\x00\x10\x00\x05"],
    ["not the goshare protocol", "\x00\x00\x00\x00\x00\x00"],
  ];
  for (const [name, text] of foreign) {
    const problem = problemOf(() => newReader().reader.push(Buffer.from(text, "latin1")));
    assert.match(problem, name);
  }
});

test("payload nobody wants is dropped, and the next frame is found", () => {
  const { reader, recorder } = greetedReader();
  recorder.sinkOf = () => "discard";
  const payload = Buffer.alloc(200_000, 5);
  const bytes = Buffer.concat([
    unknownFrame({ payload }),
    frameBytes({ case: "pong", value: {} }, { id: 2 }),
  ]);
  fill(reader, bytes, [70_000]);
  assert.equal(namesOf(recorder).slice(1), ["unknown undefined", "pong undefined"]);
});

test("without room nothing is taken until there is some, then exactly the payload", () => {
  const { reader, recorder } = greetedReader();
  const payload = Buffer.from("0123456789");
  const chunk = frameBytes({ case: "chunkData", value: {} }, { id: 1, payload });
  const pong = frameBytes({ case: "pong", value: {} }, { id: 3 });
  const bytes = Buffer.concat([chunk, pong]);
  const headerEnd = chunk.byteLength - payload.byteLength;
  recorder.sinkOf = () => "blocked";
  assert.is(reader.push(bytes), headerEnd);
  assert.ok(reader.isBlocked);
  assert.ok(reader.isMidFrame);
  assert.is(reader.push(bytes.subarray(headerEnd)), 0);
  const room = new Uint8Array(20);
  reader.unblock(room.subarray(5, 15));
  assert.not(reader.isBlocked);
  assert.is(reader.push(bytes.subarray(headerEnd)), bytes.byteLength - headerEnd);
  assert.equal(namesOf(recorder).slice(1), [`chunkData ${payload.toString("hex")}`, "pong undefined"]);
  assert.equal(Buffer.from(room.subarray(5, 15)), payload);
  assert.ok(room.subarray(0, 5).every((byte) => byte === 0) && room.subarray(15).every((byte) => byte === 0));
});

test("random bytes are refused or wait for more, whatever they are", () => {
  const read = (bytes: Uint8Array, greeted: boolean) => {
    const { reader, recorder } = greeted ? greetedReader() : newReader();
    recorder.sinkOf = dropUnknown;
    problemOf(() => reader.push(bytes));
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), read), { numRuns: 500 });
  const framed = fc.uint8Array({ minLength: 1, maxLength: 80 }).map((header) => frameAround(header));
  fc.assert(fc.property(framed, fc.boolean(), read), { numRuns: 2000 });
  const bent = fc.tuple(anyHeader, fc.nat(), fc.nat(255)).map(([header, at, byte]) => {
    const bytes = encodeFrame(header);
    bytes[6 + (at % (bytes.byteLength - 6))] = byte;
    return bytes;
  });
  fc.assert(fc.property(bent, fc.boolean(), read), { numRuns: 2000 });
});

test.run();
