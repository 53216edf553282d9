// goshare tracker status, as a process of its own.
import { createServer } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../gen/goshare/v1/tracker_pb.js";
import { AGENT } from "../../src/core/agent.js";
import { monotonicClock } from "../../src/core/clock.js";
import { unary } from "../../src/rpc/adapter.js";
import { defaultTrackerOptions } from "../../src/tracker/server/options.js";
import { MemoryStore } from "../../src/tracker/server/stores/memory-store.js";
import { closeFakeTrackers, startFakeTracker } from "../support/fake-tracker.js";
import { freePort } from "../support/free-port.js";
import { GoshareProcess, killAll } from "../support/goshare-process.js";
import { runGoshare } from "../support/goshare-text.js";
import { HealthWatch } from "../tracker/server/health-watch.js";
import { withTracker } from "../tracker/server/rig.js";

test.after(async () => {
  killAll();
  await closeFakeTrackers();
});

const status = (tracker: string) => new GoshareProcess(["tracker", "status", tracker]);

test("it says what a tracker is, how quickly it answers and where it sees the caller", async () => {
  await withTracker({}, async ({ endpoint }) => {
    const tracker = `127.0.0.1:${endpoint.port}`;
    const asked = status(tracker);
    assert.equal(await asked.exited, { exitCode: 0, signal: null });
    const [first] = asked.all("trackerStatus");
    const { instanceId, roundTripUs, ...rest } = first ?? {};
    assert.match(String(instanceId), /^[0-9a-f]{32}$/);
    assert.ok(Number(roundTripUs) > 0 && Number(roundTripUs) < 10_000_000);
    assert.equal(rest, {
      ...{ tracker, agent: AGENT, ttlMs: "75000", observedHost: "127.0.0.1", health: "SERVING" },
      ...{ maxSharesPerAnnounce: 1_000, maxManifestBytes: 1_048_576 },
    });
    assert.equal(Object.keys(asked.events.at(-1) ?? {}), ["done"]);
  });
});

test("for people it is a few lines", async () => {
  await withTracker({}, async ({ endpoint }) => {
    const { stdout, exitCode } = await runGoshare(["tracker", "status", `127.0.0.1:${endpoint.port}`]);
    assert.is(exitCode, 0);
    assert.match(stdout, /^health {6}serving$/m);
    assert.match(stdout, /^leases {6}last 1 min 15 s$/m);
    assert.match(stdout, /^sees you {4}at 127\.0\.0\.1$/m);
  });
});

test("settings of the environment hold for it as for others", async () => {
  await withTracker({}, async ({ endpoint }) => {
    const setting = { env: { GOSHARE_COLOR: "never", GOSHARE_QUIET: "true" } };
    const { exitCode } = await runGoshare(["tracker", "status", `127.0.0.1:${endpoint.port}`], setting);
    assert.is(exitCode, 0);
  });
});

test("one that is not serving is told with exit code 4", async () => {
  const store = Object.assign(new MemoryStore(defaultTrackerOptions, monotonicClock), {
    check: () => Promise.reject(new Error("gone")),
  });
  const use = async ({ endpoint }: { endpoint: { port: number } }): Promise<void> => {
    const watch = new HealthWatch(`127.0.0.1:${endpoint.port}`);
    await watch.saw("NOT_SERVING");
    watch.close();
    const asked = status(`127.0.0.1:${endpoint.port}`);
    assert.equal(await asked.exited, { exitCode: 4, signal: null });
    assert.is(asked.all("trackerStatus")[0]?.["health"], "NOT_SERVING");
    assert.is(asked.all("failed")[0]?.["code"], "TRACKER_REFUSED");
  };
  await withTracker({ shutdownGraceMs: 100 }, use, store);
});

test("one without a health service is told as it is", async () => {
  const info = unary(TrackerService.method.getTrackerInfo, async () => ({ agent: "other/1\u001b[2J" }));
  const { endpoint } = await startFakeTracker({ getTrackerInfo: info });
  const { stdout, exitCode } = await runGoshare(["tracker", "status", endpoint]);
  assert.is(exitCode, 0);
  assert.match(stdout, /^health {6}not known$/m);
  assert.match(stdout, "other/1\\u{1b}[2J");
});

test("nobody there, and something else there, end with exit code 4", async () => {
  const nobody = status(`127.0.0.1:${await freePort()}`);
  assert.is((await nobody.waitFor("failed"))["code"], "TRACKER_UNREACHABLE");
  assert.equal(await nobody.exited, { exitCode: 4, signal: null });

  const talker = createServer((socket) => socket.on("error", () => {}).end("220 mail.example\r\n"));
  await new Promise<void>((resolve) => talker.listen(0, "127.0.0.1", resolve));
  const address = talker.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const other = status(`127.0.0.1:${address.port}`);
  assert.equal(await other.exited, { exitCode: 4, signal: null });
  talker.close();
});

test("what is no address is a usage error", async () => {
  assert.equal(await status("no address").exited, { exitCode: 2, signal: null });
});

test.run();
