import { EventEmitter, once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { type CallContext, type RpcMethod, unary } from "../../src/rpc/adapter.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import {
  CLIENT_OPTIONS,
  failure,
  HOST,
  LIMITS,
  listening,
  methods,
  type Rig,
  SERVER_OPTIONS,
  statusOf,
  withRig,
} from "./rig.js";

const { getTrackerInfo, getManifest } = TrackerService.method;

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

test("a client knows the address that answered it", async () => {
  await withRig({}, async ({ client, port }) => {
    assert.is(client.peerHost, undefined);
    await client.call(getTrackerInfo, {}, LIMITS);
    assert.is(client.peerHost, HOST);
    const byName = new UnaryClient(TrackerService, "localhost", port, CLIENT_OPTIONS);
    await byName.call(getTrackerInfo, {}, LIMITS);
    assert.is(byName.peerHost, HOST);
    await byName.close();
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

test("what is over a limit is not sent again, since it will never be served", async () => {
  const statuses: string[] = [];
  const large = unary(getTrackerInfo, async () => ({ agent: "a".repeat(SERVER_OPTIONS.maxResponseBytes) }));
  const echo = unary(getManifest, async () => ({}));
  const contentId = new Uint8Array(SERVER_OPTIONS.maxRequestBytes);
  await withRig(
    { getManifest: echo, getTrackerInfo: large },
    async ({ client }) => {
      const calls = [
        () => client.call(getManifest, { contentId }, LIMITS),
        () => client.call(getTrackerInfo, {}, LIMITS),
      ];
      for (const call of calls) {
        const error = await failure(call());
        assert.equal([error.status, error.retryAfterMs], ["RESOURCE_EXHAUSTED", -1]);
      }
    },
    {},
    { ended: ({ status }) => statuses.push(status) },
  );
  assert.equal(statuses, ["RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"]);
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
  const forbidden = unary(getManifest, async () => {
    calls += 1;
    throw new RpcError("PERMISSION_DENIED", "no");
  });
  await withRig({ getManifest: forbidden }, async ({ client }) => {
    assert.is(await statusOf(client.call(getManifest, {}, LIMITS)), "PERMISSION_DENIED");
    assert.is(calls, 1);
  });
});

test("who is asked to wait waits that long, then tries again", async () => {
  const calledAtMs: number[] = [];
  const busy = unary(getManifest, async () => {
    calledAtMs.push(performance.now());
    if (calledAtMs.length < 3) throw new RpcError("RESOURCE_EXHAUSTED", "busy", undefined, 300);
    return { manifest: Buffer.from("done") };
  });
  await withRig({ getManifest: busy }, async ({ client }) => {
    const { manifest } = await client.call(getManifest, {}, LIMITS);
    assert.is(Buffer.from(manifest).toString(), "done");
    const [first = 0, second = 0, third = 0] = calledAtMs;
    assert.ok(second - first >= 299, `${second - first} ms`);
    assert.ok(third - second >= 299, `${third - second} ms`);
  });
});

test("who is told not to come again does not, and learns it", async () => {
  let calls = 0;
  const full = unary(getManifest, async () => {
    calls += 1;
    throw new RpcError("RESOURCE_EXHAUSTED", "full", undefined, -1);
  });
  await withRig({ getManifest: full }, async ({ client }) => {
    const error = await failure(client.call(getManifest, {}, LIMITS));
    assert.is(error.status, "RESOURCE_EXHAUSTED");
    assert.is(error.retryAfterMs, -1);
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

test.run();
