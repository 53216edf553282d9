// One download from its manifest to its commit: part folder, manifest, chunks, and the final name. Whom it talks to,
// and what becomes of others afterwards, is download.ts's affair.
import type { Endpoint } from "../address/endpoint.js";
import { Bitfield } from "../core/bitfield.js";
import { GoshareError } from "../core/errors.js";
import type { PeerId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import type { SlowTally } from "../events/slow-tally.js";
import { checkManifest } from "../manifest/check.js";
import type { Manifest, ManifestRoot } from "../manifest/manifest.js";
import type { Selection } from "../manifest/selection.js";
import { commit, finishCommit } from "../storage/commit.js";
import { requireSpace } from "../storage/free-space.js";
import { PartFolder } from "../storage/part-folder.js";
import { refuseUnsupportedNames } from "../storage/target-names.js";
import { ChunkDownload } from "../swarm/chunk-download.js";
import type { DownloadSwarm } from "../swarm/download-swarm.js";
import { defaultDownloadSwarmOptions } from "../swarm/options.js";
import type { ServedDownload } from "../swarm/served-download.js";
import { syncTasks } from "../workers/batches.js";
import { PartStore } from "../workers/part-store.js";
import { SlotPool } from "../workers/slots.js";
import type { WorkerPool } from "../workers/worker-pool.js";
import { type ContentSource, ticketFor } from "./content-source.js";
import type { DownloadOptions } from "./download-options.js";
import { DownloadProgress } from "./download-progress.js";
import { firstRoot, type TrackerLookup } from "./manifest-lookup.js";
import type { Patience } from "./patience.js";
import { selectEntries, type Wanted } from "./select-entries.js";
import { ServingDownload } from "./serving-download.js";

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
  readonly wanted: Wanted;
}

/** What is looked at while chunks are fetched. */
interface Fetching {
  readonly part: PartFolder;
  readonly chunks: ChunkDownload;
  readonly progress: DownloadProgress;
}

export class DownloadJob {
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
    const isAllHere = this.#chunks?.isDone === true;
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
    const { outputDirectory, ifTaken } = this.#options;
    const { wanted } = this.#parts;
    this.#part = await PartFolder.open(outputDirectory, root, ifTaken, wanted.patterns);
    const part = this.#part;
    if (part.isClaimed) {
      finishCommit(part);
      return part.targetPath;
    }
    part.storeTicket(ticketFor(root, this.#source, this.#parts.trackers));
    const manifest = known ?? (await this.#findBody(root, part));
    const selection = selectEntries(manifest, wanted);
    this.bytes = selection.bytes;
    refuseUnsupportedNames(selection, part);
    const claimed = claimedOf(selection, part.claims.held);
    requireSpace(part.partPath, missingBytes(selection, claimed));
    part.storeSelection({ patterns: wanted.patterns, chunks: selection.chunks.count });
    await this.#fetchChunks(selection, part, claimed);
    await commit(part, selection, (paths) => this.#syncFiles(paths));
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

  async #fetchChunks(selection: Selection, part: PartFolder, claimed: Bitfield): Promise<void> {
    const { swarm, patience, pool } = this.#parts;
    const { manifest } = selection;
    const { root } = manifest;
    const slots = new SlotPool(this.#parts.slots, root.chunkSize, () => this.#chunks?.slotFreed());
    const liars = new Set<PeerId>();
    const none = new Bitfield(root.chunkCount);
    const isTrusted = claimed.count > 0 && (await part.takePauseMark(manifest));
    const store = new PartStore(selection, part, pool, slots);
    const chunks = new ChunkDownload(
      { selection, store, pool, slots, budget: this.#options.downloadBudget },
      ...(isTrusted ? ([claimed, none] as const) : ([none, checkable(selection, claimed)] as const)),
      defaultDownloadSwarmOptions,
      {
        progressed: () => patience.begin("peers"),
        verified: (chunkIndex) => share.news.gained(chunkIndex),
        refused: (peer, reason) => swarm.refused(peer, reason),
        stalled: (peer) => swarm.stalled(peer),
        lied: (peer, chunkIndex) => {
          const where = `${peer.connection.remoteHost}:${peer.connection.remotePort}`;
          const message = `chunk ${chunkIndex} from ${where} does not have its digest; that peer is not asked again`;
          const error = new GoshareError("DIGEST_MISMATCH", message);
          // What else it had sent by then is wrong as well, and no news.
          if (!liars.has(peer.id)) this.#observe({ type: "warning", code: error.code, message, path: where });
          liars.add(peer.id);
          swarm.ban(peer, error);
        },
      },
    );
    this.#chunks = chunks;
    const serving = new ServingDownload(swarm, selection, chunks.servable, part, this.#observe);
    const { share } = serving;
    this.serving = serving;
    this.#observe({
      ...{ type: "downloading", contentId: root.contentId, name: root.name, path: part.targetPath },
      ...{ bytes: selection.bytes, files: selection.files.length, chunks: selection.chunks.count },
      resumedBytes: chunks.bytesDone,
    });
    const progress = new DownloadProgress(
      {
        ...{ contentId: root.contentId, bytesTotal: selection.bytes },
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
      await this.#pause(selection, part, chunks).catch((failed: unknown) => {
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
  async #pause(selection: Selection, part: PartFolder, chunks: ChunkDownload): Promise<void> {
    if (chunks.held.count === 0) return;
    const { manifest } = selection;
    const written = function* () {
      for (const [fileIndex, file] of manifest.files.entries()) {
        if (!selection.hasFile(fileIndex)) continue;
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

/** What an earlier run claims to have written of a selection: the same one, but a journal is only a claim. */
function claimedOf(selection: Selection, held: Bitfield): Bitfield {
  const claimed = new Bitfield(held.length);
  for (const chunkIndex of held) if (selection.chunks.has(chunkIndex)) claimed.add(chunkIndex);
  return claimed;
}

/** Those that can be verified again: of the others something was dropped, so they are fetched again. */
function checkable(selection: Selection, claimed: Bitfield): Bitfield {
  const whole = new Bitfield(claimed.length);
  for (const chunkIndex of claimed) if (selection.isWholeChunk(chunkIndex)) whole.add(chunkIndex);
  return whole;
}

/** Bytes of chunks that no earlier run claims to have written. Those it claims wrongly have their room already. */
function missingBytes(selection: Selection, claimed: Bitfield): number {
  let bytes = selection.bytes;
  for (const chunkIndex of claimed) bytes -= selection.bytesIn(chunkIndex);
  return bytes;
}
