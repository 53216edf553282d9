// Headers of frames: what is written, what is read, and what is not let in. The vectors in test/vectors/frames
// hold one of each; here is the rest.

import { fromBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeerFrameSchema } from "../../gen/goshare/v1/peer_pb.js";
import { GoshareError } from "../../src/core/errors.js";
import { MAX_HEADER_BYTES } from "../../src/peer/frame.js";
import type { FrameHeader } from "../../src/peer/messages.js";
import { decodeAnyHeader, decodeHeader, encodeAnyHeader, encodeHeader } from "../../src/peer/wire.js";
import { type BodyInit, frameBytes, helloBody } from "../support/scripted-peer.js";
import { anyHeader } from "./messages-any.js";
import { contentIdOf } from "./rig.js";

/** The header's bytes of a frame. */
const headerBytes = (body: BodyInit, id = 0) => frameBytes(body, { id }).subarray(6);

const read = (body: BodyInit, id = 0): FrameHeader => decodeHeader(headerBytes(body, id));

function assertRefused(bytes: Uint8Array, what: string): void {
  try {
    decodeHeader(bytes);
  } catch (thrown) {
    if (!(thrown instanceof GoshareError)) throw thrown;
    assert.is(thrown.code, "PEER_PROTOCOL", what);
    return;
  }
  assert.unreachable(`${what} was let in`);
}

test("what is written is read again, whatever it is", () => {
  fc.assert(
    fc.property(anyHeader, (header) => {
      const bytes = encodeHeader(header);
      assert.ok(bytes.byteLength <= MAX_HEADER_BYTES);
      assert.equal(decodeHeader(bytes), header);
    }),
    { numRuns: 1000 },
  );
});

const uint32 = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 0xffff_ffff }));

/** The two that are written and read by hand. */
const chunkHeader: fc.Arbitrary<FrameHeader> = fc
  .tuple(uint32, uint32, uint32, fc.constantFrom("0", "a", "f"), fc.boolean())
  .map(([requestId, chunkIndex, other, digit, isRequest]) => {
    if (!isRequest) return { requestId, message: { type: "chunkData", chunkIndex, offset: other } };
    const contentId = contentIdOf(digit);
    return { requestId, message: { type: "getChunk", contentId, chunkIndex, offerId: other } };
  });

test("headers of chunks are written as the general codec writes them", () => {
  fc.assert(
    fc.property(chunkHeader, (header) => {
      assert.equal(Buffer.from(encodeHeader(header)), Buffer.from(encodeAnyHeader(header)));
    }),
    { numRuns: 2000 },
  );
});

test("content ids that come into the same memory one after another are told apart", () => {
  const memory = Buffer.alloc(64);
  for (const digit of ["a", "b", "a"]) {
    const message = { type: "getChunk", contentId: contentIdOf(digit), chunkIndex: 1, offerId: 0 } as const;
    const bytes = encodeHeader({ requestId: 1, message });
    memory.set(bytes);
    assert.equal(decodeHeader(memory.subarray(0, bytes.byteLength)).message, message);
  }
});

/** What comes of bytes: a header, or the code of the error. */
function outcome(decode: (bytes: Uint8Array) => FrameHeader, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (thrown) {
    if (thrown instanceof GoshareError) return thrown.code;
    throw thrown;
  }
}

test("headers of chunks are read as the general codec reads them, spoiled ones too", () => {
  const spoil = fc.array(fc.tuple(fc.nat(60), fc.constantFrom("set", "drop", "insert"), fc.nat(255)), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(chunkHeader, spoil, (header, steps) => {
      const bytes = [...encodeHeader(header)];
      for (const [at, how, byte] of steps)
        bytes.splice(at % (bytes.length + 1), how === "insert" ? 0 : 1, ...(how === "drop" ? [] : [byte]));
      const spoiled = Uint8Array.from(bytes);
      assert.equal(outcome(decodeHeader, spoiled), outcome(decodeAnyHeader, spoiled));
    }),
    { numRuns: 20_000 },
  );
});

test("what is read does not change when its bytes do", () => {
  fc.assert(
    fc.property(anyHeader, (header) => {
      const bytes = encodeHeader(header);
      const decoded = decodeHeader(bytes);
      bytes.fill(0xff);
      assert.equal(decoded, header);
    }),
    { numRuns: 300 },
  );
});

test("the longest list of each kind fits a header", () => {
  const most = Array.from({ length: 2048 }, () => 0xffff_ffff);
  const header = (gained: readonly number[], lost: readonly number[]): FrameHeader => ({
    requestId: 0,
    message: { type: "availabilityUpdate", contentId: contentIdOf("f"), gained, lost },
  });
  assert.ok(encodeHeader(header(most, [])).byteLength <= MAX_HEADER_BYTES);
  assert.equal(decodeHeader(encodeHeader(header([], most))), header([], most));
});

