import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { unary } from "../../src/rpc/adapter.js";
import type { EndedCall } from "../../src/rpc/call-watch.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import { until } from "../support/until.js";
import { CLIENT_OPTIONS, failure, HOST, LIMITS, withRig } from "./rig.js";

const { getTrackerInfo, getManifest } = TrackerService.method;
const INFO = "/goshare.v1.TrackerService/GetTrackerInfo";
const MANIFEST = "/goshare.v1.TrackerService/GetManifest";

test("a call that is refused never reaches its handler, and its caller learns when to come back", async () => {
  let calls = 0;
  const counted = unary(getManifest, async () => {
    calls += 1;
    return {};
  });
  let refused = 0;
  const watch = {
    refusal: () => (refused++ < 2 ? { message: "too often", retryAfterMs: 50, hangUp: false } : undefined),
  };
  const use = async ({ client, port }: { client: UnaryClient; port: number }): Promise<void> => {
    const impatient = new UnaryClient(TrackerService, HOST, port, { ...CLIENT_OPTIONS, maxAttempts: 1 });
    const error = await failure(impatient.call(getManifest, {}, LIMITS));
    assert.is(error.status, "RESOURCE_EXHAUSTED");
    assert.is(error.message, "too often");
    assert.is(error.retryAfterMs, 50);
    assert.is(calls, 0);
    await impatient.close();
    await client.call(getManifest, {}, LIMITS); // refused once more, and tried again
    assert.is(calls, 1);
  };
  await withRig({ getManifest: counted }, use, {}, watch);
});

/** Of a kind that HTTP/2 does not know, and skips without a word. */
const UNKNOWN_FRAME = Buffer.concat([Buffer.from([0, 64, 0, 0x77, 0, 0, 0, 0, 0]), Buffer.alloc(64 * 256)]);

test("who floods loses its connections, and is not let in again until it may be", async () => {
  let isFlood = true;
  const watch = {
    mayConnect: () => !isFlood,
    refusal: () => (isFlood ? { message: "flood", retryAfterMs: 1, hangUp: true } : undefined),
  };
  const use = async ({ port }: { port: number }): Promise<void> => {
    const refused = connect(port, HOST).on("error", () => {});
    await once(refused.resume(), "close");
    const client = new UnaryClient(TrackerService, HOST, port, { ...CLIENT_OPTIONS, maxAttempts: 1 });
    assert.is((await failure(client.call(getTrackerInfo, {}, LIMITS))).status, "UNAVAILABLE");
    isFlood = false;
    await client.close();
    const later = new UnaryClient(TrackerService, HOST, port, CLIENT_OPTIONS);
    await later.call(getTrackerInfo, {}, LIMITS);
    const session = connectHttp2(`http://${HOST}:${port}`).on("error", () => {});
    await once(session, "connect");
    isFlood = true;
    const stream = session.request({ ":method": "POST", ":path": INFO, "content-type": "application/grpc" });
    stream.on("error", () => {});
    await once(session, "close");
    await later.close();
  };
  await withRig({}, use, {}, watch);
});

test("what a connection brings is counted, whatever it is, and who brings too much is hung up on", async () => {
  let bytes = 0;
  const watch = {
    brought: (host: string, more: number) => {
      assert.is(host, HOST);
      bytes += more;
      return bytes > UNKNOWN_FRAME.length;
    },
  };
  const use = async ({ port }: { port: number }): Promise<void> => {
    const socket = connect(port, HOST);
    const session = connectHttp2(`http://${HOST}:${port}`, { createConnection: () => socket });
    session.on("error", () => {});
    session.once("remoteSettings", () => socket.write(UNKNOWN_FRAME));
    await once(session, "close");
  };
  await withRig({}, use, {}, watch);
});

