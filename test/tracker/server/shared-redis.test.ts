// Several trackers over one Redis, with peers that keep their leases as every goshare does: one tracker is killed,
// then Redis forgets everything.
import { type ChildProcess, spawn } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TrackerService } from "../../../gen/goshare/v1/tracker_pb.js";
import type { Endpoint } from "../../../src/address/endpoint.js";
import { monotonicClock, pause } from "../../../src/core/clock.js";
import { randomPeerId } from "../../../src/core/ids.js";
import { Announcer } from "../../../src/swarm/announcer.js";
import { MIN_RENEW_MS } from "../../../src/tracker/limits.js";
import { defaultTrackerOptions } from "../../../src/tracker/server/options.js";
import { openRedisStore } from "../../../src/tracker/server/stores/open-redis-store.js";
import { killRedisServers, RedisServer, redisProblem } from "../../support/redis-server.js";
import { ScratchFolder } from "../../support/scratch-folder.js";
import { skipTest } from "../../support/skip-test.js";
import { HealthWatch } from "./health-watch.js";
import { endpointOf, rootNamed, rpcFailure, withTracker } from "./rig.js";

const CHILD = fileURLToPath(new URL("short-interval-child.js", import.meta.url));
const PEERS = 200;
const SWARMS = 10;
/** The longest that a renewal waits, and a second for a busy machine. */
const INTERVAL_MS = MIN_RENEW_MS * 1.2 + 1_000;
const never = new AbortController().signal;

const roots = Array.from({ length: SWARMS }, (_, n) => rootNamed(`share ${n}`));
const children = new Set<ChildProcess>();

interface TrackerProcess {
  readonly endpoint: Endpoint;
  kill(): void;
}

