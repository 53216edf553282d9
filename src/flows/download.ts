// Downloads a share: ticket | .goshare file | content id ─▶ manifest ─▶ peers ─▶ scheduler ─▶ sockets fill slots ─▶
// workers verify and write ─▶ commit; verified chunks are served to others meanwhile, and afterwards if that is wanted.
// Told as a story; the parts are elsewhere. Prints nothing.
import type { ContentId } from "../core/ids.js";
import type { EventObserver, SlowTime } from "../events/event.js";
import { PROGRESS_MS } from "../events/rate.js";
import { SlowTally } from "../events/slow-tally.js";
import { MAX_CHUNK_BYTES } from "../manifest/limits.js";
import { defaultConnectionOptions } from "../peer/options.js";
import { requireReusable } from "../storage/part/reuse.js";
import { DownloadSwarm } from "../swarm/download-swarm.js";
import { defaultDownloadSwarmOptions } from "../swarm/options.js";
import type { ServedDownload } from "../swarm/uploading/served-download.js";
import { takePool } from "../workers/early-pool.js";
import { OutputClosed } from "../workers/output-store.js";
import { keepSlotMemory } from "../workers/slots.js";
import type { WorkerPool } from "../workers/worker-pool.js";
import { DownloadJob } from "./downloading/download-job.js";
import { type DownloadOptions, takesOffers } from "./downloading/download-options.js";
import { DownloadPort } from "./downloading/download-port.js";
import { DownloadPresence } from "./downloading/download-presence.js";
import { FolderDestination } from "./downloading/folder-destination.js";
import { readPatterns } from "./downloading/select-entries.js";
import type { RunningSeed } from "./downloading/serving-download.js";
import { StreamDestination } from "./downloading/stream-destination.js";
import { readContentSource, requireSomebody } from "./finding/content-source.js";
import { nobodyHelps } from "./finding/nobody-helps.js";
import { tellAnnounced } from "./finding/tracker-details.js";
import { TrackerLookup } from "./finding/tracker-lookup.js";
import { trackerWarnings } from "./finding/tracker-warnings.js";
import { trackersFor } from "./finding/trackers.js";
import { newLocalPeer } from "./peers/local-peer.js";
import { Patience } from "./peers/patience.js";

export interface DownloadResult {
  readonly contentId: ContentId;
  /** The finished file or folder; "-" for a stream. */
  readonly path: string;
  /** Of the share. */
  readonly bytes: number;
  /** Payload bytes received over the network in this run. */
  readonly bytesReceived: number;
  /** Those of them in chunks that were not used. */
  readonly bytesWasted: number;
  /** Bytes copied from an older version, if one was named. */
  readonly bytesReused?: number | undefined;
  /** Time until the share was in its place; staying for others is not counted. */
  readonly elapsedMs: number;
  /** What that time was spent on, the longest first. */
  readonly slowTimes: readonly SlowTime[];
  /** Whether the reader of the stream closed it before its end. */
  readonly isCutShort?: boolean;
  /** Serves others until it is closed; only if that was wanted. */
  readonly seed?: RunningSeed | undefined;
}

