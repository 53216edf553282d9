// Downloads a share: ticket | .goshare file | content id ─▶ manifest ─▶ peers ─▶ scheduler ─▶ sockets fill
// slots ─▶ workers verify and write ─▶ commit; what is verified is served to others meanwhile, and afterwards if
// that is wanted. Told as a story; the parts are elsewhere. Prints nothing.
import type { Endpoint, ListenAddress } from "../address/endpoint.js";
import { Bitfield } from "../core/bitfield.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { EventObserver, SlowTime } from "../events/event.js";
import { SlowTally } from "../events/slow-tally.js";
import { checkManifest } from "../manifest/check.js";
import { MAX_CHUNK_BYTES } from "../manifest/limits.js";
import type { Manifest, ManifestRoot } from "../manifest/manifest.js";
import type { LocalPeer } from "../peer/handshake.js";
import { defaultConnectionOptions } from "../peer/options.js";
import { commit, finishCommit } from "../storage/commit.js";
import { PartFolder } from "../storage/part-folder.js";
import { refuseUnsupportedNames } from "../storage/target-names.js";
import { ChunkDownload } from "../swarm/chunk-download.js";
import { DownloadSwarm } from "../swarm/download-swarm.js";
import { defaultDownloadSwarmOptions } from "../swarm/options.js";
import type { RateBudget } from "../swarm/rate-budget.js";
import type { ServedDownload } from "../swarm/served-download.js";
import { syncTasks } from "../workers/batches.js";
import { SlotPool, slotMemory } from "../workers/slots.js";
import { WorkerPool } from "../workers/worker-pool.js";
import { type ContentSource, readContentSource, requireSomebody, ticketFor } from "./content-source.js";
import { DownloadPresence } from "./download-presence.js";
import { DownloadProgress, PROGRESS_MS } from "./download-progress.js";
import { liarWarnings } from "./liar-warnings.js";
import { newLocalPeer } from "./local-peer.js";
import { firstRoot, TrackerLookup } from "./manifest-lookup.js";
import { nobodyHelps } from "./nobody-helps.js";
import { Patience } from "./patience.js";
import { type RunningSeed, ServingDownload } from "./serving-download.js";
import { trackerWarnings } from "./tracker-warnings.js";
import { chooseTrackers } from "./trackers.js";

export interface DownloadOptions {
  /** A ticket, the path of a .goshare file, or a content id. */
  readonly what: string;
  /** Made if it is not there. */
  readonly outputDirectory: string;
  readonly trackers: readonly Endpoint[];
  /** Whether to look for a tracker on this machine if none is named. */
  readonly probeLocalTracker: boolean;
  /** How long to wait for a manifest, or for the next verified chunk. */
  readonly timeoutMs: number;
  /** What may be asked of peers; undefined: no limit. */
  readonly downloadBudget: RateBudget | undefined;
  /** What may be sent to others; undefined: no limit. */
  readonly uploadBudget: RateBudget | undefined;
  readonly listen: ListenAddress;
  /** False: `listen` is the default, and a free port will do if it is taken. */
  readonly listenGiven: boolean;
  /** Peers to be connected to at most. */
  readonly maxPeers: number;
  /** Connections accepted from one address. */
  readonly maxConnectionsPerHost: number;
  /** Whether to go on serving when everything is there. */
  readonly seed: boolean;
}

export interface DownloadResult {
  readonly contentId: ContentId;
  /** The finished file or folder. */
  readonly path: string;
  /** Of the share. */
  readonly bytes: number;
  /** Payload bytes that came over the network in this run. */
  readonly bytesReceived: number;
  /** Of them, in chunks that were not used. */
  readonly bytesWasted: number;
  /** Until the share was in its place; staying for others is not counted. */
  readonly elapsedMs: number;
  /** What that time went into, the longest first. */
  readonly slowTimes: readonly SlowTime[];
  /** Until it is closed, others are served; only if that was wanted. */
  readonly seed?: RunningSeed | undefined;
}

