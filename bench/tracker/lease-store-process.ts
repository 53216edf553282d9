// lease-store-process LEASES SAMPLES: fills a store in files with this many leases, and says in one event what that
// took and how long the event loop stood still meanwhile. A process of its own, since its memory is measured.
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ContentId, contentIdFromBytes, peerIdFromBytes } from "../../src/core/ids.js";
import type { HeldShare } from "../../src/tracker/announcement.js";
import { defaultTrackerOptions } from "../../src/tracker/server/options.js";
import type { LeaseUpdate } from "../../src/tracker/server/store.js";
import { FileStore } from "../../src/tracker/server/stores/file-store.js";
import type { Figures } from "../bench-case.js";

const LEASES_PER_PEER = 4;
const PEERS_PER_SWARM = 100;
/** One swarm is a thousand times as large as the others. */
const LARGE_SWARM_PART = 0.1;
const WANTED = 50;
const TTL_MS = 75_000;
const SNAPSHOT_DUE_MS = 30_000;

let nowMs = 0;
const clock = { nowMs: () => nowMs };

function idBytes(n: number, kind: number): Buffer {
  const bytes = Buffer.alloc(32, kind);
  // Spread over the id, as digests are.
  bytes.writeUInt32BE(n);
  bytes.writeUInt32BE(Math.imul(n, 0x9e3779b1) >>> 0, 28);
  return bytes;
}

function contentId(n: number): ContentId {
  const id = contentIdFromBytes(idBytes(n, 0xcc));
  if (id === undefined) throw new Error("32 bytes are a content id");
  return id;
}

/** The announcement of peer `n`. The first share of some peers is the one of the large swarm. */
function update(n: number, leases: number): LeaseUpdate {
  const swarms = Math.max(1, Math.floor(leases / PEERS_PER_SWARM));
  const isInLarge = n < LARGE_SWARM_PART * leases;
  const shares = Array.from({ length: LEASES_PER_PEER }, (_, i): HeldShare => {
    const swarm = i === 0 && isInLarge ? 0 : 1 + ((n * LEASES_PER_PEER + i) % swarms);
    return { contentId: contentId(swarm), chunksHeld: i, complete: n % 10 === 0 };
  });
  const peerId = peerIdFromBytes(idBytes(n, 0xee));
  if (peerId === undefined) throw new Error("32 bytes are a peer id");
  const host = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
  return { key: { peerId, host, listenPort: 9000 }, runEpochMs: 1, endpoints: [], shares, ttlMs: TTL_MS };
}

/** The microseconds that `count` calls take each: the median, and what all but one in a hundred stay below. */
async function timed(count: number, call: (n: number) => Promise<unknown>) {
  const micros = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    const startedMs = performance.now();
    await call(n);
    micros[n] = 1000 * (performance.now() - startedMs);
  }
  micros.sort();
  return { median: micros[count >> 1] ?? 0, p99: micros[Math.floor(0.99 * count)] ?? 0 };
}

/** How long `work` takes, and for how long at most the event loop did nothing else, in milliseconds. */
async function watched(work: () => Promise<unknown>) {
  const delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedMs = performance.now();
  await work();
  const tookMs = performance.now() - startedMs;
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  return { tookMs, longestStopMs: delay.max / 1e6 };
}

function residentBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage.rss();
}

async function measure(leases: number, samples: number): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), "goshare-bench-"));
  const limits = { ...defaultTrackerOptions, maxLeases: leases, maxPeers: leases / LEASES_PER_PEER };
  const warn = (code: string, message: string): void => {
    throw new Error(`${code} ${message}`);
  };
  const openIn = (name: string) => FileStore.open({ directory: join(folder, name), limits, clock, warn });
  try {
    const store = await openIn("store");
    const sample = (swarm: number) => store.sample([{ contentId: contentId(swarm), max: WANTED }], [], 2000);
    await timed(samples, sample); // so that V8 has compiled it
    const empty = await timed(samples, sample);
    const before = residentBytes();
    const added = await timed(limits.maxPeers, (n) => store.announce(update(n, leases)));
    const bytesPerLease = (residentBytes() - before) / leases;
    await timed(samples, () => sample(0));
    const large = await timed(samples, () => sample(0));
    const small = await timed(samples, (n) => sample(1 + (n % (leases / PEERS_PER_SWARM))));
    const renewed = await timed(samples, (n) => store.announce(update((n * 7919) % limits.maxPeers, leases)));

    nowMs += SNAPSHOT_DUE_MS;
    const writing = await watched(() => store.expire());
    await mkdir(join(folder, "copy"));
    await copyFile(join(folder, "store", "leases"), join(folder, "copy", "leases"));
    const reading = await watched(async () => (await openIn("copy")).close());
    const idle = await watched(() => store.expire());
    nowMs += TTL_MS;
    const expiring = await watched(() => store.expire());
    return {
      "bytes of memory per lease": bytesPerLease,
      [`announce ${LEASES_PER_PEER} new shares µs`]: added.median,
      [`renew ${LEASES_PER_PEER} shares µs`]: renewed.median,
      [`sample of an empty store p99 µs`]: empty.p99,
      [`${WANTED} of the large swarm p99 µs`]: large.p99,
      [`${WANTED} of a small swarm p99 µs`]: small.p99,
      "snapshot s": writing.tookMs / 1000,
      "snapshot, longest stop ms": writing.longestStopMs,
      "restart and its snapshot s": reading.tookMs / 1000,
      "restart and its snapshot, longest stop ms": reading.longestStopMs,
      "looking for ended leases ms": idle.tookMs,
      "expiring all s": expiring.tookMs / 1000,
      "expiring all, longest stop ms": expiring.longestStopMs,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [leases = "", samples = ""] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify({ figures: await measure(Number(leases), Number(samples)) })}\n`);