test("text for people is at most 256 bytes when it leaves, cut at a character", () => {
  const cuts: [string, string][] = [
    ["x".repeat(300), "x".repeat(256)],
    ["é".repeat(300), "é".repeat(128)],
    [`x${"é".repeat(300)}`, `x${"é".repeat(127)}`],
    ["🙂".repeat(300), "🙂".repeat(64)],
    [`xy${"🙂".repeat(300)}`, `xy${"🙂".repeat(63)}`],
    ["€".repeat(85), "€".repeat(85)],
    ["", ""],
  ];
  for (const [message, wanted] of cuts) {
    const bytes = encodeHeader({ requestId: 0, message: { type: "goodbye", reason: "finished", message } });
    const { body } = fromBinary(PeerFrameSchema, bytes);
    assert.is(body.case === "goodbye" ? body.value.message : "", wanted);
    const refusal = { type: "refusal", reason: "busy", retryAfterMs: 0 } as const;
    const again = decodeHeader(encodeHeader({ requestId: 2, message: { ...refusal, message } }));
    assert.equal(again.message, { ...refusal, message: wanted });
  }
});

test("text that is too long is cut when it comes, never left half a character", () => {
  const goodbye = read({ case: "goodbye", value: { message: "é".repeat(300) } });
  assert.equal(goodbye.message, { type: "goodbye", reason: "unspecified", message: "é".repeat(128) });
  const hello = read(helloBody({ agent: `x${"🙂".repeat(40)}` }));
  assert.is(hello.message.type === "hello" ? hello.message.agent : "", `x${"🙂".repeat(15)}`);
});

test("a Hello may name 32 features of 32 bytes, and a nonce of 8 to 32", () => {
  const features = Array.from({ length: 32 }, () => "x".repeat(32));
  for (const nonceBytes of [8, 32]) {
    const nonce = Buffer.alloc(nonceBytes, 1);
    const { message } = read(helloBody({ features, nonce }));
    assert.is(message.type === "hello" ? message.features.length : 0, 32);
  }
  assertRefused(headerBytes(helloBody({ features: ["x".repeat(33)] })), "a feature of 33 bytes");
});

test("ids of any length but 32 are refused, wherever they stand", () => {
  for (const length of [0, 1, 31, 33, 64]) {
    const contentId = new Uint8Array(length);
    const bodies: BodyInit[] = [
      helloBody({ peerId: contentId }),
      { case: "getManifest", value: { contentId } },
      { case: "join", value: { contentId, coverage: 1 } },
      { case: "availability", value: { contentId, coverage: 1 } },
      { case: "availabilityUpdate", value: { contentId } },
      { case: "getChunk", value: { contentId } },
      { case: "getPeers", value: { contentId, max: 1 } },
      { case: "offer", value: { contentId, offerId: 1, chunks: [1] } },
      { case: "pullWindow", value: { contentId } },
      { case: "leave", value: { contentId } },
      {
        case: "peerList",
        value: { peers: [{ peerId: contentId, endpoints: [{ host: "192.0.2.1", port: 1, transport: 1 }] }] },
      },
    ];
    for (const body of bodies) assertRefused(headerBytes(body), `${body.case} with an id of ${length} bytes`);
  }
});

test("endpoints that nobody here can dial are skipped, and peers without any other", () => {
  const id = (digit: number) => ({ peerId: Buffer.alloc(32, digit) });
  const wrong = [
    { host: "192.0.2.1", port: 1 },
    { host: "192.0.2.1", port: 0, transport: 1 },
    { host: "192.0.2.1", port: 65_536, transport: 1 },
    { host: "0.0.0.0", port: 1, transport: 1 },
  ];
  const value = {
    peers: [
      { ...id(1), endpoints: wrong },
      { ...id(2), endpoints: [...wrong.slice(1), { host: "::ffff:192.0.2.1", port: 9, transport: 1 }] },
      { ...id(3), endpoints: [] },
    ],
  };
  assert.equal(read({ case: "peerList", value }, 4).message, {
    type: "peerList",
    peers: [{ peerId: "02".repeat(32), endpoints: [{ host: "192.0.2.1", port: 9, transport: "tcp" }] }],
  });
});

test("a header with more fields than are known is read without them", () => {
  const ping = Buffer.concat([headerBytes({ case: "ping", value: {} }, 6), Buffer.from("c03e07", "hex")]);
  assert.equal(decodeHeader(ping), { requestId: 6, message: { type: "ping" } });
});

test("bytes that are no header are refused, whatever they are", () => {
  const attempt = (bytes: Uint8Array) => {
    try {
      decodeHeader(bytes);
    } catch (thrown) {
      if (!(thrown instanceof GoshareError) || thrown.code !== "PEER_PROTOCOL") throw thrown;
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), attempt), { numRuns: 5000 });
  const cut = fc.tuple(anyHeader, fc.nat()).map(([header, at]) => {
    const bytes = encodeHeader(header);
    return bytes.subarray(0, at % (bytes.byteLength + 1));
  });
  fc.assert(fc.property(cut, attempt), { numRuns: 2000 });
  attempt(Buffer.concat(Array.from({ length: 8000 }, () => Buffer.from("0b", "hex"))));
  attempt(Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from("a33801", "hex"))));
});

test.run();
