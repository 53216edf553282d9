// The listener on real ports of loopback.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import * as net from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoodbyeReason } from "../../gen/goshare/v1/peer_pb.js";
import { KIB, MIB } from "../../src/core/units.js";
import { FrameReader } from "../../src/peer/frame.js";
import { PeerListener } from "../../src/peer/listener.js";
import {
  type ConnectionOptions,
  defaultConnectionOptions,
  defaultListenerOptions,
} from "../../src/peer/options.js";
import { PeerSocket } from "../../src/peer/peer-socket.js";
import { destroyScripted, ScriptedPeer, unknownFrame } from "../support/scripted-peer.js";
import { codeOf, localPeer, RecordingHandler } from "./rig.js";

const QUICK: ConnectionOptions = { ...defaultConnectionOptions, closeTimeoutMs: 50 };
/** What is open: an assertion that fails leaves it open, and it would keep the process from ending. */
const open = new Set<{ close(): void }>();
test.after(() => {
  for (const server of open) server.close();
});

function listen(changes: Partial<typeof defaultListenerOptions> = {}, connectionOptions = QUICK) {
  const handlers: RecordingHandler[] = [];
  const handlerFor = () => {
    const handler = new RecordingHandler();
    handlers.push(handler);
    return handler;
  };
  const options = { ...defaultListenerOptions, port: 0, ...changes };
  const listening = PeerListener.listen(options, localPeer(), connectionOptions, handlerFor);
  return { handlers, listening: listening.then(closedAtLast) };
}

function closedAtLast<T extends { close(): void }>(server: T): T {
  open.add(server);
  return server;
}

