import { type EventEmitter, once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { idToBytes } from "../../../src/core/ids.js";
import type { TrackerOptions } from "../../../src/tracker/server/options.js";
import { FIRST, writeCertificate } from "../../support/certificates.js";
import { NO_OWN_ADDRESS, ownAddress } from "../../support/own-address.js";
import { ScratchFolder } from "../../support/scratch-folder.js";
import { skipTest } from "../../support/skip-test.js";
import { until } from "../../support/until.js";
import { HealthWatch } from "./health-watch.js";
import { rawClient, rpcFailure, type TrackerRig, withTracker } from "./rig.js";
import { contentId, peerId } from "./stores/store-rig.js";

const { announce, getTrackerInfo, listPeers } = TrackerService.method;
const scratch = new ScratchFolder();
test.after(() => scratch.remove());

const LIMITS = { deadlineMs: 20_000 };

const announcement = (peer: number, shares: number) => ({
  peerId: idToBytes(peerId(peer)),
  listenPort: 9000,
  shares: Array.from({ length: shares }, (_, n) => ({ contentId: idToBytes(contentId(n)) })),
});

/** A test from an address that is not loopback. */
function fromOutside(
  title: string,
  limits: Partial<TrackerOptions>,
  use: (rig: TrackerRig, host: string) => Promise<void>,
): void {
  const host = ownAddress();
  if (host === undefined) return skipTest(title, NO_OWN_ADDRESS);
  test(title, () => withTracker(limits, (rig) => use(rig, host)));
}

fromOutside(
  "an address that calls too often is refused, told when to come back, and then served",
  { perAddressLimit: 5 },
  async (rig, host) => {
    const client = rawClient({ ...rig.endpoint, host });
    const calls = Array.from({ length: 15 }, () => client.call(getTrackerInfo, {}, LIMITS));
    const results = await Promise.allSettled(calls);
    assert.is(results.filter(({ status }) => status === "fulfilled").length, 10);
    const refused = await rpcFailure(client.call(getTrackerInfo, {}, LIMITS));
    assert.is(refused.status, "RESOURCE_EXHAUSTED");
    assert.is(refused.message, "this address calls too often");
    const { retryAfterMs = 0 } = refused;
    // After the five that were refused before.
    assert.ok(retryAfterMs > 0 && retryAfterMs <= 6 * 200, `${retryAfterMs}`);
    for (let n = 0; n < 100; n++) await rig.call(getTrackerInfo, {}); // loopback is exempt
    await client.close();
  },
);

fromOutside(
  "an address may keep up only so many leases, loopback as many as there are",
  { maxLeasesPerAddress: 1_500 },
  async (rig, host) => {
    const client = rawClient({ ...rig.endpoint, host });
    await client.call(announce, announcement(1, 1_000), LIMITS);
    const refused = await rpcFailure(client.call(announce, announcement(2, 1_000), LIMITS));
    assert.is(refused.status, "RESOURCE_EXHAUSTED");
    assert.is(refused.message, "this address announces too many shares");
    await client.call(announce, announcement(2, 500), LIMITS);
    for (let n = 0; n < 3; n++) await rig.call(announce, announcement(n, 1_000));
    await client.close();
  },
);

test("a share that is full refuses who is new, and says that asking again is of no use; others stand", async () => {
  await withTracker({ maxLeasesPerSwarm: 1 }, async (rig) => {
    await rig.call(announce, announcement(1, 1));
    const { status, message, retryAfterMs } = await rpcFailure(rig.call(announce, announcement(2, 2)));
    assert.is(`${status} ${message}`.slice(0, 54), "RESOURCE_EXHAUSTED a share may have 1 peers here; the ");
    assert.ok(retryAfterMs !== undefined && retryAfterMs < 0);
    const counted = [0, 1].map((n) => rig.call(listPeers, { contentId: idToBytes(contentId(n)) }));
    const counts = (await Promise.all(counted)).map((answer) => answer.counts?.partialPeers);
    assert.equal(counts, [1, 1]);
    await rig.call(announce, announcement(1, 1));
  });
});

fromOutside(
  "connections and calls that do nothing are bounded for an address, and others are served",
  { maxConnectionsPerAddress: 6, maxOpenCallsPerAddress: 3 },
  async (rig, host) => {
    const { port } = rig.endpoint;
    let open = 0;
    const sockets = Array.from({ length: 10 }, () => {
      const socket = connect(port, host).on("error", () => {});
      open += 1;
      socket.resume().once("close", () => {
        open -= 1;
      });
      return socket;
    });
    await until(() => open === 6);
    for (const socket of sockets) socket.destroy();
    await until(() => open === 0);

    const session = connectHttp2(`http://${host}:${port}`).on("error", () => {});
    const begin = async (): Promise<string> => {
      const stream = session.request({
        ":method": "POST",
        ":path": "/goshare.v1.TrackerService/GetTrackerInfo",
        "content-type": "application/grpc",
      });
      stream.on("error", () => {}).resume();
      stream.write(Buffer.alloc(2)); // the rest never comes
      const answered = once(stream, "response").then(([headers]) => String(headers["grpc-message"]));
      const pinged = new Promise<string>((resolve) => session.ping(() => setImmediate(resolve, "open")));
      return Promise.race([answered, pinged.then(() => "open")]);
    };
    await once(session, "connect");
    const begun = [await begin(), await begin(), await begin(), await begin()];
    assert.equal(begun.slice(0, 3), ["open", "open", "open"]);
    assert.is(decodeURI(begun[3] ?? ""), "too many calls at a time");
    await rig.call(getTrackerInfo, {});
    session.destroy();
  },
);

fromOutside(
  "streams that stay open are bounded by themselves, and take no place of a call",
  { maxOpenCallsPerAddress: 2, maxOpenStreams: 4, maxOpenStreamsPerAddress: 3 },
  async (rig, host) => {
    const { port } = rig.endpoint;
    const watch = (from: string): HealthWatch => new HealthWatch(`${from}:${port}`);
    const watches = [watch(host), watch(host), watch(host)];
    for (const one of watches) await one.saw("SERVING");
    const oneTooMany = watch(host);
    await oneTooMany.ended;
    const client = rawClient({ ...rig.endpoint, host });
    await client.call(getTrackerInfo, {}, LIMITS);

    const here = watch("127.0.0.1");
    await here.saw("SERVING");
    const oneTooManyHere = watch("127.0.0.1");
    await oneTooManyHere.ended;
    watches.pop()?.close();
    // Its place is free as soon as the tracker has heard of it.
    for (let isOpen = false; !isOpen; ) {
      const next = watch(host);
      watches.push(next);
      let isEnded = false;
      void next.ended.then(() => {
        isEnded = true;
      });
      await until(() => isEnded || next.statuses.length > 0);
      isOpen = !isEnded;
    }
    for (const one of [...watches, oneTooMany, here, oneTooManyHere]) one.close();
    await client.close();
  },
);

/** Also where it ends with an error, as by a reset. */
function closed(ending: EventEmitter): Promise<void> {
  return new Promise((resolve) => ending.once("close", () => resolve()));
}

/** Sends as many calls as it can, heeding nothing, until it is hung up. */
async function flood(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): Promise<void> {
  session.on("error", () => {});
  const sessionClosed = closed(session);
  while (!session.closed && !session.destroyed) {
    const stream = session.request({
      ":method": "POST",
      ":path": "/goshare.v1.TrackerService/GetTrackerInfo",
      "content-type": "application/grpc",
      ...headers,
    });
    stream.on("error", () => {}).resume();
    stream.end(Buffer.alloc(5));
    await closed(stream);
  }
  await sessionClosed;
}

fromOutside(
  "who floods is hung up and stays out, and loopback is served meanwhile",
  { perAddressLimit: 1 },
  async (rig, host) => {
    const { port } = rig.endpoint;
    const bystander = connectHttp2(`http://${host}:${port}`).on("error", () => {});
    const bystanderClosed = closed(bystander);
    await flood(connectHttp2(`http://${host}:${port}`));
    await bystanderClosed; // of the same address
    const again = connect(port, host).on("error", () => {});
    await closed(again.resume());
    await rig.call(getTrackerInfo, {});
  },
);

fromOutside(
  "who connects again and again is hung up as it comes, and loopback is served meanwhile",
  { perAddressLimit: 1 },
  async (rig, host) => {
    const { port } = rig.endpoint;
    // The tracker speaks first where it takes a connection.
    const isTaken = async (): Promise<boolean> => {
      const socket = connectHttp2(`http://${host}:${port}`).on("error", () => {});
      const settings = once(socket, "remoteSettings").then(() => true);
      const taken = await Promise.race([settings, closed(socket).then(() => false)]);
      settings.catch(() => {});
      socket.destroy();
      return taken;
    };
    let taken = 0;
    while (await isTaken()) taken += 1;
    assert.ok(taken >= 4 && taken < 100, `${taken}`);
    await rig.call(getTrackerInfo, {});
  },
);

for (const headers of [{ ":path": "/goshare.v1.TrackerService/None" }, { "content-type": "text/plain" }]) {
  fromOutside(
    `who floods with what is no call is hung up too: ${Object.entries(headers).join()}`,
    { perAddressLimit: 1 },
    async (rig, host) => {
      await flood(connectHttp2(`http://${host}:${rig.endpoint.port}`), headers);
      await rig.call(getTrackerInfo, {});
    },
  );
}

fromOutside(
  "who floods by TLS is hung up too",
  { perAddressLimit: 1, ...writeCertificate(scratch.folder(), FIRST) },
  async (rig, host) => {
    const { port } = rig.endpoint;
    await flood(connectHttp2(`https://${host}:${port}`, { rejectUnauthorized: false }));
    const again = connect(port, host).on("error", () => {});
    await closed(again.resume());
  },
);

test.run();
