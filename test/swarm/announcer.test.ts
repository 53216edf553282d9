// Leases kept alive with trackers that refuse and come back.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { parseEndpoint, requireEndpoint } from "../../src/address/endpoint.js";
import { idToBytes } from "../../src/core/ids.js";
import { unary } from "../../src/rpc/adapter.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { Announcer } from "../../src/swarm/announcer.js";
import { closeFakeTrackers, startFakeTracker } from "../support/fake-tracker.js";
import { until } from "../support/until.js";
import { contentId, peerId } from "../tracker/server/stores/store-rig.js";

const { method } = TrackerService;
const SHARE = { contentId: contentId(1), chunksHeld: 1, complete: true, wantPeers: 0 };

test.after(closeFakeTrackers);

test("a tracker that is full is left alone ever longer, told of once, and has its lease in the end", async () => {
  const calledAtMs: number[] = [];
  let withdrawn = 0;
  const pushbackMs = 30;
  const tracker = await startFakeTracker({
    announce: unary(method.announce, async () => {
      calledAtMs.push(performance.now());
      // The call has no second attempt, so it is the announcer that has to wait.
      if (calledAtMs.length === 1) throw new RpcError("RESOURCE_EXHAUSTED", "full", undefined, -1);
      if (calledAtMs.length <= 5) throw new RpcError("RESOURCE_EXHAUSTED", "busy", undefined, pushbackMs);
      return { ttlMs: 75_000, renewAfterMs: 30_000, leaseToken: Buffer.from("token") };
    }),
    withdraw: unary(method.withdraw, async () => {
      withdrawn += 1;
      return {};
    }),
  });
  const endpoint = parseEndpoint(tracker.endpoint);
  if (endpoint === undefined) throw new Error("no endpoint");
  const told: string[] = [];
  const announcer = new Announcer(
    [endpoint],
    {
      ...{ peerId: peerId(1), runEpochMs: 1, endpoints: [], listenPort: () => 9000 },
      ...{ shares: () => [SHARE], rootOf: () => undefined },
    },
    {
      answered: () => void told.push("answered"),
      failed: (_tracker, { code }) => void told.push(code),
    },
  );
  await announcer.settled(60_000);
  assert.equal(told, ["TRACKER_REFUSED"]);
  await until(() => told.includes("answered"));
  assert.equal(told, ["TRACKER_REFUSED", "answered"]);
  assert.is(calledAtMs.length, 6);
  const waits = calledAtMs.map((atMs, n) => atMs - (calledAtMs[n - 1] ?? atMs));
  // Refused for good: backs off from a second on. Asked to wait: four attempts of one call, then backs off further.
  assert.ok((waits[1] ?? 0) >= 990, `${waits[1]}`);
  for (const n of [2, 3, 4]) assert.ok((waits[n] ?? 0) >= 29, `${waits[n]}`);
  assert.ok((waits[5] ?? 0) >= 1_990, `${waits[5]}`);
  await announcer.close();
  assert.is(withdrawn, 1);
});

test("a tracker that takes no manifest is told of once, until it takes one", async () => {
  let asked = 0;
  const tracker = await startFakeTracker({
    announce: unary(method.announce, async () => ({
      ...{ ttlMs: 75_000, renewAfterMs: 30_000, leaseToken: Buffer.from("token") },
      wantedManifests: [idToBytes(contentId(1))],
    })),
    publishManifest: unary(method.publishManifest, async () => {
      asked++;
      if (asked !== 4) throw new RpcError("PERMISSION_DENIED", "no manifests here");
      return {};
    }),
    withdraw: unary(method.withdraw, async () => ({})),
  });
  const told: (readonly [string, number])[] = [];
  const announcer = new Announcer(
    [requireEndpoint(tracker.endpoint, "tracker", 0)],
    {
      ...{ peerId: peerId(1), runEpochMs: 1, endpoints: [], listenPort: () => 9000 },
      ...{ shares: () => [SHARE], rootOf: () => Buffer.from("root") },
    },
    { answered: () => undefined, failed: (_tracker, { code }) => void told.push([code, asked]) },
  );
  while (asked < 8) {
    announcer.announceNow();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await announcer.close();
  assert.equal(told, [
    ["TRACKER_REFUSED", 1],
    ["TRACKER_REFUSED", 5],
  ]);
});

test.run();
