// Server and client of src/rpc over real sockets, on the tracker's descriptor because it is the one there is.
import { EventEmitter, once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer, type Server, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { type CallContext, type RpcMethod, type RpcMethods, unary } from "../../src/rpc/adapter.js";
import { RpcError, type RpcStatus } from "../../src/rpc/rpc-error.js";
import { RpcServer, type RpcServerOptions } from "../../src/rpc/rpc-server.js";
import { UnaryClient, type UnaryClientOptions } from "../../src/rpc/unary-client.js";

const HOST = "127.0.0.1";
const { getTrackerInfo, getManifest } = TrackerService.method;

const SERVER_OPTIONS: RpcServerOptions = {
  maxRequestBytes: 64 * 1024,
  maxResponseBytes: 64 * 1024,
  maxRequestFields: 100,
  maxConnections: 10,
  maxCallsPerConnection: 16,
  requestTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  connectionAgeMs: 60_000,
  connectionAgeGraceMs: 30_000,
  shutdownGraceMs: 5_000,
};

const CLIENT_OPTIONS: UnaryClientOptions = {
  maxRequestBytes: 1024 * 1024,
  maxResponseBytes: 64 * 1024,
  maxResponseFields: 100,
  maxAttempts: 4,
};

const LIMITS = { deadlineMs: 20_000 };

interface Rig {
  readonly server: RpcServer;
  readonly client: UnaryClient;
  readonly port: number;
  readonly unexpected: { error: unknown; where: string }[];
}

type TrackerMethods = RpcMethods<typeof TrackerService>;

/** Every method answers with nothing, but for those in `own`. */
function methods(own: Partial<TrackerMethods>): TrackerMethods {
  const idle = (name: string): RpcMethod => ({ name, invoke: async () => Buffer.alloc(0) });
  return {
    announce: idle("announce"),
    withdraw: idle("withdraw"),
    listPeers: idle("listPeers"),
    getManifest: idle("getManifest"),
    publishManifest: idle("publishManifest"),
    getTrackerInfo: idle("getTrackerInfo"),
    ...own,
  };
}

async function withRig(
  own: Partial<TrackerMethods>,
  use: (rig: Rig) => Promise<void>,
  options: Partial<RpcServerOptions> = {},
): Promise<void> {
  const unexpected: Rig["unexpected"] = [];
  const server = new RpcServer({ ...SERVER_OPTIONS, ...options }, (error, where) =>
    unexpected.push({ error, where }),
  );
  server.addService(TrackerService, methods(own));
  const { port } = await server.listen(HOST, 0);
  const client = new UnaryClient(TrackerService, HOST, port, CLIENT_OPTIONS);
  try {
    await use({ server, client, port, unexpected });
  } finally {
    await client.close();
    await server.close();
  }
}

async function failure(promise: Promise<unknown>): Promise<RpcError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

async function statusOf(promise: Promise<unknown>): Promise<RpcStatus> {
  return (await failure(promise)).status;
}

async function listening(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test("a call brings the request to the handler and its answer back", async () => {
  const echo = unary(getManifest, async ({ contentId }) => ({ manifest: contentId }));
  await withRig({ getManifest: echo }, async ({ client }) => {
    const { manifest } = await client.call(getManifest, { contentId: Buffer.from("chunk") }, LIMITS);
    assert.is(Buffer.from(manifest).toString(), "chunk");
  });
});

test("a handler sees who called, and at which of our addresses", async () => {
  let seen: Partial<CallContext> & { aborted?: boolean } = {};
  const info = unary(getTrackerInfo, async (_request, { peerHost, localHost, signal }) => {
    seen = { peerHost, localHost, aborted: signal.aborted };
    return {};
  });
  await withRig({ getTrackerInfo: info }, async ({ client }) => {
    await client.call(getTrackerInfo, {}, LIMITS);
    assert.equal(seen, { peerHost: HOST, localHost: HOST, aborted: false });
  });
});

test("an RpcError of a handler reaches the caller with its status and message", async () => {
  const deny = unary(getManifest, async () => {
    throw new RpcError("NOT_FOUND", "no manifest of 01ab");
  });
  await withRig({ getManifest: deny }, async ({ client, unexpected }) => {
    const error = await failure(client.call(getManifest, {}, LIMITS));
    assert.is(error.status, "NOT_FOUND");
    assert.is(error.message, "no manifest of 01ab");
    assert.is(unexpected.length, 0);
  });
});

test("anything else a handler throws is INTERNAL: the owner learns what, the caller does not", async () => {
  const crash = unary(getManifest, async () => {
    throw new Error("password is swordfish");
  });
  await withRig({ getManifest: crash }, async ({ client, unexpected }) => {
    const error = await failure(client.call(getManifest, {}, LIMITS));
    assert.is(error.status, "INTERNAL");
    assert.not.match(error.message, "swordfish");
    assert.is(unexpected.length, 1);
    assert.match(String(unexpected[0]?.error), "swordfish");
    assert.is(unexpected[0]?.where, "TrackerService.getManifest");
    await client.call(getTrackerInfo, {}, LIMITS);
  });
});

test("a request that does not decode is INVALID_ARGUMENT", async () => {
  const info = unary(getTrackerInfo, async () => ({}));
  await withRig({ getTrackerInfo: info }, async ({ port }) => {
    const grpc = await import("@grpc/grpc-js");
    const raw = new grpc.Client(`${HOST}:${port}`, grpc.credentials.createInsecure());
    const path = "/goshare.v1.TrackerService/GetTrackerInfo";
    const code = await new Promise((resolve) => {
      const asIs = (bytes: Buffer): Buffer => bytes;
      raw.makeUnaryRequest(path, asIs, asIs, Buffer.from([0x0a, 0xff]), (error) => resolve(error?.code));
    });
    assert.is(code, grpc.status.INVALID_ARGUMENT);
    raw.close();
  });
});

test("an answer that does not decode is DATA_LOSS", async () => {
  const rubbish: RpcMethod = { name: "getTrackerInfo", invoke: async () => Buffer.from([0x0a, 0xff]) };
  await withRig({ getTrackerInfo: rubbish }, async ({ client }) => {
    assert.is(await statusOf(client.call(getTrackerInfo, {}, LIMITS)), "DATA_LOSS");
  });
});

test("a request over the limit is refused with RESOURCE_EXHAUSTED, and the connection goes on", async () => {
  const echo = unary(getManifest, async () => ({}));
  await withRig({ getManifest: echo }, async ({ client }) => {
    const contentId = new Uint8Array(SERVER_OPTIONS.maxRequestBytes);
    assert.is(await statusOf(client.call(getManifest, { contentId }, LIMITS)), "RESOURCE_EXHAUSTED");
    await client.call(getManifest, {}, LIMITS);
  });
});

test("an answer over the limit is refused by the server and by the client", async () => {
  const large = unary(getManifest, async () => ({ manifest: new Uint8Array(100 * 1024) }));
  await withRig({ getManifest: large }, async ({ client }) => {
    assert.is(await statusOf(client.call(getManifest, {}, LIMITS)), "RESOURCE_EXHAUSTED");
  });
  const use = async ({ client }: Rig): Promise<void> => {
    assert.is(await statusOf(client.call(getManifest, {}, LIMITS)), "RESOURCE_EXHAUSTED");
  };
  await withRig({ getManifest: large }, use, { maxResponseBytes: 1024 * 1024 });
});

test("a method nobody serves is UNIMPLEMENTED", async () => {
  await withRig({}, async ({ client }) => {
    const unknown = { ...getTrackerInfo, name: "Nonsense" };
    assert.is(await statusOf(client.call(unknown, {}, LIMITS)), "UNIMPLEMENTED");
  });
});

test("a service with a handler missing cannot be added", () => {
  const server = new RpcServer(SERVER_OPTIONS, () => {});
  const twice = methods({ withdraw: unary(getManifest, async () => ({})) });
  assert.throws(() => server.addService(TrackerService, twice), /withdraw has no handler/);
});

test("a call ends at its deadline, and the handler's signal is aborted", async () => {
  const handler = new EventEmitter();
  const aborted = once(handler, "aborted");
  const never = unary(getManifest, (_request, { signal }) => {
    signal.addEventListener("abort", () => handler.emit("aborted"));
    return new Promise(() => {});
  });
  await withRig({ getManifest: never }, async ({ client }) => {
    assert.is(await statusOf(client.call(getManifest, {}, { deadlineMs: 50 })), "DEADLINE_EXCEEDED");
    await aborted;
  });
});

test("aborting a call rejects it with the signal's reason and tells the handler", async () => {
  const handler = new EventEmitter();
  const began = once(handler, "began");
  const aborted = once(handler, "aborted");
  const never = unary(getManifest, (_request, { signal }) => {
    signal.addEventListener("abort", () => handler.emit("aborted"));
    handler.emit("began");
    return new Promise(() => {});
  });
  await withRig({ getManifest: never }, async ({ client }) => {
    const controller = new AbortController();
    const call = client.call(getManifest, {}, { ...LIMITS, signal: controller.signal });
    await began;
    const reason = new Error("enough");
    controller.abort(reason);
    assert.is(await call.catch((error: unknown) => error), reason);
    await aborted;
    assert.is(
      await client.call(getManifest, {}, { ...LIMITS, signal: controller.signal }).catch((e) => e),
      reason,
    );
  });
});

test("UNAVAILABLE is tried again, as often as allowed", async () => {
  let calls = 0;
  const flaky = unary(getManifest, async () => {
    calls += 1;
    if (calls < CLIENT_OPTIONS.maxAttempts) throw new RpcError("UNAVAILABLE", "later");
    return {};
  });
  await withRig({ getManifest: flaky }, async ({ client }) => {
    await client.call(getManifest, {}, LIMITS);
    assert.is(calls, CLIENT_OPTIONS.maxAttempts);
  });
});

test("other failures are not tried again", async () => {
  let calls = 0;
  const full = unary(getManifest, async () => {
    calls += 1;
    throw new RpcError("RESOURCE_EXHAUSTED", "full");
  });
  await withRig({ getManifest: full }, async ({ client }) => {
    assert.is(await statusOf(client.call(getManifest, {}, LIMITS)), "RESOURCE_EXHAUSTED");
    assert.is(calls, 1);
  });
});

test("a closed client refuses calls", async () => {
  await withRig({}, async ({ client }) => {
    await client.close();
    assert.is(await statusOf(client.call(getTrackerInfo, {}, LIMITS)), "CANCELLED");
  });
});

test("nobody listening is UNAVAILABLE", async () => {
  const server = createServer();
  const port = await listening(server);
  server.close();
  const client = new UnaryClient(TrackerService, HOST, port, { ...CLIENT_OPTIONS, maxAttempts: 1 });
  assert.is(await statusOf(client.call(getTrackerInfo, {}, LIMITS)), "UNAVAILABLE");
  await client.close();
});

test("a server that accepts and never answers is DEADLINE_EXCEEDED", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => {})));
  const client = new UnaryClient(TrackerService, HOST, await listening(server), CLIENT_OPTIONS);
  assert.is(await statusOf(client.call(getTrackerInfo, {}, { deadlineMs: 100 })), "DEADLINE_EXCEEDED");
  await client.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("a web server of the old kind is UNAVAILABLE", async () => {
  const server = createHttpServer((_request, response) => response.end("hello"));
  const client = new UnaryClient(TrackerService, HOST, await listening(server), {
    ...CLIENT_OPTIONS,
    maxAttempts: 1,
  });
  assert.is(await statusOf(client.call(getTrackerInfo, {}, LIMITS)), "UNAVAILABLE");
  await client.close();
  server.closeAllConnections();
  server.close();
});