/** A port that somebody else listens at, on every address. */
async function takenPort() {
  const server = closedAtLast(net.createServer());
  server.listen({ host: "::", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return { server, port: address.port };
}

test("peers reach a listener by IPv4 and by IPv6, and each gets a handler", async () => {
  const { handlers, listening } = listen();
  const listener = await listening;
  assert.ok(listener.port > 0);
  for (const host of listener.host === "::" ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
    const peer = await ScriptedPeer.dial(listener.port, host);
    await peer.greet();
    await peer.roundTrip(1);
    peer.fin();
    const handler = handlers.at(-1);
    assert.ok(handler !== undefined);
    assert.is(await handler.end(), undefined);
    peer.destroy();
  }
  assert.is(handlers.length, listener.host === "::" ? 2 : 1);
  listener.close();
});

test("a peer is seen under its IPv4 address where it came by IPv4", async () => {
  const hosts: string[] = [];
  const options = { ...defaultListenerOptions, port: 0 };
  const listener = await PeerListener.listen(options, localPeer(), QUICK, (connection) => {
    hosts.push(connection.remoteHost);
    return new RecordingHandler();
  }).then(closedAtLast);
  const peer = await ScriptedPeer.dial(listener.port);
  await peer.greet();
  assert.equal(hosts, ["127.0.0.1"]);
  peer.destroy();
  listener.close();
});

test("a connection that has ended leaves its place to another", async () => {
  const { handlers, listening } = listen({ maxConnections: 1 });
  const listener = await listening;
  for (let time = 0; time < 3; time++) {
    const peer = await ScriptedPeer.dial(listener.port);
    await peer.greet();
    const refused = await ScriptedPeer.dial(listener.port);
    await refused.ended();
    peer.fin();
    await handlers[time]?.end();
    peer.destroy();
    // Its place is free once its socket is closed, which is told later.
    await new Promise(setImmediate);
  }
  assert.is(handlers.length, 3);
  listener.close();
});

/** A server as the listener uses one. */
async function listeningServer() {
  const server = closedAtLast(net.createServer({ allowHalfOpen: true, pauseOnConnect: true }));
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  const { port } = address;
  const accept = async () => {
    const accepted = once(server, "connection");
    const peer = await ScriptedPeer.dial(port);
    const [socket] = await accepted;
    if (!(socket instanceof net.Socket)) throw new Error("a server accepts sockets");
    return { peer, socket };
  };
  return { server, accept };
}

test("what comes over an accepted connection is read to where it stays, and not copied", async () => {
  const { server, accept } = await listeningServer();
  const { peer, socket } = await accept();
  let isComplete: () => void = () => undefined;
  const complete = new Promise<void>((resolve) => {
    isComplete = resolve;
  });
  const place = new Uint8Array(MIB);
  const reader = new FrameReader({
    frameStarted: (_header, payloadBytes) => place.subarray(0, payloadBytes),
    frameEnded: (_header, payload) => {
      if (payload?.byteLength === MIB) isComplete();
    },
  });
  const push = reader.push.bind(reader);
  let copiedBytes = 0;
  reader.push = (bytes) => {
    copiedBytes += bytes.byteLength;
    return push(bytes);
  };
  const connection = PeerSocket.accepted(socket, reader);
  connection.listen(() => undefined);
  const payload = randomBytes(MIB);
  peer.sendHello();
  peer.sendBytes(unknownFrame({ id: 1, payload }));
  await complete;
  assert.ok(payload.equals(place));
  assert.ok(copiedBytes <= 16 * KIB, `${copiedBytes} bytes were copied`);
  assert.is(connection.remoteHost, "127.0.0.1");
  connection.destroy();
  peer.destroy();
  server.close();
  await once(server, "close");
});

/** A connection on which a frame with payload has come for which there is no room. */
async function blockedSide(accept: () => Promise<{ peer: ScriptedPeer; socket: net.Socket }>, id: number) {
  const { peer, socket } = await accept();
  const payload = randomBytes(KIB);
  let isWaiting: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => {
    isWaiting = resolve;
  });
  let isComplete: (payload: Uint8Array | undefined) => void = () => undefined;
  const complete = new Promise<Uint8Array | undefined>((resolve) => {
    isComplete = resolve;
  });
  const reader = new FrameReader({
    frameStarted: (_header, payloadBytes) => {
      if (payloadBytes > 0) setImmediate(isWaiting);
      return "blocked";
    },
    frameEnded: ({ requestId }, got) => {
      if (requestId === id) isComplete(got);
    },
  });
  const connection = PeerSocket.accepted(socket, reader);
  connection.listen(() => undefined);
  peer.sendHello();
  peer.sendBytes(unknownFrame({ id, payload }));
  await waiting;
  return { peer, payload, reader, connection, complete };
}

test("what waits for room on one connection is not lost to what comes on others", async () => {
  const { server, accept } = await listeningServer();
  const sides = [await blockedSide(accept, 1), await blockedSide(accept, 2), await blockedSide(accept, 3)];
  for (const { reader, connection, payload, complete } of sides) {
    reader.unblock(new Uint8Array(KIB));
    connection.resume();
    assert.ok(payload.equals((await complete) ?? new Uint8Array(0)));
  }
  for (const { peer, connection } of sides) {
    connection.destroy();
    peer.destroy();
  }
  server.close();
  await once(server, "close");
});

test("one address gets no more connections than it may, and is told so", async () => {
  const { handlers, listening } = listen({ maxConnectionsPerHost: 1 });
  const listener = await listening;
  const first = await ScriptedPeer.dial(listener.port);
  await first.greet();
  const second = await ScriptedPeer.dial(listener.port);
  second.sendHello();
  const { value } = await second.skipTo("goodbye");
  assert.is(value.reason, GoodbyeReason.TOO_MANY_CONNECTIONS);
  assert.is(handlers.length, 1);
  first.destroy();
  second.destroy();
  await handlers[0]?.end();
  listener.close();
});

test("a port that is taken is exchanged for a free one", async () => {
  const { server, port } = await takenPort();
  const listener = await listen({ port }).listening;
  assert.is.not(listener.port, port);
  const peer = await ScriptedPeer.dial(listener.port);
  await peer.greet();
  peer.destroy();
  listener.close();
  server.close();
});

test("a port that was asked for and is taken is an error", async () => {
  const { server, port } = await takenPort();
  assert.is(await codeOf(listen({ port, fallBackToFreePort: false }).listening), "ADDRESS_IN_USE");
  server.close();
});

test("an address that is not this machine's is an error", async () => {
  assert.is(await codeOf(listen({ host: "192.0.2.1" }).listening), "ADDRESS_IN_USE");
});

test("who says nothing, or nonsense, is hung up and gets no handler; others are served meanwhile", async () => {
  // However slow this machine is, the silent one has no time left only when the others have been dealt with.
  let helloTimeoutMs = QUICK.helloTimeoutMs;
  const options = {
    ...QUICK,
    get helloTimeoutMs() {
      return helloTimeoutMs;
    },
  };
  const { handlers, listening } = listen({}, options);
  const listener = await listening;
  const silent = await ScriptedPeer.dial(listener.port);
  const foreign = await ScriptedPeer.dial(listener.port);
  const polite = await ScriptedPeer.dial(listener.port);
  foreign.sendBytes(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  await polite.greet();
  const goodbye = await foreign.expect("goodbye");
  assert.is(goodbye.value.reason, GoodbyeReason.PROTOCOL_ERROR);
  assert.match(goodbye.value.message, "HTTP");
  assert.is(await foreign.ended(), "fin");
  assert.is(silent.end, undefined);
  helloTimeoutMs = 0;
  assert.is((await silent.expect("goodbye")).value.reason, GoodbyeReason.TIMEOUT);
  await polite.roundTrip(1);
  assert.is(handlers.length, 1);
  for (const peer of [silent, foreign, polite]) peer.destroy();
  listener.close();
});

test("connections beyond the limit are not taken, until one has gone", async () => {
  const { listening } = listen({ maxConnections: 1 });
  const listener = await listening;
  const first = await ScriptedPeer.dial(listener.port);
  await first.greet();
  const second = await ScriptedPeer.dial(listener.port);
  await second.ended();
  first.fin();
  await first.ended();
  first.destroy();
  let third = await ScriptedPeer.dial(listener.port);
  for (;;) {
    third.sendHello();
    const isServed = await third.expect("hello").then(
      () => true,
      () => false,
    );
    if (isServed) break;
    third.destroy();
    third = await ScriptedPeer.dial(listener.port);
  }
  for (const peer of [second, third]) peer.destroy();
  listener.close();
});

test("a listener that is closed takes nobody, and leaves alone whom it has", async () => {
  const { listening } = listen();
  const listener = await listening;
  const peer = await ScriptedPeer.dial(listener.port);
  await peer.greet();
  listener.close();
  assert.is(
    await ScriptedPeer.dial(listener.port).then(
      () => "taken",
      () => "refused",
    ),
    "refused",
  );
  await peer.roundTrip(1);
  peer.destroy();
});

test.after(destroyScripted);
test.run();
