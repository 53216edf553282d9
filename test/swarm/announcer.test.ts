// Leases kept alive with trackers that refuse and come back.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { parseEndpoint, requireEndpoint } from "../../src/address/endpoint.js";
import { idToBytes, toHex } from "../../src/core/ids.js";
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
  await announcer.settled(SHARE.contentId, 60_000);
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

/** An announcer of shares by number, at a tracker that takes all but `refused` and writes down what it is told. */
async function startMany(count: number, refused: ReadonlySet<number> = new Set()) {
  const numbers = new Map(Array.from({ length: 3_000 }, (_, n) => [toHex(idToBytes(contentId(n))), n]));
  const numberOf = (bytes: Uint8Array) => numbers.get(toHex(bytes)) ?? -1;
  const calls: { readonly announced: readonly number[]; readonly isTaken: boolean }[] = [];
  const withdrawn: (readonly number[])[] = [];
  const tracker = await startFakeTracker({
    announce: unary(method.announce, async ({ shares }) => {
      const announced = shares.map(({ contentId: id }) => numberOf(id));
      const isTaken = !announced.some((n) => refused.has(n));
      calls.push({ announced, isTaken });
      if (!isTaken) throw new RpcError("RESOURCE_EXHAUSTED", "a share is full", undefined, -1);
      return { ttlMs: 75_000, renewAfterMs: 30_000, leaseToken: Buffer.from("token") };
    }),
    withdraw: unary(method.withdraw, async ({ contentIds }) => {
      withdrawn.push(contentIds.map(numberOf));
      return {};
    }),
  });
  const shared = new Set(Array.from({ length: count }, (_, n) => n));
  const told: (readonly [string, readonly number[]])[] = [];
  const announcer = new Announcer(
    [requireEndpoint(tracker.endpoint, "tracker", 0)],
    {
      ...{ peerId: peerId(1), runEpochMs: 1, endpoints: [], listenPort: () => 9000, rootOf: () => undefined },
      shares: () => [...shared].map((n) => ({ ...SHARE, contentId: contentId(n) })),
    },
    {
      answered: () => undefined,
      failed: (_tracker, { code }, ids) => void told.push([code, ids.map((id) => numberOf(idToBytes(id)))]),
    },
  );
  return {
    announcer,
    shared,
    calls,
    withdrawn,
    told,
    settled: (n: number) => announcer.settled(contentId(n), 60_000),
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

test("thousands of shares are announced, and withdrawn, a thousand in a call", async () => {
  const { announcer, calls, withdrawn, settled } = await startMany(2_500);
  await settled(2_499);
  const groups = [range(0, 1_000), range(1_000, 2_000), range(2_000, 2_500)];
  assert.equal(
    calls.map(({ announced }) => announced),
    groups,
  );
  await announcer.close();
  assert.equal(withdrawn, groups);
});

test("shares that come within a moment are announced together and without the others, and so are those that go", async () => {
  const { announcer, shared, calls, withdrawn, settled } = await startMany(3);
  await settled(2);
  for (const n of [3, 4, 5]) {
    shared.add(n);
    announcer.sharesChanged();
  }
  await settled(5);
  assert.equal(
    calls.map(({ announced }) => announced),
    [
      [0, 1, 2],
      [3, 4, 5],
    ],
  );
  for (const n of [1, 4]) {
    shared.delete(n);
    announcer.sharesChanged();
  }
  await until(() => withdrawn.length > 0);
  assert.equal(withdrawn, [[1, 4]]);
  announcer.announceNow();
  await until(() => calls.length > 2);
  assert.equal(calls.at(-1)?.announced, [0, 2, 3, 5]);
  await announcer.close();
  assert.equal(withdrawn, [
    [1, 4],
    [0, 2, 3, 5],
  ]);
});

test("a share that a tracker does not take is found among the others, which are announced, and told of once", async () => {
  const { announcer, shared, calls, told, settled } = await startMany(1_000, new Set([700, 1_001]));
  await Promise.all([settled(0), settled(699), settled(700), settled(999)]);
  const taken = () => new Set(calls.flatMap(({ announced, isTaken }) => (isTaken ? announced : [])));
  assert.is(taken().size, 999);
  assert.ok(calls.length <= 21, `${calls.length} calls`);
  assert.equal(told, [["TRACKER_REFUSED", [700]]]);
  for (const n of [1_000, 1_001]) shared.add(n);
  announcer.sharesChanged();
  await Promise.all([settled(1_000), settled(1_001)]);
  assert.ok(taken().has(1_000));
  assert.equal(told.slice(1), [["TRACKER_REFUSED", [1_001]]]);
  await announcer.close();
});

test("a tracker that takes no share at all is not asked for each of them", async () => {
  const { announcer, calls, told, settled } = await startMany(1_000, new Set(range(0, 1_000)));
  await Promise.all(range(0, 1_000).map(settled));
  assert.ok(calls.length <= 41, `${calls.length} calls`);
  await announcer.close();
  assert.equal(
    told.map(([code, ids]) => [code, ids.length]),
    [["TRACKER_REFUSED", 1_000]],
  );
});

test("a tracker that takes manifests more slowly than they come gets all of them, and is not complained of", async () => {
  const published: string[] = [];
  let refused = 0;
  const tracker = await startFakeTracker({
    announce: unary(method.announce, async ({ shares }) => ({
      ...{ ttlMs: 75_000, renewAfterMs: 30_000, leaseToken: Buffer.from("token") },
      wantedManifests: shares.map(({ contentId: id }) => id),
    })),
    publishManifest: unary(method.publishManifest, async ({ manifest }) => {
      // More often than the gRPC library calls by itself.
      if (published.length === 1 && refused++ < 6)
        throw new RpcError("RESOURCE_EXHAUSTED", "busy", undefined, 10);
      published.push(Buffer.from(manifest).toString());
      return { stored: true };
    }),
    withdraw: unary(method.withdraw, async () => ({})),
  });
  const told: string[] = [];
  const announcer = new Announcer(
    [requireEndpoint(tracker.endpoint, "tracker", 0)],
    {
      ...{ peerId: peerId(1), runEpochMs: 1, endpoints: [], listenPort: () => 9000 },
      shares: () => range(0, 3).map((n) => ({ ...SHARE, contentId: contentId(n) })),
      rootOf: (id) => Buffer.from(id),
    },
    { answered: () => undefined, failed: (_tracker, { code }) => void told.push(code) },
  );
  await announcer.settled(contentId(2), 60_000);
  assert.equal(published, range(0, 3).map(contentId));
  assert.equal(told, []);
  await announcer.close();
});

test.run();
