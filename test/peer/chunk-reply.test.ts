// Chunks on their way to the one who asked, in both roles, right and wrong.
import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { GoshareError } from "../../src/core/errors.js";
import { MIB } from "../../src/core/units.js";
import { destroyScripted, frameBytes } from "../support/scripted-peer.js";
import { contentIdOf, openRig, RecordedChunk, type Rig, type RigOptions } from "./rig.js";

const ROLES = ["dialler", "listener"] as const;
const ID = contentIdOf("a");
const CHUNK_BYTES = 100_000;
const CHUNK = randomBytes(CHUNK_BYTES);

function part(id: number, chunkIndex: number, offset: number, bytes: Uint8Array): Buffer {
  return frameBytes({ case: "chunkData", value: { chunkIndex, offset } }, { id, payload: bytes });
}

/** A rig that has asked for chunk 7, and the request as it came. */
async function askedRig(role: "dialler" | "listener", options: RigOptions = {}) {
  const rig = await openRig(role, options);
  const chunk = new RecordedChunk(ID, 7, CHUNK_BYTES);
  rig.connection.requestChunk(chunk);
  const { id, value } = await rig.peer.expect("getChunk");
  assert.is(value.chunkIndex, 7);
  assert.is(value.offerId, 0);
  return { rig, chunk, id };
}

async function assertViolation(rig: Rig, what: string): Promise<void> {
  assert.is((await rig.handler.end())?.code, "PEER_PROTOCOL", what);
  assert.is((await rig.peer.skipTo("goodbye")).value.reason, GoodbyeReason.PROTOCOL_ERROR, what);
  rig.peer.destroy();
}

/** Resolves when the scripted peer's bytes do not leave any more. */
async function stalled(rig: Rig): Promise<void> {
  for (let turns = 0, before = -1; turns < 200; turns++) {
    if (rig.peer.unsentBytes !== before) turns = 0;
    before = rig.peer.unsentBytes;
    await new Promise(setImmediate);
  }
  assert.ok(rig.peer.unsentBytes > 0, "some of it cannot leave");
}