async function startTrackerProcess(store: string): Promise<TrackerProcess> {
  const child = spawn(process.execPath, [CHILD, store], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { endpoint: endpointOf(String(line)), kill: () => child.kill("SIGKILL") };
}

/** Peers that began at any time within one interval, as real ones do, and when their trackers answered them. */
function startPeers(trackers: readonly Endpoint[]): { readonly answersMs: number[]; close(): Promise<void> } {
  const answersMs: number[] = [];
  const closing = new AbortController();
  setMaxListeners(PEERS, closing.signal);
  const announcers = Array.from({ length: PEERS }, async (_, n) => {
    await pause((MIN_RENEW_MS * n) / PEERS, closing.signal);
    const root = roots[n % SWARMS];
    if (root === undefined) throw new Error("a peer without a share");
    const share = { contentId: root.contentId, chunksHeld: 1, complete: true, wantPeers: 5 };
    const peer = {
      ...{ peerId: randomPeerId(), runEpochMs: 1, endpoints: [] },
      ...{ listenPort: () => 1000 + n, shares: () => [share], rootOf: () => root.bytes },
    };
    const answered = () => answersMs.push(performance.now());
    return new Announcer(trackers, peer, { answered, failed: () => {} });
  });
  return {
    answersMs,
    async close() {
      closing.abort();
      await Promise.all((await Promise.all(announcers)).map((announcer) => announcer.close()));
    },
  };
}

const problem = redisProblem();
if (problem !== undefined) {
  skipTest("two trackers over one Redis lose no lease", problem);
} else {
  const scratch = new ScratchFolder();
  const redis = await RedisServer.start(scratch.path);
  const store = await openRedisStore(redis.spec, defaultTrackerOptions, monotonicClock);
  test.after(async () => {
    await store.close();
    for (const child of children) child.kill("SIGKILL");
    killRedisServers();
    scratch.remove();
  });

  const leases = async (): Promise<number> => {
    const queries = roots.map(({ contentId }) => ({ contentId, max: 0 }));
    const samples = await store.sample(queries, [], 0);
    return samples.reduce((sum, { counts }) => sum + counts.completePeers, 0);
  };
  const untilWhole = async (): Promise<void> => {
    while ((await leases()) < PEERS) await new Promise(setImmediate);
  };
  /** Fails as soon as a lease is missing, for longer than one lives that nobody renews. */
  const staysWhole = async (ms: number): Promise<void> => {
    for (const startMs = performance.now(); performance.now() - startMs < ms; await pause(50, never)) {
      assert.is(await leases(), PEERS);
    }
  };
  const answerRates = (answersMs: readonly number[], fromMs: number): number[] => {
    const rates: number[] = [];
    for (const atMs of answersMs) {
      const second = Math.floor((atMs - fromMs) / 1000);
      if (second >= 0) rates[second] = (rates[second] ?? 0) + 1;
    }
    return Array.from(rates, (rate) => rate ?? 0).slice(0, -1);
  };

  test("of two trackers one is killed: no lease is lost; Redis forgets all: whole within an interval", async () => {
    const [first, second] = [await startTrackerProcess(redis.spec), await startTrackerProcess(redis.spec)];
    const peers = startPeers([first.endpoint, second.endpoint]);
    try {
      await untilWhole();
      first.kill();
      await staysWhole(3 * MIN_RENEW_MS);
      redis.command("flushall");
      const flushedAtMs = performance.now();
      await untilWhole();
      const wholeAfterMs = performance.now() - flushedAtMs;
      assert.ok(wholeAfterMs < INTERVAL_MS, `whole after ${wholeAfterMs} ms`);
      for (const { contentId, bytes } of roots) {
        assert.equal(await store.manifest(contentId), Buffer.from(bytes));
      }
      await staysWhole(INTERVAL_MS);
      const rates = answerRates(peers.answersMs, flushedAtMs);
      const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
      assert.ok(
        Math.max(...rates) <= 2 * mean,
        `announcements a second after the flush: ${rates.join(", ")}`,
      );
    } finally {
      await peers.close();
    }
    assert.is(await leases(), 0);
  });

  test("a token of one tracker is good at the other, and what one was told the other gives out", async () => {
    const options = { store: redis.spec };
    const root = rootNamed("told to one");
    const peerId = Buffer.alloc(32, 5);
    const contentId = Buffer.from(root.contentId, "hex");
    await withTracker(options, async (one) => {
      await withTracker(options, async (other) => {
        const announcement = {
          ...{ peerId, listenPort: 9000, runEpochMs: 1n },
          shares: [{ contentId, complete: true }],
        };
        const { leaseToken, wantedManifests } = await one.call(TrackerService.method.announce, announcement);
        assert.is(wantedManifests.length, 1);
        const manifest = root.bytes;
        const published = await other.call(TrackerService.method.publishManifest, {
          peerId,
          leaseToken,
          manifest,
        });
        assert.ok(published.stored);
        const found = await one.call(TrackerService.method.getManifest, { contentId });
        assert.equal(Buffer.from(found.manifest), Buffer.from(root.bytes));
        const { counts } = await other.call(TrackerService.method.listPeers, { contentId, max: 5 });
        assert.is(counts?.completePeers, 1);
        await other.call(TrackerService.method.withdraw, { peerId, leaseToken });
        const after = await one.call(TrackerService.method.listPeers, { contentId, max: 5 });
        assert.is(after.counts?.completePeers, 0);
      });
    });
  });

  test("while Redis is away a tracker answers UNAVAILABLE, and says nothing of where it is", async () => {
    const away = await RedisServer.start(scratch.folder());
    await withTracker({ store: away.spec }, async ({ endpoint, call, events }) => {
      const query = { contentId: Buffer.alloc(32, 1), max: 5 };
      const health = new HealthWatch(`127.0.0.1:${endpoint.port}`);
      await health.saw("SERVING");
      await call(TrackerService.method.listPeers, query);
      await away.kill();
      await health.saw("NOT_SERVING");
      const failure = await rpcFailure(call(TrackerService.method.listPeers, query));
      assert.is(failure.status, "UNAVAILABLE");
      assert.not(failure.message.includes(String(away.port)));
      await away.restart();
      await health.saw("SERVING");
      health.close();
      await call(TrackerService.method.listPeers, query);
      assert.equal(
        events.filter((event) => event.type === "warning" && event.code === "BUG"),
        [],
      );
    });
  });
}

test.run();