test("a port that is taken rejects with the system's error, and another may be tried", async () => {
  await withRig({}, async ({ port }) => {
    const second = new RpcServer(SERVER_OPTIONS, () => {});
    const error = await second.listen(HOST, port).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof Error && "code" in error && error.code === "EADDRINUSE");
    assert.not.equal((await second.listen(HOST, 0)).port, port);
    await second.close();
  });
});

test("connections beyond the limit are closed, and what is there is served", async () => {
  await withRig(
    {},
    async ({ client, port }) => {
      await client.call(getTrackerInfo, {}, LIMITS);
      const extra = connect(port, HOST);
      await once(extra, "close");
      await client.call(getTrackerInfo, {}, LIMITS);
    },
    { maxConnections: 1 },
  );
});

test("what is no HTTP/2 at all does no harm", async () => {
  await withRig({}, async ({ client, port, unexpected }) => {
    for (const bytes of [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01",
      "\0".repeat(5000),
    ]) {
      const socket = connect(port, HOST).on("error", () => {});
      socket.resume().write(bytes, "latin1");
      await once(socket, "close");
    }
    await client.call(getTrackerInfo, {}, LIMITS);
    assert.is(unexpected.length, 0);
  });
});

test("a request that does not arrive in full is ended after its time", async () => {
  const use = async ({ port }: Rig): Promise<void> => {
    const session = connectHttp2(`http://${HOST}:${port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/goshare.v1.TrackerService/GetTrackerInfo",
      "content-type": "application/grpc",
    });
    stream.write(Buffer.from([0, 0, 0, 0, 9, 1])); // 9 bytes are promised, 1 comes
    const [headers] = await once(stream, "response");
    assert.is(headers["grpc-status"], "4");
    session.destroy();
  };
  await withRig({}, use, { requestTimeoutMs: 1 });
});

test("a connection that does not answer pings is dropped, whether it speaks HTTP/2 or nothing", async () => {
  const use = async ({ port }: Rig): Promise<void> => {
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (const hello of ["", preface]) {
      const socket = connect(port, HOST).on("error", () => {});
      socket.resume();
      if (hello !== "") socket.write(hello, "latin1");
      await once(socket, "close");
    }
  };
  await withRig({}, use, { keepaliveMs: 10, keepaliveTimeoutMs: 10 });
});

test("closing lets a running call end", async () => {
  const handler = new EventEmitter();
  const began = once(handler, "began");
  const slow = unary(getManifest, async () => {
    const go = once(handler, "go");
    handler.emit("began");
    await go;
    return { manifest: Buffer.from("done") };
  });
  await withRig({ getManifest: slow }, async ({ server, client }) => {
    const call = client.call(getManifest, {}, LIMITS);
    await began;
    const closed = server.close();
    handler.emit("go");
    assert.is(Buffer.from((await call).manifest).toString(), "done");
    await closed;
  });
});

test("closing ends calls and connections that do not end by themselves", async () => {
  const handler = new EventEmitter();
  const began = once(handler, "began");
  const never = unary(getManifest, () => {
    handler.emit("began");
    return new Promise(() => {});
  });
  const use = async ({ server, client, port }: Rig): Promise<void> => {
    const silent = connect(port, HOST).on("error", () => {});
    const ended = once(silent.resume(), "close");
    const call = failure(client.call(getManifest, {}, { deadlineMs: 60_000 }));
    await began;
    await server.close();
    await ended;
    assert.is.not((await call).status, "DEADLINE_EXCEEDED");
  };
  await withRig({ getManifest: never }, use, { shutdownGraceMs: 10 });
});

test.run();