/** Downloads and commits. Throws GoshareError; whatever was verified stays for the next run. */
export async function download(
  options: DownloadOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<DownloadResult> {
  const startMs = performance.now();
  const source = await readContentSource(options.what);
  const named = [...options.trackers, ...source.trackers];
  const trackers = await chooseTrackers(named, options.probeLocalTracker && source.peers.length === 0);
  requireSomebody(source, trackers);
  // Threads take a moment to start: they do so while peers are found and the manifest comes.
  const slots = slotMemory();
  const pool = new WorkerPool(slots);
  let listenPort = 0;
  const local = newLocalPeer(() => listenPort);
  const { contentId } = source;
  const swarm = new DownloadSwarm({
    ...{ contentId, local, observe },
    connectionOptions: defaultConnectionOptions,
    options: { ...defaultDownloadSwarmOptions, maxPeers: options.maxPeers },
    uploadBudget: options.uploadBudget,
  });
  const presence = await listen(options, local, swarm, pool, observe);
  // Told in every Hello, so before anybody is dialled.
  listenPort = presence.port;
  const warn = trackerWarnings(observe);
  const lookup = await TrackerLookup.open(trackers, contentId, local.peerId, warn);
  const ending = new AbortController();
  // The limit may keep a chunk away for so long, and that is not the fault of peers.
  const limitedMs = options.downloadBudget?.durationMs(MAX_CHUNK_BYTES) ?? 0;
  const patience = new Patience(
    options.timeoutMs + limitedMs,
    AbortSignal.any([signal, ending.signal]),
    (what) => nobodyHelps(what, contentId, swarm, lookup, job.isHonestlyServed),
  );
  swarm.addPeer({ endpoints: source.peers, isNamed: true });
  const feeding = lookup.feed(swarm, ending.signal);
  const announce = (share: ServedDownload) => presence.announce(trackers, local, share, warn);
  const tally = new SlowTally("noPeer", startMs);
  const parts = { swarm, lookup, patience, trackers, slots, pool, announce, tally };
  const job = new DownloadJob(options, source, parts, observe);
  const ticking = setInterval(() => job.tick(performance.now()), PROGRESS_MS);
  let seed: RunningSeed | undefined;
  try {
    const path = await job.run().finally(() => clearInterval(ticking));
    const endMs = performance.now();
    const elapsedMs = endMs - startMs;
    const slowTimes = tally.times(endMs);
    const { bytesReceived } = swarm;
    const { bytesWasted, bytes, serving } = job;
    if (options.seed) seed = serving?.seed(presence);
    else await serving?.release(presence, signal);
    return { contentId, path, bytes, bytesReceived, bytesWasted, elapsedMs, slowTimes, seed };
  } finally {
    ending.abort();
    patience.close();
    const closed = seed === undefined ? swarm.close() : undefined;
    // Who is being sent something gets it whole, but nobody waits for that where the download has failed.
    if (job.isCommitted) await closed;
    await Promise.all([feeding, lookup.close(), job.close()]);
    if (seed === undefined) {
      await presence.close();
      job.serving?.share.close();
    }
  }
}

/** The port others come to. Throws ADDRESS_IN_USE, and then nothing is left running. */
async function listen(
  options: DownloadOptions,
  local: LocalPeer,
  swarm: DownloadSwarm,
  pool: WorkerPool,
  observe: EventObserver,
): Promise<DownloadPresence> {
  try {
    return await DownloadPresence.listen(options, local, swarm, observe);
  } catch (thrown) {
    await pool.close();
    throw thrown;
  }
}

interface JobParts {
  readonly swarm: DownloadSwarm;
  readonly lookup: TrackerLookup;
  readonly patience: Patience;
  /** Those in use. */
  readonly trackers: readonly Endpoint[];
  readonly pool: WorkerPool;
  /** What `pool` was made with. */
  readonly slots: SharedArrayBuffer;
  /** Lets others find this download, to be given what it has. */
  readonly announce: (share: ServedDownload) => void;
  readonly tally: SlowTally;
}

/** What is looked at while chunks are fetched. */
interface Fetching {
  readonly part: PartFolder;
  readonly chunks: ChunkDownload;
  readonly progress: DownloadProgress;
}

class DownloadJob {
  readonly #options: DownloadOptions;
  readonly #source: ContentSource;
  readonly #parts: JobParts;
  readonly #observe: EventObserver;
  #part: PartFolder | undefined;
  #chunks: ChunkDownload | undefined;
  #fetching: Fetching | undefined;
  #isRootMissing = false;
  /** What others are given, once there is a manifest. */
  serving: ServingDownload | undefined;
  isCommitted = false;
  bytes = 0;

  constructor(options: DownloadOptions, source: ContentSource, parts: JobParts, observe: EventObserver) {
    this.#options = options;
    this.#source = source;
    this.#parts = parts;
    this.#observe = observe;
  }

  /** Whether a chunk that came from a peer was right. */
  get isHonestlyServed(): boolean {
    return this.#chunks?.isHonestlyServed === true;
  }

  get bytesWasted(): number {
    return this.#chunks?.bytesWasted ?? 0;
  }

  /** To be called every PROGRESS_MS. */
  tick(nowMs: number): void {
    const { tally } = this.#parts;
    const before = tally.reason;
    this.#turnReason(nowMs);
    if (this.#isRootMissing && tally.reason !== before) this.#tellWait();
    if (this.#fetching === undefined) return;
    const { part, chunks, progress } = this.#fetching;
    // What is told is in the journal: whoever stops the process now loses nothing of it.
    try {
      part.flushJournal();
    } catch (thrown) {
      chunks.fail(GoshareError.from(thrown));
    }
    progress.tell(tally.reason, nowMs);
  }

  #turnReason(nowMs: number): void {
    const { tally, swarm, lookup } = this.#parts;
    const isAllHere = this.#chunks?.held.isFull === true;
    tally.turn(isAllHere ? "disk" : swarm.slowReason(lookup.isSilent), nowMs);
  }

  /** The path of the finished share. */
  async run(): Promise<string> {
    const root = await this.#findRoot();
    this.bytes = root.totalSize;
    // What is no manifest is refused before anything is made on the disk.
    const known =
      this.#source.manifest ??
      (root.inlineBody === undefined ? undefined : checkManifest(root, root.inlineBody));
    this.#part = await PartFolder.open(this.#options.outputDirectory, root);
    const part = this.#part;
    if (part.isClaimed) {
      finishCommit(part);
      return part.targetPath;
    }
    part.storeTicket(ticketFor(root, this.#source, this.#parts.trackers));
    const manifest = known ?? (await this.#findBody(root, part));
    refuseUnsupportedNames(manifest, part);
    await this.#fetchChunks(manifest, part);
    await commit(part, manifest, (paths) => this.#syncFiles(paths));
    this.isCommitted = true;
    await this.serving?.committed(part.targetPath, this.#options.seed);
    return part.targetPath;
  }

  async close(): Promise<void> {
    await this.#parts.pool.close();
    this.#part?.close();
  }

  #tellWait(): void {
    const slowReason = this.#parts.tally.reason;
    const { contentId } = this.#source;
    this.#observe({ type: "waiting", contentId, waitingFor: "manifest", slowReason });
  }

  async #findRoot(): Promise<ManifestRoot> {
    if (this.#source.root !== undefined) return this.#source.root;
    const { lookup, swarm, patience } = this.#parts;
    this.#tellWait();
    this.#isRootMissing = true;
    patience.begin("manifest");
    try {
      return await firstRoot(swarm, lookup, patience.signal);
    } finally {
      this.#isRootMissing = false;
    }
  }

  async #findBody(root: ManifestRoot, part: PartFolder): Promise<Manifest> {
    const stored = part.storedBody();
    if (stored !== undefined) {
      try {
        return checkManifest(root, stored);
      } catch {
        // Torn by a crash; peers have it.
      }
    }
    const { swarm, patience } = this.#parts;
    patience.begin("manifest");
    const manifest = checkManifest(root, await swarm.fetchBody(root, patience.signal));
    part.storeBody(manifest.bodyBytes);
    return manifest;
  }

  async #fetchChunks(manifest: Manifest, part: PartFolder): Promise<void> {
    const { swarm, patience, pool } = this.#parts;
    const { root } = manifest;
    const slots = new SlotPool(this.#parts.slots, root.chunkSize, () => this.#chunks?.slotFreed());
    const none = new Bitfield(root.chunkCount);
    const claimed = part.claims.held;
    const isTrusted = claimed.count > 0 && (await part.takePauseMark(manifest));
    const chunks = new ChunkDownload(
      { manifest, part, pool, slots, budget: this.#options.downloadBudget },
      ...(isTrusted ? ([claimed, none] as const) : ([none, claimed] as const)),
      defaultDownloadSwarmOptions,
      {
        progressed: () => patience.begin("peers"),
        verified: (chunkIndex) => share.news.gained(chunkIndex),
        refused: (peer, reason) => swarm.refused(peer, reason),
        stalled: (peer) => swarm.stalled(peer),
        lied: liarWarnings(swarm, this.#observe),
      },
    );
    this.#chunks = chunks;
    const serving = new ServingDownload(swarm, manifest, chunks.held, part, this.#observe);
    const { share } = serving;
    this.serving = serving;
    this.#observe({
      ...{ type: "downloading", contentId: root.contentId, name: root.name, path: part.targetPath },
      ...{ bytes: root.totalSize, files: manifest.files.length, chunks: root.chunkCount },
      resumedBytes: chunks.bytesDone,
    });
    const progress = new DownloadProgress(
      {
        ...{ contentId: root.contentId, bytesTotal: root.totalSize },
        ...{ bytesDone: () => chunks.bytesDone, peers: () => swarm.peerCount },
      },
      this.#observe,
      performance.now(),
    );
    patience.begin("peers");
    swarm.start(chunks, share);
    this.#parts.announce(share);
    this.#turnReason(performance.now());
    this.#fetching = { part, chunks, progress };
    try {
      await chunks.run(patience.signal);
      const endMs = performance.now();
      progress.finish(this.#parts.tally.reason, endMs);
      this.#turnReason(endMs);
    } catch (thrown) {
      await this.#pause(manifest, part, chunks).catch((failed: unknown) => {
        // Without its mark a pause costs a second look at what is there; without what was written it is none.
        if (failed instanceof GoshareError && failed.code === "SYNC_FAILED") throw failed;
      });
      throw thrown;
    } finally {
      this.#fetching = undefined;
      patience.rest();
    }
  }

  /** Leaves what is verified so that the next run can trust it. */
  async #pause(manifest: Manifest, part: PartFolder, chunks: ChunkDownload): Promise<void> {
    if (chunks.held.count === 0) return;
    const written = function* () {
      for (const [fileIndex, file] of manifest.files.entries()) {
        const { first, count } = manifest.layout.chunksOfFile(fileIndex);
        for (let chunkIndex = first; chunkIndex < first + count; chunkIndex++) {
          if (!chunks.held.has(chunkIndex)) continue;
          yield part.filePath(file.path);
          break;
        }
      }
    };
    await part.makeDurable(written(), (paths) => this.#syncFiles(paths));
    await part.pause(manifest, chunks.held);
  }

  async #syncFiles(paths: Iterable<string>): Promise<void> {
    await this.#parts.pool.runAll(syncTasks(paths), () => undefined, new AbortController().signal);
  }
}
