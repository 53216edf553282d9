// A client that pins a certificate dials once to see it: what becomes of its calls meanwhile.
import { once } from "node:events";
import { connect as connectTcp, createServer, Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import { digestOf, SELF_SIGNED } from "../support/certificates.js";
import { until } from "../support/until.js";
import { CLIENT_OPTIONS, failure, HOST, LIMITS, listening, methods, SERVER_OPTIONS } from "./rig.js";

const { getTrackerInfo } = TrackerService.method;
const PIN = digestOf(SELF_SIGNED);

interface Silent {
  readonly sockets: readonly Socket[];
  readonly client: UnaryClient;
}

/** A client of a port where the first `silent` connections are taken and nothing is said, and behind the others a server. */
async function withSilentPort(silent: number, use: (rig: Silent) => Promise<void>): Promise<void> {
  const tls = { cert: Buffer.from(SELF_SIGNED.cert), key: Buffer.from(SELF_SIGNED.key) };
  const server = new RpcServer({ ...SERVER_OPTIONS, tls }, () => {});
  server.addService(TrackerService, methods({}));
  const { port } = await server.listen(HOST, 0);
  const sockets: Socket[] = [];
  const gate = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    if (sockets.length <= silent) return void socket.resume();
    const inner = connectTcp(port, HOST).on("error", () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  const gatePort = await listening(gate);
  const client = new UnaryClient(TrackerService, HOST, gatePort, {
    ...CLIENT_OPTIONS,
    tls: { certificateSha256: PIN },
  });
  try {
    await use({ sockets, client });
  } finally {
    await client.close();
    await server.close();
    gate.close();
    for (const socket of sockets) socket.destroy();
  }
}

test("a call that is aborted while the certificate is fetched ends at once, and nothing stays open", async () => {
  await withSilentPort(1, async ({ sockets, client }) => {
    const leaving = new AbortController();
    const limits = { deadlineMs: 600_000, signal: leaving.signal };
    const call = client.call(getTrackerInfo, {}, limits).catch((thrown: unknown) => thrown);
    await until(() => sockets.length === 1);
    leaving.abort("enough");
    assert.is(await call, "enough");
    await until(() => sockets[0]?.closed === true);
    await client.call(getTrackerInfo, {}, LIMITS);
  });
});

test("a call that is aborted before anything is dialled for it ends as soon", async () => {
  await withSilentPort(1, async ({ sockets, client }) => {
    const leaving = new AbortController();
    const limits = { deadlineMs: 600_000, signal: leaving.signal };
    const call = client.call(getTrackerInfo, {}, limits).catch((thrown: unknown) => thrown);
    leaving.abort("enough");
    let ended: unknown;
    void call.then((thrown) => {
      ended = thrown;
    });
    await until(() => ended !== undefined);
    assert.is(ended, "enough");
    assert.is(sockets.length, 0);
  });
});

test("a client that is closed while the certificate is fetched leaves nothing open", async () => {
  await withSilentPort(1, async ({ sockets, client }) => {
    const call = failure(client.call(getTrackerInfo, {}, { deadlineMs: 600_000 }));
    await until(() => sockets.length === 1);
    await client.close();
    assert.is((await call).status, "CANCELLED");
    await until(() => sockets[0]?.closed === true);
  });
});

test("a call that could not see the certificate in its time does not end another that has more", async () => {
  await withSilentPort(1, async ({ sockets, client }) => {
    const first = failure(client.call(getTrackerInfo, {}, { deadlineMs: 300 }));
    await until(() => sockets.length === 1);
    const second = client.call(getTrackerInfo, {}, LIMITS);
    const { status, message } = await first;
    assert.is(`${status} ${message}`, "UNAVAILABLE TLS was not set up in time");
    await second;
  });
});

test("calls at the same time share one connection, whoever saw the certificate first", async () => {
  await withSilentPort(0, async ({ sockets, client }) => {
    await Promise.all(Array.from({ length: 5 }, () => client.call(getTrackerInfo, {}, LIMITS)));
    const open = (): number => sockets.filter(({ closed }) => !closed).length;
    await until(() => open() === 1);
    await client.call(getTrackerInfo, {}, LIMITS);
    assert.is(open(), 1);
    const ended = once(sockets.find(({ closed }) => !closed) ?? new Socket(), "close");
    await client.close();
    await ended;
  });
});

test.run();