for (const role of ROLES) {
  test(`a ${role} receives a chunk in one frame`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    rig.peer.sendBytes(part(id, 7, 0, CHUNK));
    assert.is(await chunk.outcome(), "received");
    assert.equal(chunk.buffer, CHUNK);
    assert.is(rig.connection.bytesReceived, CHUNK_BYTES);
    rig.peer.destroy();
  });

  test(`a ${role} receives a chunk in several frames with others between them`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    const peers = rig.connection.request({ type: "getPeers", contentId: ID, max: 1 });
    const other = await rig.peer.expect("getPeers");
    rig.peer.sendBytes(part(id, 7, 0, CHUNK.subarray(0, 1)));
    rig.peer.send({ case: "ping", value: {} }, { id: rig.theirId });
    rig.peer.sendBytes(part(id, 7, 1, CHUNK.subarray(1, 60_000)));
    rig.peer.send({ case: "peerList", value: {} }, { id: other.id });
    await rig.peer.expect("pong");
    await peers;
    assert.equal(chunk.outcomes, []);
    rig.peer.sendBytes(part(id, 7, 60_000, CHUNK.subarray(60_000)));
    assert.is(await chunk.outcome(), "received");
    assert.is(chunk.placed, 1);
    assert.equal(chunk.buffer, CHUNK);
    rig.peer.destroy();
  });

  test(`a ${role} receives two chunks whose frames alternate`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    const second = new RecordedChunk(ID, 8, 50);
    rig.connection.requestChunk(second);
    const { id: secondId } = await rig.peer.expect("getChunk");
    rig.peer.sendBytes(part(id, 7, 0, CHUNK.subarray(0, 500)));
    rig.peer.sendBytes(part(secondId, 8, 0, CHUNK.subarray(0, 20)));
    rig.peer.sendBytes(part(id, 7, 500, CHUNK.subarray(500)));
    rig.peer.sendBytes(part(secondId, 8, 20, CHUNK.subarray(20, 50)));
    assert.is(await chunk.outcome(), "received");
    assert.is(await second.outcome(), "received");
    assert.equal(chunk.buffer, CHUNK);
    assert.equal(second.buffer, CHUNK.subarray(0, 50));
    rig.peer.destroy();
  });

  test(`a ${role} hangs up on a chunk with another index, offset or length`, async () => {
    const wrong: [string, (id: number) => Buffer[]][] = [
      ["index", (id) => [part(id, 6, 0, CHUNK)]],
      ["offset", (id) => [part(id, 7, 1, CHUNK.subarray(1))]],
      ["too long", (id) => [part(id, 7, 0, Buffer.concat([CHUNK, CHUNK]))]],
      ["empty", (id) => [part(id, 7, 0, Buffer.alloc(0))]],
      ["gap", (id) => [part(id, 7, 0, CHUNK.subarray(0, 10)), part(id, 7, 11, CHUNK.subarray(11, 20))]],
      ["overlap", (id) => [part(id, 7, 0, CHUNK.subarray(0, 10)), part(id, 7, 9, CHUNK.subarray(9, 20))]],
      ["past its end", (id) => [part(id, 7, 0, CHUNK.subarray(0, 99_999)), part(id, 7, 99_999, CHUNK)]],
      ["another kind", (id) => [frameBytes({ case: "manifestData", value: {} }, { id, payload: CHUNK })]],
    ];
    for (const [what, framesOf] of wrong) {
      const { rig, chunk, id } = await askedRig(role);
      for (const bytes of framesOf(id)) rig.peer.sendBytes(bytes);
      assert.is(await chunk.outcome(), "PEER_PROTOCOL", what);
      await assertViolation(rig, what);
    }
  });

  test(`a ${role} hangs up on a chunk that is sent again`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    rig.peer.sendBytes(part(id, 7, 0, CHUNK)).sendBytes(part(id, 7, 0, CHUNK));
    await assertViolation(rig, "twice");
    assert.equal(chunk.outcomes, ["received"]);
  });

  test(`a ${role} hears a refusal of a chunk, even after its first bytes`, async () => {
    for (const begun of [false, true]) {
      const { rig, chunk, id } = await askedRig(role);
      if (begun) rig.peer.sendBytes(part(id, 7, 0, CHUNK.subarray(0, 10)));
      rig.peer.send({ case: "refusal", value: { reason: RefusalReason.SOURCE_CHANGED } }, { id });
      assert.is(await chunk.outcome(), "sourceChanged");
      await rig.peer.roundTrip(rig.theirId);
      rig.peer.destroy();
    }
  });

  test(`a ${role} takes an unknown reply to a chunk for a refusal`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    rig.peer.sendUnknown({ id, payload: CHUNK });
    assert.is(await chunk.outcome(), "unimplemented");
    await rig.peer.roundTrip(rig.theirId);
    rig.peer.destroy();
  });

  test(`a ${role} reads nothing while it has no room for a chunk, then goes on`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    chunk.hasRoom = false;
    rig.peer.sendBytes(part(id, 7, 0, CHUNK));
    // More than the kernel holds: it can only leave if the connection reads.
    const flood = 24 * MIB;
    const payload = Buffer.alloc(MIB);
    for (let sent = 0; sent < flood; sent += MIB) rig.peer.sendUnknown({ payload });
    rig.peer.send({ case: "ping", value: {} }, { id: rig.theirId });
    await stalled(rig);
    assert.ok(rig.connection.reader.isBlocked);
    rig.connection.resumeReading();
    assert.ok(rig.connection.reader.isBlocked, "there is still no room");
    assert.equal(chunk.outcomes, []);
    chunk.hasRoom = true;
    rig.connection.resumeReading();
    assert.is(await chunk.outcome(), "received");
    assert.equal(chunk.buffer, CHUNK);
    await rig.peer.expect("pong");
    rig.peer.destroy();
  });

  test(`a ${role} that has no room loses nothing of a stream that has ended`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    chunk.hasRoom = false;
    rig.peer
      .sendBytes(part(id, 7, 0, CHUNK))
      .send({ case: "goodbye", value: {} })
      .fin();
    await rig.peer.flushed();
    while (!rig.connection.reader.isBlocked) await new Promise(setImmediate);
    chunk.hasRoom = true;
    rig.connection.resumeReading();
    assert.is(await chunk.outcome(), "received");
    assert.equal(chunk.buffer, CHUNK);
    assert.is(await rig.handler.end(), undefined);
    rig.peer.destroy();
  });

  test(`a ${role} that has no room when the connection breaks loses the chunk once`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    chunk.hasRoom = false;
    rig.peer.sendBytes(part(id, 7, 0, CHUNK.subarray(0, 10)));
    while (!rig.connection.reader.isBlocked) await new Promise(setImmediate);
    rig.connection.close("finished");
    await rig.handler.end();
    chunk.hasRoom = true;
    rig.connection.resumeReading();
    assert.equal(chunk.outcomes, ["PEER_CLOSED"]);
    assert.is(chunk.placed, 0);
    rig.peer.destroy();
  });

  test(`a ${role} never touches a chunk's buffer after its loss`, async () => {
    const { rig, chunk, id } = await askedRig(role);
    const frame = part(id, 7, 0, CHUNK);
    rig.peer.sendBytes(frame.subarray(0, 1000));
    while (chunk.placed === 0) await new Promise(setImmediate);
    rig.connection.fail(new GoshareError("DIGEST_MISMATCH", "wrong bytes before"), "banned");
    assert.is(await chunk.outcome(), "DIGEST_MISMATCH");
    chunk.buffer.fill(0xee);
    rig.peer.sendBytes(frame.subarray(1000)).fin();
    assert.is(await rig.peer.ended(), "fin");
    await rig.peer.flushed();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    assert.ok(
      chunk.buffer.every((byte) => byte === 0xee),
      "somebody else's bytes are still there",
    );
    rig.peer.destroy();
  });
}

test.after(destroyScripted);
test.run();
