// Two trackers that share one Redis, with thousands of peers: one tracker is killed, then Redis forgets everything.
// Measures how many leases were missing meanwhile, when all were there again, and how unevenly announcements came.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicClock, pause } from "../../src/core/clock.js";
import { defaultTrackerOptions } from "../../src/tracker/server/options.js";
import type { TrackerStore } from "../../src/tracker/server/store.js";
import { openRedisStore } from "../../src/tracker/server/stores/open-redis-store.js";
import { RedisServer } from "../../test/support/redis-server.js";
import { rootNamed } from "../../test/tracker/server/rig.js";
import { type BenchCase, type Figures, LOOPBACK } from "../bench-case.js";
import { MeasuredProcess } from "../measured-process.js";
import { cpuSecondsOf } from "../process-cpu.js";
import { AnnouncingPeers } from "./announcing-peers.js";

const { minRenewMs } = defaultTrackerOptions;
const LIMIT_MS = 10 * minRenewMs;
const LOOK_EVERY_MS = 200;
const SWARMS = 50;
const never = new AbortController().signal;

interface Running {
  readonly redis: RedisServer;
  readonly store: TrackerStore;
  readonly trackers: readonly MeasuredProcess[];
  readonly peers: AnnouncingPeers;
}

export class RedisPeersCase implements BenchCase {
  readonly name = "tracker/redis-peers";
  readonly isLong = true;
  readonly #peers: number;
  readonly #roots = Array.from({ length: SWARMS }, (_, n) => rootNamed(`share ${n}`));
  #folder = "";
  #running: Running | undefined;

  constructor(peers: number) {
    this.#peers = peers;
  }

  async prepare(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), "goshare-bench-"));
  }

  async run(): Promise<Figures> {
    const running = await this.#start();
    const { redis, trackers, peers } = running;
    try {
      await this.#untilWhole(running);
      const [first, second] = trackers;
      first?.kill();
      const leastAfterKill = await this.#leastWithin(running, 3 * minRenewMs);

      const before = {
        trackerSeconds: second?.usedSoFar.cpuSeconds ?? 0,
        redisSeconds: cpuSecondsOf(redis.pid),
      };
      const [sentBefore, answersBefore] = [peers.manifestBytesSent, peers.answersMs.length];
      redis.command("flushall");
      const flushedAtMs = performance.now();
      const wholeAfterMs = await this.#untilWhole(running);
      await pause(2 * minRenewMs - wholeAfterMs, never);
      const answers = peers.answersMs.length - answersBefore;
      const rates = ratesOf(peers.answersMs, flushedAtMs);
      const rootBytes = this.#roots.reduce((sum, { bytes }) => sum + bytes.length, 0);
      return {
        "leases missing after a kill": this.#peers - leastAfterKill,
        "s until all were there after a flush": wholeAfterMs / 1000,
        "announcements a second after a flush, peak over mean": Math.max(...rates) / meanOf(rates),
        "manifest bytes sent after a flush, over their size":
          (peers.manifestBytesSent - sentBefore) / rootBytes,
        "tracker CPU µs for an announcement":
          (((second?.usedSoFar.cpuSeconds ?? 0) - before.trackerSeconds) * 1e6) / answers,
        "Redis CPU µs for an announcement": ((cpuSecondsOf(redis.pid) - before.redisSeconds) * 1e6) / answers,
      };
    } finally {
      await this.#stop();
    }
  }

  async #start(): Promise<Running> {
    const redis = await RedisServer.start(this.#folder);
    const store = await openRedisStore(redis.spec, defaultTrackerOptions, monotonicClock);
    const trackers = [1, 2].map(
      () => new MeasuredProcess(["tracker", "--store", redis.spec, "--listen", LOOPBACK]),
    );
    const listening = await Promise.all(trackers.map((tracker) => tracker.event("listening")));
    const endpoints = listening.map(({ endpoint }) => String(endpoint));
    // Peers begin spread over one renewal interval, as those that are there at any given time have.
    const peers = new AnnouncingPeers(endpoints, this.#peers, this.#roots, minRenewMs);
    this.#running = { redis, store, trackers, peers };
    return this.#running;
  }

  async #leases({ store }: Running): Promise<number> {
    const queries = this.#roots.map(({ contentId }) => ({ contentId, max: 0 }));
    const samples = await store.sample(queries, [], 0);
    return samples.reduce((sum, { counts }) => sum + counts.completePeers, 0);
  }

  async #untilWhole(running: Running): Promise<number> {
    const startedMs = performance.now();
    while ((await this.#leases(running)) < this.#peers) {
      if (performance.now() - startedMs > LIMIT_MS) throw new Error("leases are missing for minutes");
      await pause(LOOK_EVERY_MS, never);
    }
    return performance.now() - startedMs;
  }

  async #leastWithin(running: Running, ms: number): Promise<number> {
    let least = this.#peers;
    for (const startedMs = performance.now(); performance.now() - startedMs < ms; ) {
      least = Math.min(least, await this.#leases(running));
      await pause(LOOK_EVERY_MS, never);
    }
    return least;
  }

  async #stop(): Promise<void> {
    const { redis, store, trackers, peers } = this.#running ?? {};
    this.#running = undefined;
    await peers?.close();
    for (const tracker of trackers ?? []) tracker.kill();
    await store?.close();
    await redis?.kill();
  }

  async cleanUp(): Promise<void> {
    await this.#stop();
    if (this.#folder !== "") rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Answers in each full second from `fromMs` on. */
function ratesOf(answersMs: readonly number[], fromMs: number): number[] {
  const rates: number[] = [];
  for (const atMs of answersMs) {
    const second = Math.floor((atMs - fromMs) / 1000);
    if (second >= 0) rates[second] = (rates[second] ?? 0) + 1;
  }
  return Array.from(rates, (rate) => rate ?? 0).slice(0, -1);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
