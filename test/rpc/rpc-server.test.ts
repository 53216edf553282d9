import { EventEmitter, once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { MIB } from "../../src/core/units.js";
import { unary } from "../../src/rpc/adapter.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";
import { failure, HOST, LIMITS, type Rig, SERVER_OPTIONS, withRig } from "./rig.js";

const { getTrackerInfo, getManifest } = TrackerService.method;

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

test("a message that would be cut in the middle of a character is sent, and the server lives", async () => {
  // With 499 characters before it, the limit of 500 falls between the halves of the last.
  const refuse = unary(getManifest, async () => {
    throw new RpcError("INVALID_ARGUMENT", `${"x".repeat(499)}\u{1f4a9}`);
  });
  await withRig({ getManifest: refuse }, async ({ client, unexpected }) => {
    const { status, message } = await failure(client.call(getManifest, {}, LIMITS));
    assert.is(status, "INVALID_ARGUMENT");
    assert.is(message, "x".repeat(499));
    await client.call(getTrackerInfo, {}, LIMITS);
    assert.equal(unexpected, []);
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

test("a call that was answered before its request ended never reaches its handler", async () => {
  let calls = 0;
  const counted = unary(getManifest, async () => {
    calls += 1;
    return {};
  });
  const use = async ({ client, port }: Rig): Promise<void> => {
    const session = connectHttp2(`http://${HOST}:${port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/goshare.v1.TrackerService/GetManifest",
      "content-type": "application/grpc",
    });
    stream.write(Buffer.alloc(5)); // all of the message, but not the end of the request
    const [headers] = await once(stream, "response");
    assert.is(headers["grpc-status"], "4");
    // The server closes the stream, which ends what it reads.
    await once(stream.resume(), "close");
    await client.call(getTrackerInfo, {}, LIMITS);
    assert.is(calls, 0);
    session.destroy();
  };
  await withRig({ getManifest: counted }, use, { requestTimeoutMs: 1 });
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

const refusing = {
  refusal: () => ({ message: "not now", retryAfterMs: 1_000, hangUp: false }),
};
for (const [what, watch] of [
  ["a message that is too large", {}],
  ["a call that is refused", refusing],
] as const) {
  test(`${what} is not read any further than it was when its sender was told`, async () => {
    await withRig(
      {},
      async ({ port }) => {
        const session = connectHttp2(`http://${HOST}:${port}`, { maxSessionMemory: 100 });
        const stream = session.request({
          ":method": "POST",
          ":path": "/goshare.v1.TrackerService/GetTrackerInfo",
          "content-type": "application/grpc",
        });
        const message = Buffer.alloc(16 * MIB);
        message.writeUInt32BE(message.length - 5, 1);
        stream.on("error", () => {}).end(message);
        const [headers] = await once(stream, "response");
        assert.is(headers["grpc-status"], "8");
        await once(stream.resume(), "close");
        assert.is(stream.rstCode, constants.NGHTTP2_NO_ERROR);
        assert.ok(session.socket.bytesWritten < MIB, `${session.socket.bytesWritten}`);
        session.destroy();
      },
      {},
      watch,
    );
  });
}

test.run();