test("every call is told of when it has ended, with its method and how it went", async () => {
  const told: string[] = [];
  const broken = unary(getManifest, async () => {
    throw new RpcError("NOT_FOUND", "no");
  });
  const watch = {
    ended: ({ path, host, status, durationMs }: EndedCall) => {
      assert.ok(durationMs >= 0 && durationMs < 60_000);
      assert.is(host, HOST);
      told.push(`${path} ${status}`);
    },
  };
  const use = async ({ client }: { client: UnaryClient }): Promise<void> => {
    await client.call(getTrackerInfo, {}, LIMITS);
    await failure(client.call(getManifest, {}, LIMITS));
    await until(() => told.length === 2);
    assert.equal(told, [`${INFO} OK`, `${MANIFEST} NOT_FOUND`]);
  };
  await withRig({ getManifest: broken }, use, {}, watch);
});

test("what no method serves is asked about and told of too, and ended whatever else it would send", async () => {
  let asked = 0;
  const told: string[] = [];
  const watch = {
    refusal: () => {
      asked += 1;
      return undefined;
    },
    ended: ({ path, host, status }: EndedCall) => void told.push(`${path} ${host} ${status}`),
  };
  const use = async ({ client, port }: { client: UnaryClient; port: number }): Promise<void> => {
    const { status, message } = await failure(
      client.callBytes("/none.Service/None", Buffer.alloc(9), LIMITS),
    );
    assert.is(status, "UNIMPLEMENTED");
    assert.match(message, "/none.Service/None");
    const session = connectHttp2(`http://${HOST}:${port}`);
    const stream = session.request({ ":method": "POST", ":path": INFO }); // whose type is not said
    const answered = once(stream, "response");
    await once(stream.resume(), "close");
    const [headers] = await answered;
    assert.is(headers[":status"], 415);
    session.destroy();
    assert.is(asked, 2);
    assert.equal(told, Array(2).fill(`none ${HOST} UNIMPLEMENTED`));
  };
  await withRig({}, use, {}, watch);
});

test("a caller that goes away before the answer is CANCELLED", async () => {
  const told: string[] = [];
  const never = unary(getManifest, () => new Promise(() => {}));
  const watch = { ended: ({ status }: EndedCall) => void told.push(status) };
  const use = async ({ client }: { client: UnaryClient }): Promise<void> => {
    const leaving = AbortSignal.timeout(100);
    await client.call(getManifest, {}, { ...LIMITS, signal: leaving }).catch(() => undefined);
    await until(() => told.length === 1);
    assert.equal(told, ["CANCELLED"]);
  };
  await withRig({ getManifest: never }, use, { shutdownGraceMs: 10 }, watch);
});

test("who never reads what it asked for costs little memory and is hung up, and others are served", async () => {
  const large = unary(getManifest, async () => ({ manifest: Buffer.alloc(1024 * 1024) }));
  const use = async ({ client, port }: { client: UnaryClient; port: number }): Promise<void> => {
    const deaf = connect(port, HOST).on("error", () => {});
    const closed = once(deaf, "close");
    const session = connectHttp2(`http://${HOST}:${port}`, {
      createConnection: () => deaf,
      // Nothing may be sent to it.
      settings: { initialWindowSize: 0 },
    });
    session.on("error", () => {});
    const told: unknown[] = [];
    const ask = (): void => {
      const headers = { ":method": "POST", ":path": MANIFEST, "content-type": "application/grpc" };
      const stream = session.request(headers).on("error", () => {});
      stream.once("response", (answer) => told.push(answer["grpc-status"]));
      stream.end(Buffer.alloc(5));
    };
    for (let n = 0; n < 8; n++) ask();
    await until(() => told.length === 8);
    // There is room for three; the others are told to come again.
    assert.equal(told.sort(), [...Array(5).fill("8"), ...Array(3).fill(undefined)]);
    await client.call(getTrackerInfo, {}, LIMITS); // a small answer always finds room
    while (!session.closed && !session.destroyed) {
      ask();
      await client.call(getTrackerInfo, {}, LIMITS);
    }
    await closed;
  };
  const options = { maxResponseBytes: 2 ** 21, maxUntakenBytes: 3.5 * 2 ** 20, untakenTimeoutMs: 300 };
  await withRig({ getManifest: large }, use, options);
});

test.run();
