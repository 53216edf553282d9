import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from "node:http2";
import { connect, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import type { CallWatch } from "../../src/rpc/call-watch.js";
import { testUnless } from "../storage/scratch.js";
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

testUnless(noAddress, "calls beyond those that may wait are turned away at once, and counted", async () => {
  let asked = 0;
  const refusal = () => {
    asked++;
    return undefined;
  };
  await withServer({ refusal }, async ({ port }) => {
    const sessions = Array.from({ length: 20 }, () => connectHttp2(`http://${host}:${port}`));
    await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
    const streams = sessions.flatMap((session) => Array.from({ length: 16 }, () => ask(session)));
    await until(() => asked === streams.length);
    const turnedAway = () =>
      streams.filter(({ rstCode }) => rstCode === constants.NGHTTP2_REFUSED_STREAM).length;
    await until(() => turnedAway() > 0);
    for (const session of sessions) session.destroy();
  });
});

test.run();
