// An open connection, in both roles: who may send what when, and what becomes of it.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Coverage, GoodbyeReason, RefusalReason } from "../../gen/goshare/v1/peer_pb.js";
import { idToBytes } from "../../src/core/ids.js";
import { type BodyInit, destroyScripted, type FrameParts, frameBytes } from "../support/scripted-peer.js";
import { codeOf, contentIdOf, openRig, type Rig } from "./rig.js";

const ROLES = ["dialler", "listener"] as const;
const ID = contentIdOf("a");
const contentId = idToBytes(ID);
const PING: BodyInit = { case: "ping", value: {} };

/** What the connection under test makes of a broken rule. */
async function assertViolation(rig: Rig, what: string): Promise<void> {
  const error = await rig.handler.end();
  assert.is(error?.code, "PEER_PROTOCOL", what);
  assert.is((await rig.peer.skipTo("goodbye")).value.reason, GoodbyeReason.PROTOCOL_ERROR, what);
  assert.is(await rig.peer.ended(), "fin", what);
  assert.is(rig.handler.ends, 1, what);
  rig.peer.destroy();
}

for (const role of ROLES) {
  test(`a ${role} takes requests with rising ids of the other side's parity`, async () => {
    const rig = await openRig(role);
    rig.handler.onRequest = (id) => rig.connection.refuse(id, "contentUnknown");
    for (const id of [rig.theirId, rig.theirId + 2, rig.theirId + 1000]) {
      rig.peer.send({ case: "getChunk", value: { contentId, chunkIndex: 5 } }, { id });
      const refusal = await rig.peer.expect("refusal");
      assert.is(refusal.id, id);
      assert.is(refusal.value.reason, RefusalReason.CONTENT_UNKNOWN);
    }
    assert.equal(rig.handler.requests[0]?.request, {
      ...{ type: "getChunk", contentId: ID, chunkIndex: 5, offerId: 0 },
    });
    rig.peer.destroy();
  });

  test(`a ${role} hangs up on ids that are not the other side's, do not rise or are 0`, async () => {
    const wrong: ((rig: Rig) => number[])[] = [
      () => [0],
      ({ ourId }) => [ourId],
      ({ theirId }) => [theirId, theirId],
      ({ theirId }) => [theirId + 2, theirId],
    ];
    for (const idsOf of wrong) {
      const rig = await openRig(role);
      for (const id of idsOf(rig)) rig.peer.send(PING, { id });
      await assertViolation(rig, `ids ${idsOf(rig)}`);
    }
  });

  test(`a ${role} answers a Ping by itself`, async () => {
    const rig = await openRig(role);
    rig.peer.send(PING, { id: rig.theirId });
    assert.is((await rig.peer.expect("pong")).id, rig.theirId);
    assert.equal(rig.handler.requests, []);
    rig.peer.destroy();
  });

  test(`a ${role} matches replies with its requests, in whatever order they come`, async () => {
    const rig = await openRig(role);
    const root = rig.connection.request({ type: "getManifest", contentId: ID, page: 0 }, [1, 100]);
    const peers = rig.connection.request({ type: "getPeers", contentId: ID, max: 3 });
    const first = await rig.peer.expect("getManifest");
    const second = await rig.peer.expect("getPeers");
    assert.equal([first.id, second.id], [rig.ourId, rig.ourId + 2]);
    assert.is(second.value.max, 3);
    assert.is(rig.connection.openRequests, 2);
    rig.peer.send({ case: "peerList", value: { peers: [] } }, { id: second.id });
    rig.peer.send(
      { case: "manifestData", value: { page: 0 } },
      { id: first.id, payload: Buffer.from("root") },
    );
    assert.equal((await peers).reply, { type: "peerList", peers: [] });
    assert.is(Buffer.from((await root).payload).toString(), "root");
    assert.is(rig.connection.openRequests, 0);
    rig.peer.destroy();
  });

  test(`a ${role} hears a refusal as the answer of any request`, async () => {
    const rig = await openRig(role);
    const asked = rig.connection.request({ type: "getManifest", contentId: ID, page: 0 }, [1, 100]);
    const { id } = await rig.peer.expect("getManifest");
    const refusal = { reason: RefusalReason.BUSY, message: "later", retryAfterMs: 7 };
    rig.peer.send({ case: "refusal", value: refusal }, { id });
    assert.equal((await asked).reply, { type: "refusal", reason: "busy", message: "later", retryAfterMs: 7 });
    rig.peer.destroy();
  });

  test(`a ${role} hangs up on replies that nobody asked for`, async () => {
    const replies: [BodyInit, FrameParts][] = [
      [{ case: "pong", value: {} }, {}],
      [{ case: "peerList", value: {} }, {}],
      [{ case: "chunkData", value: {} }, { payload: Buffer.alloc(10) }],
      [{ case: "refusal", value: {} }, {}],
    ];
    for (const [body, parts] of replies) {
      const rig = await openRig(role);
      rig.peer.send(body, { ...parts, id: rig.ourId });
      await assertViolation(rig, String(body.case));
    }
  });

  test(`a ${role} hangs up on a second reply to one request`, async () => {
    const rig = await openRig(role);
    const asked = rig.connection.request({ type: "getPeers", contentId: ID, max: 3 });
    const { id } = await rig.peer.expect("getPeers");
    rig.peer.send({ case: "peerList", value: {} }, { id }).send({ case: "peerList", value: {} }, { id });
    await asked;
    await assertViolation(rig, "two replies");
  });

  test(`a ${role} hangs up on a reply of the wrong kind, page, length or content`, async () => {
    const manifest = { type: "getManifest", contentId: ID, page: 3 } as const;
    const join = { type: "join", contentId: ID, coverage: "none" } as const;
    const cases: [Parameters<Rig["connection"]["request"]>[0], [number, number], BodyInit, number][] = [
      [manifest, [1, 8], { case: "pong", value: {} }, 0],
      [manifest, [1, 8], { case: "manifestData", value: { page: 3 } }, 9],
      [manifest, [1, 8], { case: "manifestData", value: { page: 3 } }, 0],
      [manifest, [1, 8], { case: "manifestData", value: { page: 2 } }, 8],
      [join, [0, 2], { case: "availability", value: { contentId, coverage: Coverage.COMPLETE } }, 2],
      [join, [0, 2], { case: "availability", value: { contentId, coverage: Coverage.NONE } }, 1],
      [join, [0, 2], { case: "availability", value: { contentId, coverage: Coverage.BITFIELD } }, 0],
      [join, [0, 2], { case: "availability", value: { contentId, coverage: Coverage.BITFIELD } }, 3],
      [
        join,
        [0, 2],
        { case: "availability", value: { contentId: Buffer.alloc(32), coverage: Coverage.NONE } },
        0,
      ],
      [{ type: "ping" }, [0, 0], { case: "pong", value: {} }, 1],
      [{ type: "ping" }, [0, 0], { case: "refusal", value: {} }, 1],
    ];
    for (const [request, range, body, payloadBytes] of cases) {
      const rig = await openRig(role);
      const asked = codeOf(rig.connection.request(request, range));
      const { id } = await rig.peer.next();
      rig.peer.send(body, { id, payload: Buffer.alloc(payloadBytes) });
      assert.is(await asked, "PEER_PROTOCOL", `${body.case} with ${payloadBytes} bytes`);
      await assertViolation(rig, String(body.case));
    }
  });

  test(`a ${role} hangs up on more peers than it asked for`, async () => {
    const rig = await openRig(role);
    const asked = codeOf(rig.connection.request({ type: "getPeers", contentId: ID, max: 1 }));
    const { id } = await rig.peer.expect("getPeers");
    const endpoints = [{ host: "192.0.2.1", port: 9000, transport: 1 }];
    const peers = [1, 2].map((digit) => ({ peerId: Buffer.alloc(32, digit), endpoints }));
    rig.peer.send({ case: "peerList", value: { peers } }, { id });
    assert.is(await asked, "PEER_PROTOCOL");
    await assertViolation(rig, "two peers");
  });

  test(`a ${role} refuses an unknown request, drops its payload, and goes on`, async () => {
    const rig = await openRig(role);
    rig.peer.sendUnknown({ id: rig.theirId, payload: Buffer.alloc(200_000, 1) });
    const refusal = await rig.peer.expect("refusal");
    assert.is(refusal.id, rig.theirId);
    assert.is(refusal.value.reason, RefusalReason.UNIMPLEMENTED);
    await rig.peer.roundTrip(rig.theirId + 2);
    rig.peer.destroy();
  });

  test(`a ${role} ignores an unknown notice with its payload`, async () => {
    const rig = await openRig(role);
    rig.peer.sendUnknown({ payload: Buffer.alloc(70_000, 1) }).sendUnknown();
    await rig.peer.roundTrip(rig.theirId);
    assert.is(rig.peer.heard.length, 2, "Hello and Pong are all that was said");
    rig.peer.destroy();
  });

  test(`a ${role} takes an unknown reply for the failure of its request, and says nothing`, async () => {
    const rig = await openRig(role);
    const asked = codeOf(rig.connection.request({ type: "getPeers", contentId: ID, max: 3 }));
    const { id } = await rig.peer.expect("getPeers");
    rig.peer.sendUnknown({ id, payload: Buffer.alloc(100, 1) });
    assert.is(await asked, "PEER_REFUSED");
    await rig.peer.roundTrip(rig.theirId);
    assert.is(rig.peer.heard.length, 3, "Hello, the request and Pong are all that was said");
    rig.peer.destroy();
  });

  test(`a ${role} refuses what is more than it said it would take, and goes on`, async () => {
    const rig = await openRig(role, { connection: { maxRequestsInFlight: 3 } });
    const ids = [0, 1, 2, 3, 4].map((count) => rig.theirId + 2 * count);
    for (const id of ids) rig.peer.send({ case: "getPeers", value: { contentId, max: 1 } }, { id });
    const refused = [await rig.peer.expect("refusal"), await rig.peer.expect("refusal")];
    assert.equal(
      refused.map(({ id, value }) => [id, value.reason]),
      ids.slice(3).map((id) => [id, RefusalReason.LIMIT_EXCEEDED]),
    );
    assert.equal(
      rig.handler.requests.map(({ id }) => id),
      ids.slice(0, 3),
    );
    rig.connection.reply(rig.theirId, { type: "peerList", peers: [] });
    await rig.peer.expect("peerList");
    await rig.peer.roundTrip(rig.theirId + 10);
    rig.peer.destroy();
  });

  test(`a ${role} passes on a Cancel of an open request, and ignores any other`, async () => {
    const rig = await openRig(role);
    const { theirId, peer } = rig;
    peer.send({ case: "getChunk", value: { contentId, chunkIndex: 0 } }, { id: theirId });
    for (const id of [0, theirId + 2, rig.ourId, theirId]) peer.send({ case: "cancel", value: {} }, { id });
    await peer.roundTrip(theirId + 4);
    assert.equal(rig.handler.cancelledIds, [theirId]);
    rig.connection.refuse(theirId, "cancelled");
    assert.is((await peer.expect("refusal")).value.reason, RefusalReason.CANCELLED);
    peer.send({ case: "cancel", value: {} }, { id: theirId });
    await peer.roundTrip(theirId + 6);
    assert.equal(rig.handler.cancelledIds, [theirId]);
    peer.destroy();
  });

  test(`a ${role} hands on notices in their order`, async () => {
    const rig = await openRig(role);
    rig.peer
      .send({ case: "availabilityUpdate", value: { contentId, gained: [1, 2], lost: [3] } })
      .send({ case: "pullWindow", value: { contentId, requests: 16 } })
      .send({ case: "offer", value: { offerId: 1, contentId, chunks: [4], deadlineMs: 50 } })
      .send({ case: "decline", value: { offerId: 1, reason: 1 } })
      .send({ case: "leave", value: { contentId } });
    await rig.peer.roundTrip(rig.theirId);
    assert.equal(rig.handler.notices, [
      { type: "availabilityUpdate", contentId: ID, gained: [1, 2], lost: [3] },
      { type: "pullWindow", contentId: ID, requests: 16, rateLimited: false },
      { type: "offer", offerId: 1, contentId: ID, chunks: [4], deadlineMs: 50 },
      { type: "decline", offerId: 1, reason: "notNeeded", retryAfterMs: 0 },
      { type: "leave", contentId: ID },
    ]);
    rig.peer.destroy();
  });

  test(`a ${role} hangs up on notices with an id, and on payload where there is none`, async () => {
    const one = Buffer.alloc(1);
    const frames: ((rig: Rig) => Buffer)[] = [
      () => frameBytes({ case: "leave", value: { contentId } }, { id: 2 }),
      () => frameBytes({ case: "leave", value: { contentId } }, { payload: one }),
      () => frameBytes({ case: "goodbye", value: {} }, { id: 1 }),
      () => frameBytes({ case: "cancel", value: {} }, { id: 1, payload: one }),
      ({ theirId: id }) => frameBytes(PING, { id, payload: one }),
      ({ theirId: id }) => frameBytes({ case: "getManifest", value: { contentId } }, { id, payload: one }),
      ({ theirId: id }) => frameBytes({ case: "getChunk", value: { contentId } }, { id, payload: one }),
    ];
    for (const [index, bytesOf] of frames.entries()) {
      const rig = await openRig(role);
      rig.peer.sendBytes(bytesOf(rig));
      await assertViolation(rig, `frame ${index}`);
    }
  });

  test(`a ${role} takes a Join with exactly the bitfield that its manifest asks for`, async () => {
    const rig = await openRig(role);
    rig.handler.bitfieldLength = 3;
    rig.handler.onRequest = (id) => rig.connection.refuse(id, "contentUnknown");
    const join = { contentId, coverage: Coverage.BITFIELD };
    const payload = Buffer.from([1, 2, 0xf0]);
    rig.peer.send({ case: "join", value: join }, { id: rig.theirId, payload });
    await rig.peer.expect("refusal");
    const joined = rig.handler.requests[0];
    assert.equal(joined?.request, { type: "join", contentId: ID, coverage: "bitfield" });
    assert.equal(Buffer.from(joined?.payload ?? []), payload);

    rig.handler.bitfieldLength = undefined;
    rig.peer.send({ case: "join", value: join }, { id: rig.theirId + 2, payload: Buffer.alloc(100_000) });
    await rig.peer.expect("refusal");
    assert.is(rig.handler.requests[1]?.payload.byteLength, 0, "of an unknown content it is dropped");
    rig.peer.destroy();
  });

  test(`a ${role} hangs up on a Join whose payload does not fit its coverage`, async () => {
    const cases: [Coverage, number, number | undefined][] = [
      [Coverage.BITFIELD, 2, 3],
      [Coverage.BITFIELD, 4, 3],
      [Coverage.BITFIELD, 0, 3],
      [Coverage.COMPLETE, 3, 3],
      [Coverage.NONE, 1, 3],
      [Coverage.NONE, 1, undefined],
      [Coverage.BITFIELD, 2 ** 21 + 1, undefined],
    ];
    for (const [coverage, bytes, length] of cases) {
      const rig = await openRig(role);
      rig.handler.bitfieldLength = length;
      rig.peer.send(
        { case: "join", value: { contentId, coverage } },
        { id: rig.theirId, payload: Buffer.alloc(bytes) },
      );
      await assertViolation(rig, `coverage ${coverage}, ${bytes} bytes where ${length} are due`);
    }
  });
}

test.after(destroyScripted);
test.run();
