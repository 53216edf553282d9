// How connections end, in both roles: with goodbyes, in the middle of things, and what is owed until then.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { GoshareError } from "../../src/core/errors.js";
import { idToBytes } from "../../src/core/ids.js";
import { MIB } from "../../src/core/units.js";
import { destroyScripted, frameBytes } from "../support/scripted-peer.js";
import { codeOf, contentIdOf, openRig, RecordedChunk, type Rig, wholeChunk } from "./rig.js";

const ROLES = ["dialler", "listener"] as const;
const ID = contentIdOf("b");
const contentId = idToBytes(ID);

/** Counts how often each of some callbacks is called. */
class CallCounts {
  readonly counts: number[] = [];

  add(): () => void {
    const index = this.counts.push(0) - 1;
    return () => {
      this.counts[index] = (this.counts[index] ?? 0) + 1;
    };
  }
}

/** Asks for `count` chunks of `rig`; resolves with their ids when the requests have come. */
async function askForChunks(rig: Rig, count: number): Promise<number[]> {
  const ids = Array.from({ length: count }, (_, index) => rig.theirId + 2 * index);
  for (const [chunkIndex, id] of ids.entries())
    rig.peer.send({ case: "getChunk", value: { contentId, chunkIndex } }, { id });
  while (rig.handler.requests.length < count) await new Promise(setImmediate);
  return ids;
}

