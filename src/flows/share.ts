// Shares a file or folder: listener ─▶ paths ─▶ workers hash chunks ─▶ manifest ─▶ requests answered ─▶ trackers.
// Told as a story; the parts are elsewhere. Prints nothing.
import * as os from "node:os";
import * as path from "node:path";
import type { Endpoint } from "../address/endpoint.js";
import { ownEndpoints } from "../address/own-endpoints.js";
import { encodeTicket } from "../address/ticket.js";
import { Bitfield } from "../core/bitfield.js";
import type { ContentId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import { RateMeter } from "../events/rate.js";
import { assembleManifest } from "../manifest/assemble.js";
import { chooseChunkSize, computeLayout } from "../manifest/layout.js";
import type { Manifest } from "../manifest/manifest.js";
import { requirePlaceForManifest, writeManifestFile } from "../storage/manifest-file.js";
import { ShareSource } from "../storage/share-source.js";
import { type SourceTree, sourcePath, walkSource } from "../storage/source-tree.js";
import { Announcer } from "../swarm/announcer.js";
import { hashTasks } from "../workers/batches.js";
import { WorkerPool } from "../workers/worker-pool.js";
import { failure } from "./failure.js";
import { SharePort, type SharePortOptions } from "./share-port.js";
import { chooseTrackers, trackersForOthers } from "./trackers.js";

export interface ShareOptions extends SharePortOptions {
  /** A file or folder. */
  readonly path: string;
  readonly trackers: readonly Endpoint[];
  /** Whether to look for a tracker on this machine if none is named. */
  readonly probeLocalTracker: boolean;
  /** Where others reach this machine, instead of its own addresses. */
  readonly advertise: readonly Endpoint[];
  /** Where to write the .goshare file; beside the share if undefined. */
  readonly manifestPath: string | undefined;
  /** Bytes in a chunk; chosen by size if undefined. */
  readonly chunkSizeBytes: number | undefined;
  /** Whether trackers may keep the manifest. */
  readonly publish: boolean;
}

export interface RunningShare {
  readonly contentId: ContentId;
  readonly ticket: string;
  /** Payload bytes sent so far. */
  readonly bytesSent: number;
  /** Peers with whom it is exchanged now. */
  readonly neighbourCount: number;
  /** Rejects when the share can no longer be served. */
  readonly failed: Promise<never>;
  /** Withdraws, says goodbye and stops. */
  close(): Promise<void>;
}

const MAX_WARNED_ENTRIES = 20;

/** Listens, hashes, announces; resolves when others can download. Throws GoshareError. */
export async function share(
  options: ShareOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<RunningShare> {
  const port = await SharePort.open(options, observe);
  try {
    const choosingTrackers = chooseTrackers(options.trackers, options.probeLocalTracker);
    const { tree, manifest } = await hashSource(options, observe, signal);
    const trackers = await choosingTrackers;
    const running = await RunningShareImpl.start(options, port, tree, manifest, trackers, observe);
    if (signal.aborted) await running.close();
    signal.throwIfAborted();
    return running;
  } catch (thrown) {
    await port.close();
    throw thrown;
  }
}

async function hashSource(
  options: ShareOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<{ readonly tree: SourceTree; readonly manifest: Manifest }> {
  const pool = new WorkerPool(undefined);
  try {
    const progress = hashingProgress(options.path, observe);
    const tree = await walkSource(options.path, (files) => progress(0, 0, files), signal);
    warnOfSkipped(tree, observe);
    await requirePlaceForManifest(options.manifestPath ?? besideShare(options.path, tree.name));
    const sizes = Float64Array.from(tree.files, (file) => file.size);
    const layout = computeLayout(sizes, options.chunkSizeBytes ?? chooseChunkSize(sizes));
    const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
    const digests = new Uint8Array(new SharedArrayBuffer(layout.chunkCount * 32));
    const pathOf = (fileIndex: number) =>
      sourcePath(tree.rootPath, tree.kind, tree.files[fileIndex]?.path ?? "");
    let bytesDone = 0;
    await pool.runAll(
      hashTasks(layout, pathOf, tree.identities, digests),
      (_task, { bytes }) => {
        bytesDone += bytes;
        progress(bytesDone, totalBytes, tree.files.length);
      },
      signal,
    );
    const { name, kind, files, emptyDirectories, symbolicLinks } = tree;
    const { chunkSize } = layout;
    const entries = { name, kind, chunkSize, files, emptyDirectories, symbolicLinks };
    return { tree, manifest: assembleManifest({ ...entries, chunkDigests: digests.slice() }) };
  } finally {
    await pool.close();
  }
}

/** Reports a few times a second, and the end always. */
function hashingProgress(givenPath: string, observe: EventObserver) {
  const meter = new RateMeter(performance.now());
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  return (bytesDone: number, bytesTotal: number, files: number) => {
    const nowMs = performance.now();
    meter.record(nowMs, bytesDone);
    if (nowMs - reportedAtMs < 200 && (bytesDone < bytesTotal || bytesTotal === 0)) return;
    reportedAtMs = nowMs;
    const bytesPerSecond = meter.bytesPerSecond(nowMs);
    observe({ type: "hashing", path: givenPath, bytesDone, bytesTotal, files, bytesPerSecond });
  };
}

function warnOfSkipped(tree: SourceTree, observe: EventObserver): void {
  for (const { path: skippedPath, why } of tree.skipped.slice(0, MAX_WARNED_ENTRIES)) {
    observe({
      type: "warning",
      code: "SOURCE_UNSUPPORTED",
      message: `not shared: ${why}`,
      path: skippedPath,
    });
  }
  const more = tree.skipped.length - MAX_WARNED_ENTRIES;
  if (more > 0) {
    observe({
      type: "warning",
      code: "SOURCE_UNSUPPORTED",
      message: `${more} more entries are not shared`,
      path: "",
    });
  }
}

class RunningShareImpl implements RunningShare {
  readonly contentId: ContentId;
  readonly ticket: string;
  readonly failed: Promise<never>;
  readonly #port: SharePort;
  readonly #source: ShareSource;
  readonly #announcer: Announcer;

  private constructor(
    contentId: ContentId,
    ticket: string,
    parts: { port: SharePort; source: ShareSource; announcer: Announcer },
    failed: Promise<never>,
  ) {
    this.contentId = contentId;
    this.ticket = ticket;
    this.failed = failed;
    this.#port = parts.port;
    this.#source = parts.source;
    this.#announcer = parts.announcer;
  }

  get bytesSent(): number {
    return this.#port.server.bytesSent;
  }

  get neighbourCount(): number {
    return this.#port.server.joinedCount(this.contentId);
  }

  static async start(
    options: ShareOptions,
    port: SharePort,
    tree: SourceTree,
    manifest: Manifest,
    trackers: readonly Endpoint[],
    observe: EventObserver,
  ): Promise<RunningShareImpl> {
    const { contentId } = manifest.root;
    const source = new ShareSource(manifest, tree);
    const { local, server } = port;
    const { failed, fail } = failure();
    server.add({
      manifest,
      held: Bitfield.full(manifest.root.chunkCount),
      readChunk: (chunkIndex, offset, into) => source.readChunk(chunkIndex, offset, into),
      readFailed: (error) => {
        // A share with one changed file cannot be completed from here: nobody is sent here any more.
        server.remove(contentId);
        fail(error);
      },
    });
    server.joinWaiting(contentId);

    const own = ownEndpoints(os.networkInterfaces(), port.host, port.port);
    const peers = options.advertise.length > 0 ? options.advertise : own;
    const announcedTo = new Set<string>();
    const announcer = new Announcer(
      trackers,
      {
        peerId: local.peerId,
        runEpochMs: Math.round(performance.timeOrigin),
        endpoints: options.advertise,
        listenPort: () => port.port,
        shares: () => [{ contentId, chunksHeld: manifest.root.chunkCount, complete: true, wantPeers: 0 }],
        rootOf: (wanted) => (options.publish && wanted === contentId ? manifest.root.bytes : undefined),
      },
      {
        answered: (tracker) => announcedTo.add(tracker),
        unreachable: (tracker, { code, message }) =>
          observe({ type: "warning", code, message, path: tracker }),
      },
    );
    const namedTrackers = await trackersForOthers(trackers, own);
    const ticket = encodeTicket({ contentId, name: manifest.root.name, trackers: namedTrackers, peers });
    const manifestPath = options.manifestPath ?? besideShare(options.path, manifest.root.name);
    try {
      await writeManifestFile(manifestPath, {
        root: manifest.root.bytes,
        trackers: namedTrackers,
        peers,
        body: manifest.bodyBytes,
      });
    } catch (thrown) {
      await announcer.close();
      throw thrown;
    }
    await announcer.settled();
    observe({
      type: "sharing",
      contentId,
      ticket,
      manifestPath,
      endpoint: port.endpoint,
      trackers: [...announcedTo],
      name: manifest.root.name,
      bytes: manifest.root.totalSize,
      files: manifest.files.length,
      chunks: manifest.root.chunkCount,
      linksSkipped: tree.skipped.filter((entry) => entry.isLink).length,
    });
    return new RunningShareImpl(contentId, ticket, { port, source, announcer }, failed);
  }

  async close(): Promise<void> {
    await Promise.all([this.#port.close(), this.#announcer.close()]);
    this.#source.close();
  }
}

/** `NAME.goshare` in the folder the share lies in. */
function besideShare(givenPath: string, name: string): string {
  return path.join(path.dirname(path.resolve(givenPath)), `${name}.goshare`);
}
