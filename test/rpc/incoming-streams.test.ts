import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { type CallWatch, noWatch } from "../../src/rpc/call-watch.js";
import { RpcServer } from "../../src/rpc/rpc-server.js";
import { UnaryClient } from "../../src/rpc/unary-client.js";
import { testUnless } from "../storage/scratch.js";
import { NO_OWN_ADDRESS, ownAddress } from "../support/own-address.js";
import { until } from "../support/until.js";
import { CLIENT_OPTIONS, LIMITS, methods, SERVER_OPTIONS } from "./rig.js";

const { getTrackerInfo } = TrackerService.method;
const INFO = { ":method": "POST", ":path": "/goshare.v1.TrackerService/GetTrackerInfo" };
/** Data that belongs to no stream, which no session survives. */
const BREACH = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0]);

const host = ownAddress() ?? "";
const noAddress = host === "" ? NO_OWN_ADDRESS : undefined;

interface Flooder {
  readonly session: ClientHttp2Session;
  readonly socket: Socket;
}

/** What comes from loopback never waits for its turn, so the server is reached at another address. */
async function withServer(
  watch: Partial<CallWatch>,
  use: (flooder: Flooder, call: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const options = { ...SERVER_OPTIONS, shutdownGraceMs: 100 };
  const server = new RpcServer(options, (error) => failures.push(error), { ...noWatch, ...watch });
  server.addService(TrackerService, methods({}));
  const { port } = await server.listen("0.0.0.0", 0);
  const socket = connect(port, host);
  const session = connectHttp2(`http://${host}:${port}`, { createConnection: () => socket });
  session.on("error", () => undefined);
  await once(session, "remoteSettings");
  const client = new UnaryClient(TrackerService, host, port, CLIENT_OPTIONS);
  try {
    await use({ session, socket }, () => client.call(getTrackerInfo, {}, LIMITS));
    assert.equal(failures, []);
  } finally {
    session.destroy();
    await client.close();
    await server.close();
  }
}

function ask({ session }: Flooder): void {
  session.request({ ...INFO, "content-type": "application/grpc" }).on("error", () => undefined);
}

testUnless(
  noAddress,
  "a session that breaks while its calls wait for their turn takes nobody with it",
  async () => {
    await withServer({}, async (flooder, call) => {
      for (let n = 0; n < 16; n++) ask(flooder);
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
    for (let n = 0; n < 16; n++) ask(flooder);
    setImmediate(() => flooder.socket.destroy());
    await until(() => asked === 16 && ended === 16);
  });
});

test.run();