/** Downloads and commits. Throws GoshareError; verified chunks stay for the next run. */
export function download(
  options: DownloadOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<DownloadResult> {
  return downloadAt(undefined, options, observe, signal);
}

/** The same at a port shared with other downloads; undefined: at a port of its own. `named` learns the share's name as
 * soon as that is known. */
export async function downloadAt(
  sharedPort: DownloadPort | undefined,
  options: DownloadOptions,
  observe: EventObserver,
  signal: AbortSignal,
  named: (name: string) => void = () => undefined,
): Promise<DownloadResult> {
  const startMs = performance.now();
  const wanted = await readPatterns(options.select);
  if (options.reuseDirectory !== undefined) requireReusable(options.reuseDirectory);
  const source = await readContentSource(options.what);
  if (source.name !== "") named(source.name);
  const trackers = await trackersFor(source, options);
  requireSomebody(source, trackers);
  // Threads take a moment to start: at the latest they do so while peers are found and the manifest comes.
  const pool = takePool();
  // Chunks that go into a stream cannot be given to others.
  const isReachable = options.output === undefined;
  const port = isReachable ? (sharedPort ?? (await listen(options, pool, observe))) : undefined;
  const local = port?.local ?? newLocalPeer(() => 0, false);
  const { contentId } = source;
  const swarm = new DownloadSwarm({
    ...{ contentId, local, observe },
    connectionOptions: defaultConnectionOptions,
    options: { ...defaultDownloadSwarmOptions, maxPeers: options.maxPeers },
    uploadBudget: options.uploadBudget,
  });
  const presence = await arrive(port, contentId, swarm, pool);
  const warn = trackerWarnings(observe);
  const lookup = await TrackerLookup.open(trackers, contentId, local.peerId, observe, warn);
  const ending = new AbortController();
  // The rate limit may hold up a chunk for this long, which is not the fault of peers.
  const limitedMs = options.downloadBudget?.durationMs(MAX_CHUNK_BYTES) ?? 0;
  const patience = new Patience(
    options.timeoutMs + limitedMs,
    AbortSignal.any([signal, ending.signal]),
    (what) => nobodyHelps(what, contentId, swarm, lookup, job),
  );
  swarm.addPeer({ endpoints: source.peers, isNamed: true });
  const feeding = lookup.feed(swarm, ending.signal);
  const announce = (share: ServedDownload) =>
    presence?.announce(trackers, share, tellAnnounced(observe), warn);
  const { output } = options;
  const destination =
    output === undefined
      ? new FolderDestination({ ...options, patterns: wanted.patterns }, observe)
      : new StreamDestination(output);
  const tally = new SlowTally("noPeer", startMs);
  const parts = { swarm, lookup, patience, trackers, pool, announce, tally, wanted, destination, named };
  const job = new DownloadJob(options, source, parts, observe);
  const ticking = setInterval(() => job.tick(performance.now()), PROGRESS_MS);
  let seed: RunningSeed | undefined;
  try {
    const isCutShort = await untilCutShort(job.run()).finally(() => clearInterval(ticking));
    const { path } = destination;
    const endMs = performance.now();
    const elapsedMs = endMs - startMs;
    const slowTimes = tally.times(endMs);
    const { bytesReceived } = swarm;
    const { bytesWasted, bytesReused, bytes, serving } = job;
    if (presence !== undefined) {
      if (options.seed) seed = serving?.seed(presence);
      else await serving?.release(presence, signal);
    }
    const counters = { bytes, bytesReceived, bytesWasted, bytesReused, elapsedMs, slowTimes };
    return { contentId, path, ...counters, isCutShort, seed };
  } finally {
    ending.abort();
    patience.close();
    const reason = destination.isCommitted ? "finished" : "shuttingDown";
    const closed = seed === undefined ? swarm.close(reason) : undefined;
    // Running replies are sent to the end, but this waits for them only if the download has succeeded.
    if (destination.isCommitted) await closed;
    const { slots } = pool;
    await Promise.all([feeding, lookup.close(), pool.close()]);
    if (job.leavesSlotsIdle) keepSlotMemory(slots);
    destination.close();
    if (seed === undefined) {
      await presence?.close();
      job.serving?.share.close();
    }
  }
}

/** Whether a download into a stream ended because its reader has gone: that is no failure. */
async function untilCutShort(run: Promise<void>): Promise<boolean> {
  try {
    await run;
    return false;
  } catch (thrown) {
    if (thrown instanceof OutputClosed) return true;
    throw thrown;
  }
}

/** The port at which others reach this. Throws ADDRESS_IN_USE, and then nothing is left running. */
async function listen(
  options: DownloadOptions,
  pool: WorkerPool,
  observe: EventObserver,
): Promise<DownloadPort> {
  try {
    return await DownloadPort.listen(options, takesOffers(options), false, observe);
  } catch (thrown) {
    await pool.close();
    throw thrown;
  }
}

/** This download's place at the port. Throws USAGE if it is taken, likewise. */
async function arrive(
  port: DownloadPort | undefined,
  contentId: ContentId,
  swarm: DownloadSwarm,
  pool: WorkerPool,
): Promise<DownloadPresence | undefined> {
  try {
    return port && new DownloadPresence(port, contentId, swarm);
  } catch (thrown) {
    await Promise.all([pool.close(), swarm.close("shuttingDown")]);
    throw thrown;
  }
}
