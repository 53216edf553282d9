import { EventEmitter, once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from "node:http2";
import { connect, type Socket } from "node:net";
import { Server } from "@grpc/grpc-js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import type { CallWatch } from "../../src/rpc/call-watch.js";
import { IncomingStreams } from "../../src/rpc/incoming-streams.js";
import { testUnless } from "../storage/scratch.js";
import { SELF_SIGNED } from "../support/certificates.js";
import { NO_OWN_ADDRESS, ownAddress } from "../support/own-address.js";
import { until } from "../support/until.js";
import { LIMITS, type Rig, withRig } from "./rig.js";

const { getTrackerInfo } = TrackerService.method;
const INFO = { ":method": "POST", ":path": "/goshare.v1.TrackerService/GetTrackerInfo" };
/** Data that belongs to no stream, which no session survives. */
const BREACH = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0]);

const host = ownAddress() ?? "";
const noAddress = host === "" ? NO_OWN_ADDRESS : undefined;

interface Flooder {
  readonly session: ClientHttp2Session;
  readonly socket: Socket;
  readonly port: number;
}

/** What comes from loopback never waits for its turn, so the server is reached at another address. */
async function withServer(
  watch: Partial<CallWatch>,
  use: (flooder: Flooder, call: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const options = { maxConnections: 30, maxConnectionsPerHost: 30, shutdownGraceMs: 100 };
  const flood = async ({ client, port, unexpected }: Rig): Promise<void> => {
    const socket = connect(port, host);
    const session = connectHttp2(`http://${host}:${port}`, { createConnection: () => socket });
    session.on("error", () => undefined);
    await once(session, "remoteSettings");
    try {
      await use({ session, socket, port }, () => client.call(getTrackerInfo, {}, LIMITS));
      assert.equal(unexpected, []);
    } finally {
      session.destroy();
    }
  };
  await withRig({}, flood, options, watch, host);
}

function ask(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({ ...INFO, "content-type": "application/grpc" });
  return stream.on("error", () => undefined).resume();
}

testUnless(
  noAddress,
  "a session that breaks while its calls wait for their turn takes nobody with it",
  async () => {
    await withServer({}, async (flooder, call) => {
      for (let n = 0; n < 16; n++) ask(flooder.session);
      // Leaves together with the calls, so that they are read together.
      setImmediate(() => flooder.socket.write(BREACH));
      await new Promise((resolve) => flooder.session.once("close", resolve));
      await call();
    });
  },
);

testUnless(noAddress, "calls that are taken back before their turn are counted all the same", async () => {
  let asked = 0;
  let ended = 0;
  const watch = {
    refusal: () => {
      asked++;
      return undefined;
    },
    ended: () => {
      ended++;
    },
  };
  await withServer(watch, async (flooder) => {
    for (let n = 0; n < 16; n++) ask(flooder.session);
    setImmediate(() => flooder.socket.destroy());
    await until(() => asked === 16 && ended === 16);
  });
});

testUnless(noAddress, "a call whose request ends before its turn is answered like any other", async () => {
  const ended: string[] = [];
  await withServer({ ended: ({ status }) => void ended.push(status) }, async ({ session }) => {
    const streams = Array.from({ length: 16 }, () => ask(session));
    // With data that is empty: a call that is known to have no request ends with its headers, and is heard.
    for (const stream of streams) stream.end();
    let answered = 0;
    for (const stream of streams) stream.once("close", () => answered++);
    await until(() => answered === streams.length);
  });
  // Not ended by who looks for requests that never arrive.
  assert.equal(ended, Array(16).fill("UNIMPLEMENTED"));
});

const TLS = { cert: Buffer.from(SELF_SIGNED.cert), key: Buffer.from(SELF_SIGNED.key) };

for (const tls of [undefined, TLS]) {
  const means = tls === undefined ? "TCP" : "TLS";
  testUnless(
    noAddress,
    `hundreds of calls that come at once by ${means} keep nobody else waiting`,
    async () => {
      let asked = 0;
      const refusal = () => {
        asked++;
        return undefined;
      };
      const options = { maxConnections: 30, maxConnectionsPerHost: 30, shutdownGraceMs: 100, tls };
      const crowd = async ({ port, unexpected }: Rig): Promise<void> => {
        const dial = async (to: string): Promise<ClientHttp2Session> => {
          const scheme = tls === undefined ? "http" : "https";
          const session = connectHttp2(`${scheme}://${to}:${port}`, { rejectUnauthorized: false });
          await once(session, "remoteSettings");
          return session;
        };
        // Nothing from loopback waits for its turn.
        const other = await dial("127.0.0.1");
        const sessions = await Promise.all(Array.from({ length: 20 }, () => dial(host)));
        const streams = sessions.flatMap((session) => Array.from({ length: 16 }, () => ask(session).end()));
        let over = 0;
        for (const stream of streams) stream.once("close", () => over++);
        await until(() => asked > 0);
        await once(ask(other).end(), "close");
        assert.ok(asked < streams.length / 2, `${asked} calls came first`);
        await until(() => over === streams.length);
        assert.equal([...new Set(streams.map(({ rstCode }) => rstCode))], [constants.NGHTTP2_NO_ERROR]);
        for (const session of [other, ...sessions]) session.destroy();
        assert.equal(unexpected, []);
      };
      await withRig({}, crowd, options, { refusal }, "0.0.0.0");
    },
  );
}

test("calls beyond those that may wait are turned away at once, and counted", async () => {
  const server = new Server();
  Reflect.set(server, "_streamHandler", () => undefined);
  const unserved: string[] = [];
  const incoming = new IncomingStreams(
    server,
    () => undefined,
    (_address, how) => void unserved.push(how),
  );
  const comeIn: unknown = Reflect.get(server, "_streamHandler");
  if (typeof comeIn !== "function") throw new Error("streams come in by a method");
  const session = { socket: { remoteAddress: "192.0.2.1" } };
  const closed: number[] = [];
  const close = (code: number): void => void closed.push(code);
  // Two begin, and 256 wait.
  for (let n = 0; n < 2 + 256 + 40; n++) {
    const stream = Object.assign(new EventEmitter(), { session, close });
    Reflect.apply(comeIn, server, [[], stream, {}]);
  }
  assert.equal(unserved, [...Array(2).fill("UNIMPLEMENTED"), ...Array(40).fill("RESOURCE_EXHAUSTED")]);
  await until(() => closed.length === 40);
  assert.equal([...new Set(closed)], [constants.NGHTTP2_REFUSED_STREAM]);
  incoming.close();
});

test.run();
