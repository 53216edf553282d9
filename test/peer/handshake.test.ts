// Hello, in both roles: proto/goshare/v1/peer.proto, "Order of a conversation" and Hello.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason } from "../../gen/goshare/v1/peer_pb.js";
import { destroyScripted, frameBytes, helloBody } from "../support/scripted-peer.js";
import { codeOf, connect, openRig } from "./rig.js";

const ROLES = ["dialler", "listener"] as const;
const NONCE = "0123456789abcdef";

test("a dialler speaks first, and is open when the listener has answered", async () => {
  const rig = await connect("dialler", { local: { agent: "me/2", listenPort: () => 1234 } });
  const { id, value, payload } = await rig.peer.expect("hello");
  assert.is(id, 0);
  assert.is(payload.byteLength, 0);
  assert.is(value.agent, "me/2");
  assert.is(value.listenPort, 1234);
  assert.equal([value.protocolMin, value.protocolMax], [1, 1]);
  assert.is(value.peerId.byteLength, 32);
  assert.ok(value.nonce.byteLength >= 8 && value.nonce.byteLength <= 32);
  assert.ok(value.maxRequestsInFlight >= 1);
  assert.is(value.probe, false);
  assert.not(rig.connection.isOpen);
  rig.peer.sendHello({ agent: "you/3", listenPort: 77, features: ["offers"] });
  await rig.opened;
  assert.ok(rig.connection.isOpen);
  const { agent, listenPort, features, peerId } = rig.connection.remote;
  assert.equal([agent, listenPort, features], ["you/3", 77, ["offers"]]);
  assert.is(peerId, "5c".repeat(32));
  rig.peer.destroy();
});

test("a listener says nothing until it has heard a Hello", async () => {
  const rig = await connect("listener");
  rig.peer.sendBytes(frameBytes(helloBody()).subarray(0, 20));
  assert.is(rig.peer.heard.length, 0);
  rig.peer.sendBytes(frameBytes(helloBody()).subarray(20));
  await rig.peer.expect("hello");
  await rig.opened;
  assert.is(rig.peer.heard.length, 1);
  rig.peer.destroy();
});

for (const role of ROLES) {
  test(`a ${role} speaks version 1 with a peer that also speaks later ones`, async () => {
    const rig = await connect(role);
    rig.peer.sendHello({ protocolMin: 1, protocolMax: 9 });
    await rig.opened;
    rig.peer.destroy();
  });

  test(`a ${role} says goodbye to a peer that speaks later versions only`, async () => {
    const rig = await connect(role);
    rig.peer.sendHello({ protocolMin: 2, protocolMax: 3 });
    assert.is(await codeOf(rig.opened), "NEWER_FORMAT");
    const { value } = await rig.peer.skipTo("goodbye");
    assert.is(value.reason, GoodbyeReason.VERSION);
    assert.is(await rig.peer.ended(), "fin");
    assert.is(rig.handler.ends, 0);
    rig.peer.destroy();
  });

  test(`a ${role} that hears Goodbye(VERSION) says that versions differ`, async () => {
    const rig = await connect(role);
    rig.peer.send({ case: "goodbye", value: { reason: GoodbyeReason.VERSION } });
    assert.is(await codeOf(rig.opened), "NEWER_FORMAT");
    rig.peer.destroy();
  });

  test(`a ${role} that hears another Goodbye instead of Hello was hung up`, async () => {
    const rig = await connect(role);
    rig.peer.send({ case: "goodbye", value: { reason: GoodbyeReason.TOO_MANY_CONNECTIONS } });
    assert.is(await codeOf(rig.opened), "PEER_CLOSED");
    rig.peer.destroy();
  });

  test(`a ${role} that hears its own nonce hangs up on itself`, async () => {
    const rig = await connect(role, { local: { nonce: NONCE } });
    rig.peer.sendHello({ nonce: Buffer.from(NONCE, "hex") });
    assert.is(await codeOf(rig.opened), "PEER_SELF");
    const { value } = await rig.peer.skipTo("goodbye");
    assert.is(value.reason, GoodbyeReason.SELF);
    rig.peer.destroy();
  });

  test(`a ${role} gives up on a peer that does not say Hello in time`, async () => {
    const rig = await connect(role, { connection: { helloTimeoutMs: 10 } });
    rig.clock.move(10);
    assert.is(await codeOf(rig.opened), "PEER_UNREACHABLE");
    rig.peer.destroy();
  });

  test(`a ${role} gives up on a peer that says Hello too slowly`, async () => {
    const rig = await connect(role, { connection: { helloTimeoutMs: 10 } });
    const hello = frameBytes(helloBody());
    let sent = 0;
    const dripping = setInterval(() => {
      if (sent === hello.byteLength - 1) return;
      rig.peer.sendBytes(hello.subarray(sent, ++sent));
      rig.clock.move(1);
    }, 2);
    assert.is(await codeOf(rig.opened), "PEER_UNREACHABLE");
    clearInterval(dripping);
    rig.peer.destroy();
  });

  test(`a ${role} hangs up on a second Hello`, async () => {
    const rig = await openRig(role);
    rig.peer.sendHello();
    assert.is((await rig.handler.end())?.code, "PEER_PROTOCOL");
    assert.is((await rig.peer.expect("goodbye")).value.reason, GoodbyeReason.PROTOCOL_ERROR);
    assert.is(await rig.peer.ended(), "fin");
    rig.peer.destroy();
  });

  test(`a ${role} hangs up on whatever comes before Hello`, async () => {
    const early = [
      (id: number) => frameBytes({ case: "ping", value: {} }, { id }),
      () => frameBytes({ case: "cancel", value: {} }, { id: 7 }),
      () => frameBytes({ case: "leave", value: { contentId: Buffer.alloc(32) } }),
      () => frameBytes({ case: "pong", value: {} }, { id: 1 }),
      () => Buffer.from("000000060004a2380155", "hex"),
    ];
    for (const bytesOf of early) {
      const rig = await connect(role);
      rig.peer.sendBytes(bytesOf(rig.theirId));
      assert.is(await codeOf(rig.opened), "PEER_PROTOCOL");
      assert.is((await rig.peer.skipTo("goodbye")).value.reason, GoodbyeReason.PROTOCOL_ERROR);
      rig.peer.destroy();
    }
  });

  test(`a ${role} hangs up on a Hello with payload or with a request id`, async () => {
    for (const parts of [{ payload: Buffer.alloc(1) }, { id: 1 }]) {
      const rig = await connect(role);
      rig.peer.send(helloBody(), parts);
      assert.is(await codeOf(rig.opened), "PEER_PROTOCOL");
      rig.peer.destroy();
    }
  });

  test(`a ${role} is told when the other side hangs up without a word`, async () => {
    const rig = await connect(role);
    rig.peer.fin();
    assert.is(await codeOf(rig.opened), "PEER_CLOSED");
    rig.peer.destroy();
  });
}

test("a probe is answered with Hello, then both close, and nobody owns the connection", async () => {
  const rig = await connect("listener");
  await rig.peer.greet({ probe: true });
  assert.is((await rig.peer.expect("goodbye")).value.reason, GoodbyeReason.FINISHED);
  assert.is(await rig.peer.ended(), "fin");
  assert.is(await codeOf(rig.opened), "PEER_CLOSED");
  assert.equal(rig.handler.requests, []);
  rig.peer.destroy();
});

test.after(destroyScripted);
test.run();
