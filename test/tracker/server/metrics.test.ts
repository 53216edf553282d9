import { once } from "node:events";
import { connect } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import { GoshareError } from "../../../src/core/errors.js";
import { idToBytes } from "../../../src/core/ids.js";
import type { GoshareEvent } from "../../../src/events/event.js";
import { startTracker } from "../../../src/tracker/server/start.js";
import { freePort } from "../../support/free-port.js";
import { until } from "../../support/until.js";
import { rpcFailure, type TrackerRig, withTracker } from "./rig.js";
import { contentId, peerId } from "./stores/store-rig.js";

const { announce, getManifest, getTrackerInfo } = TrackerService.method;
const METRICS = { metrics: { host: "127.0.0.1", port: 0 } };

function addressOf({ events }: TrackerRig): string {
  const event = events.find(({ type }) => type === "metricsListening");
  if (event?.type !== "metricsListening") throw new Error("no metrics");
  return event.endpoint;
}

async function scrape(rig: TrackerRig): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://${addressOf(rig)}/metrics`);
  assert.is(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const announcement = (n: number) => ({
  peerId: idToBytes(peerId(n)),
  listenPort: 9000,
  shares: [1, 2].map((share) => ({ contentId: idToBytes(contentId(share)) })),
});

test("metrics count calls by method and code, and say what is there", async () => {
  await withTracker(METRICS, async (rig) => {
    for (let n = 0; n < 3; n++) await rig.call(announce, announcement(n));
    await rpcFailure(rig.call(getManifest, { contentId: idToBytes(contentId(1)) }));
    const calls = (method: string, code: string) =>
      `goshare_tracker_calls_total{method="TrackerService/${method}",code="${code}"}`;
    let metrics = await scrape(rig);
    // A call is counted when all of its answer has left.
    while (metrics.get(calls("GetManifest", "NOT_FOUND")) !== 1) metrics = await scrape(rig);
    assert.is(metrics.get(calls("Announce", "OK")), 3);
    assert.is(metrics.get('goshare_tracker_call_seconds_count{method="TrackerService/Announce"}'), 3);
    assert.is(metrics.get('goshare_tracker_store_seconds_count{operation="announce"}'), 3);
    const gauges = ["peers", "leases", "swarms", "manifests", "expected_peers", "serving", "connections"];
    assert.equal(
      gauges.map((name) => metrics.get(`goshare_tracker_${name}`)),
      [3, 6, 2, 0, 3, 1, 1],
    );
    assert.is(metrics.get("goshare_tracker_renew_interval_seconds"), 30);
    assert.ok((metrics.get("process_cpu_seconds_total") ?? 0) > 0);
    assert.ok(metrics.has("nodejs_eventloop_lag_p99_seconds"));
  });
});

test("metrics are at one path and read only", async () => {
  await withTracker(METRICS, async (rig) => {
    const address = `http://${addressOf(rig)}`;
    assert.is((await fetch(`${address}/`)).status, 404);
    assert.is((await fetch(`${address}/metrics/../secret`)).status, 404);
    const posted = await fetch(`${address}/metrics`, { method: "POST", body: "x" });
    assert.is(posted.status, 405);
    assert.is(posted.headers.get("allow"), "GET");
    assert.is((await fetch(`${address}/metrics?name=x`)).status, 200);
  });
});

test("who does not finish its request is hung up, and so is a crowd", async () => {
  await withTracker(METRICS, async (rig) => {
    const [host = "", port] = addressOf(rig).split(":");
    let open = 0;
    const sockets = Array.from({ length: 40 }, () => {
      const socket = connect(Number(port), host).on("error", () => {});
      open += 1;
      socket.once("close", () => {
        open -= 1;
      });
      socket.resume().write("GET /metrics HTTP/1.1\r\nHost:");
      return socket;
    });
    await until(() => open <= 16);
    const [last] = sockets.filter((socket) => !socket.destroyed);
    if (last !== undefined) await once(last, "close");
    await rig.call(getTrackerInfo, {});
    for (const socket of sockets) socket.destroy();
  });
});

test("a port for metrics that is taken is told, and nothing goes on listening", async () => {
  await withTracker(METRICS, async (rig) => {
    const [host = "", port] = addressOf(rig).split(":");
    const options = { listenPort: 0, metrics: { host, port: Number(port) } };
    const error = await startTracker(options, () => {}).catch((thrown: unknown) => thrown);
    if (!(error instanceof GoshareError)) throw error;
    assert.match(error.message, "something is already listening on");
    assert.match(error.hint, "choose another port with --metrics HOST:PORT");
  });
});

test("metrics cannot be read at the port at which calls come in, and that is said before anything listens", async () => {
  const port = await freePort();
  for (const [listenHost, host] of [
    ["127.0.0.1", "127.0.0.1"],
    ["", "127.0.0.1"],
    ["127.0.0.1", "::"],
  ] as const) {
    const events: GoshareEvent[] = [];
    const options = { listenHost, listenPort: port, metrics: { host, port } };
    const error = await startTracker(options, (event) => events.push(event)).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof GoshareError && error.code === "USAGE", String(error));
    assert.match(error.hint, "choose another port with --metrics HOST:PORT");
    assert.equal(events, []);
  }
  const elsewhere = { listenHost: "127.0.0.2", listenPort: port, metrics: { host: "127.0.0.1", port } };
  await withTracker(elsewhere, async (rig) => void (await scrape(rig)));
});

test.run();
