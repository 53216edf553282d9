// One download from its manifest to its end: manifest, selection, chunks, and where they belong. Which peers it talks
// to, and what others get afterwards, is download.ts's affair; where it goes, that of its destination.
import type { Endpoint } from "../../address/endpoint.js";
import { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import type { SlowTally } from "../../events/slow-tally.js";
import { checkManifest } from "../../manifest/check.js";
import type { Manifest, ManifestRoot } from "../../manifest/manifest.js";
import type { Selection } from "../../manifest/selection.js";
import type { DownloadSwarm } from "../../swarm/download-swarm.js";
import { ChunkDownload } from "../../swarm/downloading/chunk-download.js";
import { defaultDownloadSwarmOptions } from "../../swarm/options.js";
import type { ServedDownload } from "../../swarm/uploading/served-download.js";
import { SlotPool } from "../../workers/slots.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import { type ContentSource, ticketFor } from "../finding/content-source.js";
import { firstRoot, type TrackerLookup } from "../finding/tracker-lookup.js";
import { LonelyWarnings } from "../peers/lonely-warnings.js";
import type { Patience } from "../peers/patience.js";
import { chunkTroubles } from "./chunk-troubles.js";
import type { Arrival, Destination } from "./destination.js";
import type { DownloadOptions } from "./download-options.js";
import { DownloadProgress } from "./download-progress.js";
import { selectEntries, type Wanted } from "./select-entries.js";
import { ServingDownload } from "./serving-download.js";

interface JobParts {
  readonly swarm: DownloadSwarm;
  readonly lookup: TrackerLookup;
  readonly patience: Patience;
  /** The trackers in use. */
  readonly trackers: readonly Endpoint[];
  readonly pool: WorkerPool;
  /** Lets others find this download, so that it can give them what it has. */
  readonly announce: (share: ServedDownload) => void;
  readonly tally: SlowTally;
  readonly wanted: Wanted;
  readonly destination: Destination;
  /** Learns the share's name from its root. */
  readonly named: (name: string) => void;
}

/** What is watched while chunks are fetched. */
interface Fetching {
  readonly chunks: ChunkDownload;
  readonly progress: DownloadProgress;
}

export class DownloadJob {
  readonly #options: DownloadOptions;
  readonly #source: ContentSource;
  readonly #parts: JobParts;
  readonly #observe: EventObserver;
  readonly #lonely: LonelyWarnings;
  #chunks: ChunkDownload | undefined;
  #slots: SlotPool | undefined;
  #fetching: Fetching | undefined;
  #isRootMissing = false;
  /** Payload bytes received when the last chunk was verified. */
  #receivedBefore = 0;
  /** Gives chunks to others; there once the manifest is. */
  serving: ServingDownload | undefined;
  /** Bytes of what is selected. */
  bytes = 0;
  #chunkSize = 0;

  constructor(options: DownloadOptions, source: ContentSource, parts: JobParts, observe: EventObserver) {
    this.#options = options;
    this.#source = source;
    this.#parts = parts;
    this.#observe = observe;
    this.#lonely = new LonelyWarnings(parts.swarm, observe);
  }

  get #inOrder(): boolean {
    return this.#options.sequential || this.#options.output !== undefined;
  }

  /** Whether a chunk that came from a peer was right. */
  get isHonestlyServed(): boolean {
    return this.#chunks?.isHonestlyServed === true;
  }

  /** Whether nothing writes to the memory of the slots any more, once the threads have ended. */
  get leavesSlotsIdle(): boolean {
    return this.#slots === undefined || this.#slots.wasIdle;
  }

  /** Whether more than a chunk has come since the last chunk that came whole: connections end before a chunk does. */
  get breaksInChunks(): boolean {
    const begun = this.#parts.swarm.bytesReceived - this.#receivedBefore;
    return this.#chunkSize > 0 && begun > this.#chunkSize;
  }

  get bytesWasted(): number {
    return this.#chunks?.bytesWasted ?? 0;
  }

  /** Bytes copied from an older version; undefined if that was not wanted. */
  get bytesReused(): number | undefined {
    return this.#options.reuseDirectory === undefined ? undefined : (this.#chunks?.bytesReused ?? 0);
  }

  /** To be called every PROGRESS_MS. */
  tick(nowMs: number): void {
    const { tally } = this.#parts;
    const before = tally.reason;
    this.#turnReason(nowMs);
    if (!this.#chunks?.isDone) this.#lonely.tell(nowMs);
    if (this.#isRootMissing && tally.reason !== before) this.#tellWait();
    if (this.#fetching === undefined) return;
    const { chunks, progress } = this.#fetching;
    const { destination, patience } = this.#parts;
    try {
      destination.flush();
    } catch (thrown) {
      chunks.fail(GoshareError.from(thrown));
    }
    // Peers are not to blame for this.
    if (destination.isHeldUp) patience.begin("peers");
    progress.tell(tally.reason, nowMs);
  }

  #turnReason(nowMs: number): void {
    const { tally, swarm, lookup } = this.#parts;
    const isAllHere = this.#chunks?.isDone === true;
    tally.turn(isAllHere ? "disk" : swarm.slowReason(lookup.isSilent), nowMs);
  }

  /** Resolves when the share is where it belongs. */
  async run(): Promise<void> {
    try {
      await this.#download();
    } catch (thrown) {
      throw await this.#parts.destination.reasonFor(thrown);
    }
  }

  async #download(): Promise<void> {
    const root = await this.#findRoot();
    this.#parts.named(root.name);
    this.bytes = root.totalSize;
    this.#chunkSize = root.chunkSize;
    // An invalid manifest is refused before anything is made on the disk.
    const known =
      this.#source.manifest ??
      (root.inlineBody === undefined ? undefined : checkManifest(root, root.inlineBody));
    const { wanted, destination, trackers, pool, patience } = this.#parts;
    const ticket = ticketFor(root, this.#source, trackers);
    if (await destination.open(root, ticket, patience.signal)) return;
    const selection = selectEntries(known ?? (await this.#findBody(root)), wanted);
    this.bytes = selection.bytes;
    const slotPool = new SlotPool(pool.slots, root.chunkSize, () => this.#chunks?.slotFreed());
    this.#slots = slotPool;
    // Nothing else is waited for while this machine reads what it has.
    patience.rest();
    const arrival = await destination.prepare(selection, pool, slotPool, patience.signal);
    this.#tellKept(arrival);
    await this.#fetchChunks(selection, arrival, slotPool);
    await destination.finish();
    this.#observe.detail?.("file", `${destination.path} is complete and on disk`);
    // Bytes that went into a stream are no longer there.
    if (this.#options.output === undefined)
      await this.serving?.committed(destination.path, this.#options.seed);
  }

  #tellKept({ held, unchecked }: Arrival): void {
    if (held.count + unchecked.count === 0) return;
    const again = `${unchecked.count} have to be verified again`;
    this.#observe.detail?.("file", `chunks already here: ${held.count} are kept, ${again}`);
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
      return await firstRoot(swarm, lookup, patience.signal, () => patience.begin("manifest"));
    } finally {
      this.#isRootMissing = false;
    }
  }

  async #findBody(root: ManifestRoot): Promise<Manifest> {
    const { swarm, patience, destination } = this.#parts;
    const stored = destination.storedBody();
    if (stored !== undefined) {
      try {
        return checkManifest(root, stored);
      } catch {
        // It was torn by a crash; peers have the body.
      }
    }
    patience.begin("manifest");
    const body = await swarm.fetchBody(root, patience.signal, () => patience.begin("manifest"));
    const manifest = checkManifest(root, body);
    destination.keepBody(manifest.bodyBytes);
    return manifest;
  }

  async #fetchChunks(selection: Selection, arrival: Arrival, slots: SlotPool): Promise<void> {
    const { swarm, patience, pool, destination } = this.#parts;
    const { root } = selection.manifest;
    const { store, held, unchecked, files } = arrival;
    const chunks = new ChunkDownload(
      { selection, store, pool, slots, budget: this.#options.downloadBudget },
      held,
      unchecked,
      this.#inOrder ? { ...defaultDownloadSwarmOptions, firstChunk: () => 0 } : defaultDownloadSwarmOptions,
      {
        progressed: () => {
          patience.begin("peers");
          this.#receivedBefore = swarm.bytesReceived;
        },
        verified: (chunkIndex) => share.news.gained(chunkIndex),
        ...chunkTroubles(swarm, this.#observe),
      },
    );
    this.#chunks = chunks;
    const serving = new ServingDownload(swarm, selection, chunks.servable, files, this.#observe);
    const { share } = serving;
    this.serving = serving;
    this.#observe({
      ...{ type: "downloading", contentId: root.contentId, name: root.name, path: destination.path },
      ...{ bytes: selection.bytes, files: selection.files.length, chunks: selection.chunks.count },
      resumedBytes: arrival.resumedBytes,
    });
    const progress = new DownloadProgress(
      {
        ...{ contentId: root.contentId, bytesTotal: selection.bytes },
        ...{ bytesDone: () => chunks.bytesDone, bytesFound: () => chunks.bytesFound },
        peers: () => swarm.peerCount,
      },
      this.#observe,
      performance.now(),
    );
    patience.begin("peers");
    swarm.start(chunks, share);
    this.#parts.announce(share);
    this.#turnReason(performance.now());
    this.#fetching = { chunks, progress };
    try {
      await chunks.run(patience.signal);
      const endMs = performance.now();
      progress.finish(this.#parts.tally.reason, endMs);
      this.#turnReason(endMs);
    } catch (thrown) {
      await destination.pause(chunks.held).catch((failed: unknown) => {
        // A lost pause mark only costs hashing again; but if written data is lost (SYNC_FAILED), this was no pause.
        if (failed instanceof GoshareError && failed.code === "SYNC_FAILED") throw failed;
      });
      throw thrown;
    } finally {
      this.#fetching = undefined;
      // Frees the slots, since a seed may run for days.
      slots.close();
      patience.rest();
    }
  }
}
