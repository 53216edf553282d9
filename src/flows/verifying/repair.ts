// Repairs what verify found wrong: peers ─▶ wrong chunks ─▶ workers verify and write ─▶ into their places. Right chunks
// are not touched, and are given to peers that ask meanwhile. Does not look for wrong chunks itself.
import * as path from "node:path";
import type { Endpoint } from "../../address/endpoint.js";
import { Bitfield } from "../../core/bitfield.js";
import { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import { PROGRESS_MS } from "../../events/rate.js";
import { SlowTally } from "../../events/slow-tally.js";
import { MAX_CHUNK_BYTES } from "../../manifest/limits.js";
import type { Manifest } from "../../manifest/manifest.js";
import { Selection } from "../../manifest/selection.js";
import { defaultConnectionOptions } from "../../peer/options.js";
import { RepairTarget } from "../../storage/final/repair-target.js";
import type { TargetComparison } from "../../storage/final/target-comparison.js";
import { DownloadSwarm } from "../../swarm/download-swarm.js";
import { ChunkDownload } from "../../swarm/downloading/chunk-download.js";
import { defaultDownloadSwarmOptions } from "../../swarm/options.js";
import type { RateBudget } from "../../swarm/rate-budget.js";
import { ServedDownload } from "../../swarm/uploading/served-download.js";
import { syncTasks } from "../../workers/batches.js";
import { PartStore } from "../../workers/part-store.js";
import { SlotPool } from "../../workers/slots.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import { chunkTroubles } from "../downloading/chunk-troubles.js";
import { DownloadProgress } from "../downloading/download-progress.js";
import { type ContentSource, requireSomebody } from "../finding/content-source.js";
import { nobodyHelps } from "../finding/nobody-helps.js";
import { TrackerLookup } from "../finding/tracker-lookup.js";
import { newLocalPeer } from "../peers/local-peer.js";
import { LonelyWarnings } from "../peers/lonely-warnings.js";
import { Patience } from "../peers/patience.js";
import { toldWait } from "../told-wait.js";

export interface RepairOptions {
  /** The rate at which chunks may be asked for; undefined: no limit. */
  readonly downloadBudget: RateBudget | undefined;
}

/** What verify knows. */
export interface RepairWork {
  readonly source: ContentSource;
  readonly trackers: readonly Endpoint[];
  readonly manifest: Manifest;
  readonly rootPath: string;
  readonly comparison: TargetComparison;
  /** The chunks that are right. */
  readonly right: Bitfield;
  readonly pool: WorkerPool;
}

export interface Repaired {
  readonly path: string;
  readonly bytesReceived: number;
  readonly bytesWasted: number;
}

/** Resolves when all is right. Throws GoshareError; what was repaired by then stays repaired. */
export async function repair(
  options: RepairOptions & { readonly timeoutMs: number },
  work: RepairWork,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<Repaired> {
  const { manifest, rootPath, comparison, right } = work;
  refuseStranger(work);
  if (!right.isFull) requireSomebody(work.source, work.trackers);
  const wait = toldWait(observe, rootPath, signal);
  const target = await RepairTarget.open(rootPath, manifest, comparison, wait);
  try {
    const finish = () =>
      target.finish(comparison, (entries) => work.pool.runAll(syncTasks(entries), () => undefined));
    if (!right.isFull)
      return { path: rootPath, ...(await fetchWrong(options, work, target, finish, observe, signal)) };
    await finish();
    return { path: rootPath, bytesReceived: 0, bytesWasted: 0 };
  } finally {
    target.close();
  }
}

/** Something with another name that has nothing of the share was hardly meant, and would be lost. */
function refuseStranger({ manifest, rootPath, comparison, right }: RepairWork): void {
  const { name, chunkCount, entryCount } = manifest.root;
  // A share without any bytes consists of entries only.
  const entriesRight = entryCount - comparison.files.size - comparison.entries.length;
  const hasSomething = chunkCount === 0 ? entriesRight > 0 : right.count > 0;
  if (hasSomething || path.basename(rootPath) === name) return;
  throw new GoshareError(
    "CONTENT_DIFFERS",
    `${rootPath} has nothing of ${name} in it, so it is not repaired`,
    {
      hint: "check the path; goshare download fetches the whole share",
    },
  );
}

/** Fetches the wrong chunks from peers, then calls `finish`. */
async function fetchWrong(
  options: RepairOptions & { readonly timeoutMs: number },
  { source, trackers, manifest, rootPath, right, pool }: RepairWork,
  target: RepairTarget,
  finish: () => Promise<void>,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<{ readonly bytesReceived: number; readonly bytesWasted: number }> {
  const { root } = manifest;
  const { contentId } = root;
  // It dials, but does not announce itself: for a few chunks nobody needs to find it.
  const local = newLocalPeer(() => 0);
  const connectionOptions = defaultConnectionOptions;
  const swarm = new DownloadSwarm({
    ...{ contentId, local, observe, connectionOptions, options: defaultDownloadSwarmOptions },
  });
  const lookup = await TrackerLookup.open(trackers, contentId, local.peerId, observe);
  const ending = new AbortController();
  const limitedMs = options.downloadBudget?.durationMs(MAX_CHUNK_BYTES) ?? 0;
  const patience = new Patience(
    options.timeoutMs + limitedMs,
    AbortSignal.any([signal, ending.signal]),
    (what) => {
      // Another chunk size would not help here: what is on the disk is compared by this one.
      const seen = { isHonestlyServed: chunks.isHonestlyServed, breaksInChunks: false };
      return nobodyHelps(what, contentId, swarm, lookup, seen);
    },
  );
  const slotPool = new SlotPool(pool.slots, root.chunkSize, () => chunks.slotFreed());
  const selection = new Selection(manifest);
  const store = new PartStore(selection, target, pool, slotPool);
  const chunks: ChunkDownload = new ChunkDownload(
    { selection, store, pool, slots: slotPool, budget: options.downloadBudget },
    right.copy(),
    new Bitfield(root.chunkCount),
    defaultDownloadSwarmOptions,
    {
      progressed: () => patience.begin("peers"),
      verified: (chunkIndex) => share.news.gained(chunkIndex),
      ...chunkTroubles(swarm, observe),
    },
  );
  const share = new ServedDownload(manifest, chunks.held, { rootPath, identities: undefined }, () =>
    swarm.stopServing(),
  );
  observe({
    ...{ type: "downloading", contentId, name: root.name, path: rootPath, bytes: root.totalSize },
    ...{ files: manifest.files.length, chunks: root.chunkCount, resumedBytes: chunks.bytesDone },
  });
  const counters = { bytesDone: () => chunks.bytesDone, bytesFound: () => 0, peers: () => swarm.peerCount };
  const state = { contentId, bytesTotal: root.totalSize, ...counters };
  const progress = new DownloadProgress(state, observe, performance.now());
  const tally = new SlowTally("noPeer", performance.now());
  const lonely = new LonelyWarnings(swarm, observe);
  const ticking = setInterval(() => {
    lonely.tell(performance.now());
    tally.turn(swarm.slowReason(lookup.isSilent), performance.now());
    progress.tell(tally.reason, performance.now());
  }, PROGRESS_MS);
  patience.begin("peers");
  swarm.addPeer({ endpoints: source.peers, isNamed: true });
  const feeding = lookup.feed(swarm, ending.signal);
  swarm.start(chunks, share);
  let isRepaired = false;
  const endWaiting = () => {
    clearInterval(ticking);
    ending.abort();
    patience.close();
  };
  try {
    await chunks.run(patience.signal);
    progress.finish(tally.reason, performance.now());
    endWaiting();
    await finish();
    isRepaired = true;
    return { bytesReceived: swarm.bytesReceived, bytesWasted: chunks.bytesWasted };
  } finally {
    endWaiting();
    // Only a peer that says "finished" counts as a copy.
    await Promise.all([swarm.close(isRepaired ? "finished" : "shuttingDown"), feeding, lookup.close()]);
    share.close();
  }
}
