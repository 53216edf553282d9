import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnnounceRequestSchema, AnnounceResponseSchema } from "../../gen/goshare/v1/tracker_pb.js";
import { decodeMessage, encodeMessage, MalformedMessageError } from "../../src/rpc/message-codec.js";

const MANY = 10_000;

test("what was encoded decodes to the same message", () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const share = fc.record({
    contentId: bytes32,
    chunksHeld: fc.nat(),
    complete: fc.boolean(),
    wantPeers: fc.integer({ min: 0, max: 50 }),
  });
  const request = fc.record({
    peerId: bytes32,
    runEpochMs: fc.bigInt({ min: 0n, max: 2n ** 63n }),
    listenPort: fc.integer({ min: 0, max: 65535 }),
    shares: fc.array(share, { maxLength: 5 }),
  });
  fc.assert(
    fc.property(request, (init) => {
      const bytes = encodeMessage(AnnounceRequestSchema, init);
      const decoded = decodeMessage(AnnounceRequestSchema, bytes, MANY);
      assert.equal(encodeMessage(AnnounceRequestSchema, decoded), bytes);
      assert.is(decoded.runEpochMs, init.runEpochMs);
      assert.is(decoded.shares.length, init.shares.length);
    }),
  );
});

test("any bytes decode or are refused with the one typed error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeMessage(AnnounceResponseSchema, bytes, MANY);
      } catch (error) {
        assert.instance(error, MalformedMessageError);
      }
    }),
  );
});

test("every truncation of a message decodes or is refused with the one typed error", () => {
  const bytes = encodeMessage(AnnounceResponseSchema, {
    ttlMs: 5,
    answers: [{ contentId: new Uint8Array(32), peers: [{ endpoints: [{ host: "10.0.0.1", port: 9000 }] }] }],
  });
  for (let length = 0; length < bytes.length; length++) {
    try {
      decodeMessage(AnnounceResponseSchema, bytes.subarray(0, length), MANY);
    } catch (error) {
      assert.instance(error, MalformedMessageError);
    }
  }
});

test("unknown fields are dropped", () => {
  const bytes = Buffer.concat([
    encodeMessage(AnnounceResponseSchema, { ttlMs: 7 }),
    Buffer.from([0x98, 0x06, 0x01]),
  ]);
  const message = decodeMessage(AnnounceResponseSchema, bytes, MANY);
  assert.is(message.ttlMs, 7);
  assert.is(message.$unknown, undefined);
});

test("fields are counted at every depth, and one over the limit is refused", () => {
  // 1 ttl + 3 answers, each with an id and 2 peers: 1 + 3·(1 + 1 + 2)
  const answer = { contentId: new Uint8Array(32), peers: [{}, {}] };
  const bytes = encodeMessage(AnnounceResponseSchema, { ttlMs: 1, answers: [answer, answer, answer] });
  assert.is(decodeMessage(AnnounceResponseSchema, bytes, 13).answers.length, 3);
  assert.throws(() => decodeMessage(AnnounceResponseSchema, bytes, 12), /more fields than allowed/);
});

test("a megabyte of empty submessages is refused before it is decoded", () => {
  const bytes = Buffer.alloc(1 << 20);
  for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x2a; // field 5, length 0
  assert.throws(() => decodeMessage(AnnounceRequestSchema, bytes, MANY), /more fields than allowed/);
});

test("byte fields of a decoded message are views of its bytes, not copies", () => {
  const bytes = encodeMessage(AnnounceRequestSchema, { peerId: new Uint8Array(32).fill(1) });
  const message = decodeMessage(AnnounceRequestSchema, bytes, MANY);
  assert.is(message.peerId.buffer, bytes.buffer);
});

test.run();