for (const role of ROLES) {
  test(`a ${role} that closes says why, ends the stream, and is told of the end once`, async () => {
    const rig = await openRig(role);
    rig.connection.close("shuttingDown", "so long");
    const { value } = await rig.peer.expect("goodbye");
    assert.is(value.reason, GoodbyeReason.SHUTTING_DOWN);
    assert.is(value.message, "so long");
    assert.is(await rig.peer.ended(), "fin");
    rig.peer.destroy();
    assert.is(await rig.handler.end(), undefined);
    assert.is(rig.handler.ends, 1);
    assert.not(rig.connection.isOpen);
    rig.connection.close("finished");
    rig.connection.fail(new GoshareError("PEER_PROTOCOL", "too late"));
    rig.connection.notify({ type: "leave", contentId: ID });
    assert.is(await codeOf(rig.connection.request({ type: "ping" })), "PEER_CLOSED");
    assert.is(rig.handler.ends, 1);
    assert.is(rig.peer.heard.length, 2);
  });

  test(`a ${role} that closes first sends what it owes, and refuses what is asked afterwards`, async () => {
    const rig = await openRig(role);
    const [first = 0, second = 0] = await askForChunks(rig, 2);
    rig.connection.close("shuttingDown");
    await rig.peer.expect("goodbye");
    rig.peer.send({ case: "getChunk", value: { contentId } }, { id: second + 2 });
    const late = await rig.peer.expect("refusal");
    assert.equal([late.id, late.value.reason], [second + 2, RefusalReason.SHUTTING_DOWN]);
    assert.is(rig.handler.ends, 0);
    rig.connection.refuse(second, "shuttingDown");
    await rig.peer.expect("refusal");
    const sent = new CallCounts();
    rig.connection.sendChunk(first, wholeChunk(0, Buffer.alloc(MIB, 7)), sent.add());
    assert.is((await rig.peer.expect("chunkData")).payload.byteLength, MIB);
    assert.is(await rig.peer.ended(), "fin");
    assert.is(await rig.handler.end(), undefined);
    assert.equal(sent.counts, [1]);
    assert.is(rig.connection.bytesSent, MIB);
    rig.peer.destroy();
  });

  test(`a ${role} that closes takes the replies that run`, async () => {
    const rig = await openRig(role);
    const chunk = new RecordedChunk(ID, 0, 10);
    rig.connection.requestChunk(chunk);
    const { id } = await rig.peer.expect("getChunk");
    rig.connection.close("finished");
    await rig.peer.expect("goodbye");
    const payload = Buffer.from("0123456789");
    rig.peer.send({ case: "chunkData", value: {} }, { id, payload });
    assert.is(await chunk.outcome(), "received");
    assert.is(await rig.handler.end(), undefined);
    rig.peer.destroy();
  });

  test(`a ${role} that closes does not wait longer than it said for what does not come`, async () => {
    const rig = await openRig(role, { connection: { closeTimeoutMs: 20 } });
    const chunk = new RecordedChunk(ID, 0, 10);
    rig.connection.requestChunk(chunk);
    rig.connection.close("finished");
    assert.is(await chunk.outcome(), "PEER_CLOSED");
    assert.is(await rig.handler.end(), undefined);
    rig.peer.destroy();
  });

  test(`a ${role} that hears Goodbye asks nothing more, and still takes and gives what runs`, async () => {
    const rig = await openRig(role);
    const chunk = new RecordedChunk(ID, 0, 10);
    rig.connection.requestChunk(chunk);
    const { id } = await rig.peer.expect("getChunk");
    const [owed = 0] = await askForChunks(rig, 1);
    rig.peer.send({ case: "goodbye", value: { reason: GoodbyeReason.DUPLICATE, message: "two of us" } });
    while (rig.connection.isOpen) await new Promise(setImmediate);
    assert.equal(rig.handler.goodbyes, [["duplicate", "two of us"]]);
    assert.is(await codeOf(rig.connection.request({ type: "ping" })), "PEER_CLOSED");
    rig.peer.send({ case: "chunkData", value: {} }, { id, payload: Buffer.alloc(10) });
    assert.is(await chunk.outcome(), "received");
    assert.is(rig.handler.ends, 0);
    rig.connection.sendChunk(owed, wholeChunk(0, Buffer.alloc(10)), () => undefined);
    assert.is((await rig.peer.expect("chunkData")).payload.byteLength, 10);
    assert.is(await rig.handler.end(), undefined);
    assert.is(rig.handler.ends, 1);
    rig.peer.destroy();
  });

  test(`a ${role} that hears Goodbye while its replies wait for room ends when they are out`, async () => {
    const rig = await openRig(role);
    rig.peer.stopReading();
    const replies = 16;
    for (let page = 0; page < replies; page++)
      rig.peer.send({ case: "getManifest", value: { contentId, page } }, { id: rig.theirId + 2 * page });
    rig.peer.send({ case: "goodbye", value: {} });
    while (rig.handler.goodbyes.length === 0) await new Promise(setImmediate);
    for (const { id, request } of rig.handler.requests) {
      const page = request.type === "getManifest" ? request.page : 0;
      rig.connection.reply(id, { type: "manifestData", page }, Buffer.alloc(MIB));
    }
    assert.ok(rig.connection.pendingWriteBytes > 0, "the kernel did not take it all");
    rig.peer.readAgain();
    for (let page = 0; page < replies; page++) await rig.peer.expect("manifestData");
    assert.is(await rig.handler.end(), undefined);
    await rig.peer.ended();
    rig.peer.destroy();
  });

  test(`a ${role} fails what it asked for when the connection ends in a frame, or breaks`, async () => {
    const frame = frameBytes({ case: "leave", value: { contentId } });
    const endings: [string, (rig: Rig) => void][] = [
      ["half a length", (rig) => rig.peer.sendBytes(frame.subarray(0, 3)).fin()],
      ["half a header", (rig) => rig.peer.sendBytes(frame.subarray(0, 20)).fin()],
      ["half a payload", (rig) => rig.peer.sendBytes(halfReply(rig)).fin()],
      ["half a payload, broken", (rig) => rig.peer.sendBytes(halfReply(rig)).reset()],
      ["broken", (rig) => rig.peer.reset()],
    ];
    for (const [what, end] of endings) {
      const rig = await openRig(role);
      const chunk = new RecordedChunk(ID, 0, 10);
      rig.connection.requestChunk(chunk);
      const asked = codeOf(rig.connection.request({ type: "getPeers", contentId: ID, max: 1 }));
      await rig.peer.skipTo("getPeers");
      end(rig);
      assert.is(await asked, "PEER_CLOSED", what);
      assert.is(await chunk.outcome(), "PEER_CLOSED", what);
      assert.equal(chunk.outcomes.length, 1, what);
      assert.is((await rig.handler.end())?.code, "PEER_CLOSED", what);
      assert.is(rig.handler.ends, 1, what);
      rig.peer.destroy();
    }
  });

  test(`a ${role} fails what it asked for when the other side just ends the stream`, async () => {
    const rig = await openRig(role);
    const asked = codeOf(rig.connection.request({ type: "getPeers", contentId: ID, max: 1 }));
    await rig.peer.expect("getPeers");
    rig.peer.fin();
    assert.is(await asked, "PEER_CLOSED");
    assert.is(await rig.handler.end(), undefined, "between frames it is a proper end");
    rig.peer.destroy();
  });

  test(`a ${role} tells its owner nothing after the end`, async () => {
    const rig = await openRig(role);
    rig.connection.fail(new GoshareError("DIGEST_MISMATCH", "wrong bytes"), "banned");
    assert.is((await rig.handler.end())?.code, "DIGEST_MISMATCH");
    assert.is((await rig.peer.expect("goodbye")).value.reason, GoodbyeReason.BANNED);
    rig.peer
      .send({ case: "getChunk", value: { contentId } }, { id: rig.theirId })
      .send({ case: "leave", value: { contentId } })
      .send({ case: "goodbye", value: {} })
      .fin();
    await rig.peer.ended();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    assert.is(rig.handler.lateCalls, 0);
    assert.is(rig.peer.heard.length, 2, "and says nothing either");
    rig.peer.destroy();
  });

  test(`a ${role} gives back every chunk's bytes once, whether they left or not`, async () => {
    for (const end of ["destroyed", "closed", "reset"] as const) {
      const rig = await openRig(role, { connection: { closeTimeoutMs: 20 } });
      const count = 24;
      const ids = await askForChunks(rig, count);
      rig.peer.stopReading();
      const sent = new CallCounts();
      for (const [chunkIndex, id] of ids.entries())
        rig.connection.sendChunk(id, wholeChunk(chunkIndex, Buffer.alloc(MIB)), sent.add());
      assert.ok(sent.counts.includes(0), "the kernel does not take it all");
      if (end === "reset") rig.peer.reset();
      else if (end === "closed") rig.connection.close("finished");
      else rig.connection.fail(new GoshareError("PEER_PROTOCOL", "a broken rule"));
      await rig.handler.end();
      while (sent.counts.includes(0)) await new Promise(setImmediate);
      rig.connection.sendChunk(rig.theirId, wholeChunk(0, Buffer.alloc(1)), sent.add());
      rig.connection.sendChunk(rig.theirId + 2 * count, wholeChunk(0, Buffer.alloc(1)), sent.add());
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      assert.ok(
        sent.counts.every((calls) => calls === 1),
        `${end}: ${sent.counts}`,
      );
      rig.peer.destroy();
    }
  });
}

/** The first bytes of the reply to the first request of the connection under test. */
function halfReply(rig: Rig): Buffer {
  return frameBytes({ case: "chunkData", value: {} }, { id: rig.ourId, payload: Buffer.alloc(10) }).subarray(
    0,
    -4,
  );
}

test.after(destroyScripted);
test.run();
