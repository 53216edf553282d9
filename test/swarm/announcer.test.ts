// Leases kept alive with trackers that refuse and come back.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { parseEndpoint } from "../../src/address/endpoint.js";
import { unary } from "../../src/rpc/adapter.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { Announcer } from "../../src/swarm/announcer.js";
import { closeFakeTrackers, startFakeTracker } from "../support/fake-tracker.js";
import { until } from "../support/until.js";
import { contentId, peerId } from "../tracker/server/stores/store-rig.js";

const { method } = TrackerService;

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
  const share = { contentId: contentId(1), chunksHeld: 1, complete: true, wantPeers: 0 };
  const announcer = new Announcer(
    [endpoint],
    {
      ...{ peerId: peerId(1), runEpochMs: 1, endpoints: [], listenPort: () => 9000 },
      ...{ shares: () => [share], rootOf: () => undefined },
    },
    {
      answered: () => void told.push("answered"),
      unreachable: (_tracker, { code }) => void told.push(code),
    },
  );
  await announcer.settled();
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

test.run();
