// Shares a file or folder: paths ─▶ workers hash chunks ─▶ manifest ─▶ listener answers requests ─▶ trackers.
// Told as a story; the parts are elsewhere. Prints nothing.
import * as os from "node:os";
import * as path from "node:path";
import { type Endpoint, formatEndpoint, type ListenAddress } from "../address/endpoint.js";
import { dialableFromHere } from "../address/listening.js";
import { ownEndpoints } from "../address/own-endpoints.js";
import { encodeTicket } from "../address/ticket.js";
import { Bitfield } from "../core/bitfield.js";
import type { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import { RateMeter } from "../events/rate.js";
import { assembleManifest } from "../manifest/assemble.js";
import { chooseChunkSize, computeLayout } from "../manifest/layout.js";
import type { Manifest } from "../manifest/manifest.js";
import type { PeerConnection } from "../peer/connection.js";
import { PeerListener } from "../peer/listener.js";
import { defaultConnectionOptions, defaultListenerOptions } from "../peer/options.js";
import { writeManifestFile } from "../storage/manifest-file.js";
import { ShareSource } from "../storage/share-source.js";
import { type SourceTree, sourcePath, walkSource } from "../storage/source-tree.js";
import { Announcer } from "../swarm/announcer.js";
import { ChunkServer } from "../swarm/chunk-server.js";
import { defaultServerOptions } from "../swarm/options.js";
import type { RateBudget } from "../swarm/rate-budget.js";
import { hashTasks } from "../workers/batches.js";
import { WorkerPool } from "../workers/worker-pool.js";
import { newLocalPeer } from "./local-peer.js";
import { chooseTrackers, trackersForOthers } from "./trackers.js";

export interface ShareOptions {
  /** A file or folder. */
  readonly path: string;
  readonly trackers: readonly Endpoint[];
  /** Whether to look for a tracker on this machine if none is named. */
  readonly probeLocalTracker: boolean;
  readonly listen: ListenAddress;
  /** False: `listen` is the default, and a free port will do if it is taken. */
  readonly listenGiven: boolean;
  /** Where others reach this machine, instead of its own addresses. */
  readonly advertise: readonly Endpoint[];
  /** Where to write the .goshare file; beside the share if undefined. */
  readonly manifestPath: string | undefined;
  /** Bytes in a chunk; chosen by size if undefined. */
  readonly chunkSizeBytes: number | undefined;
  /** Whether trackers may keep the manifest. */
  readonly publish: boolean;
  /** What this process may send, for all its shares together; undefined: no limit. */
  readonly uploadBudget: RateBudget | undefined;
}

export interface RunningShare {
  readonly contentId: ContentId;
  readonly ticket: string;
  /** Payload bytes sent so far. */
  readonly bytesSent: number;
  /** Rejects when the share can no longer be served. */
  readonly failed: Promise<never>;
  /** Withdraws, says goodbye and stops. */
  close(): Promise<void>;
}

const MAX_WARNED_ENTRIES = 20;

/** Hashes, listens, announces; resolves when others can download. Throws GoshareError. */
export async function share(
  options: ShareOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<RunningShare> {
  const choosingTrackers = chooseTrackers(options.trackers, options.probeLocalTracker);
  const { tree, manifest } = await hashSource(options, observe, signal);
  const running = await RunningShareImpl.start(options, tree, manifest, await choosingTrackers, observe);
  if (signal.aborted) {
    await running.close();
    signal.throwIfAborted();
  }
  return running;
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
  readonly #server: ChunkServer;
  readonly #listener: PeerListener;
  readonly #source: ShareSource;
  readonly #announcer: Announcer;

  private constructor(
    contentId: ContentId,
    ticket: string,
    parts: { server: ChunkServer; listener: PeerListener; source: ShareSource; announcer: Announcer },
    failed: Promise<never>,
  ) {
    this.contentId = contentId;
    this.ticket = ticket;
    this.failed = failed;
    this.#server = parts.server;
    this.#listener = parts.listener;
    this.#source = parts.source;
    this.#announcer = parts.announcer;
  }

  get bytesSent(): number {
    return this.#server.bytesSent;
  }

  static async start(
    options: ShareOptions,
    tree: SourceTree,
    manifest: Manifest,
    trackers: readonly Endpoint[],
    observe: EventObserver,
  ): Promise<RunningShareImpl> {
    const { contentId } = manifest.root;
    const source = new ShareSource(manifest, tree);
    const server = new ChunkServer(defaultServerOptions, options.uploadBudget);
    let fail: (error: GoshareError) => void = () => undefined;
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    failed.catch(() => undefined);
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

    let listenPort = 0;
    const local = newLocalPeer(() => listenPort);
    const listener = await PeerListener.listen(
      { ...defaultListenerOptions, ...options.listen, fallBackToFreePort: !options.listenGiven },
      local,
      defaultConnectionOptions,
      (connection) => serveConnection(server, connection, observe),
    );
    listenPort = listener.port;
    noticeOfOtherPort(options, listener, observe);

    const own = ownEndpoints(os.networkInterfaces(), listener.host, listener.port);
    const peers = options.advertise.length > 0 ? options.advertise : own;
    const announcer = new Announcer(
      trackers,
      {
        peerId: local.peerId,
        runEpochMs: Math.round(performance.timeOrigin),
        endpoints: options.advertise,
        listenPort: () => listenPort,
        shares: () => [{ contentId, chunksHeld: manifest.root.chunkCount, complete: true, wantPeers: 0 }],
        rootOf: (wanted) => (options.publish && wanted === contentId ? manifest.root.bytes : undefined),
      },
      {
        answered: () => undefined,
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
      listener.close();
      await announcer.close();
      throw thrown;
    }
    await announcer.settled();
    observe({
      type: "sharing",
      contentId,
      ticket,
      manifestPath,
      endpoint: dialableFromHere(listener),
      trackers: trackers.map(formatEndpoint),
      name: manifest.root.name,
      bytes: manifest.root.totalSize,
      files: manifest.files.length,
      chunks: manifest.root.chunkCount,
      linksSkipped: tree.skipped.filter((entry) => entry.isLink).length,
    });
    return new RunningShareImpl(contentId, ticket, { server, listener, source, announcer }, failed);
  }

  async close(): Promise<void> {
    this.#listener.close();
    await Promise.all([this.#server.close(), this.#announcer.close()]);
    this.#source.close();
  }
}

function serveConnection(server: ChunkServer, connection: PeerConnection, observe: EventObserver) {
  const { peerId, agent } = connection.remote;
  const endpoint = formatEndpoint({ host: connection.remoteHost, port: connection.remotePort });
  observe({ type: "peerConnected", peerId, endpoint, agent, inbound: true });
  return server.serve(connection, (error) => {
    const { bytesReceived, bytesSent } = connection;
    const message = error?.message ?? "";
    observe({
      ...{ type: "peerDisconnected", peerId, endpoint, code: error?.code ?? "", message },
      bytesReceived,
      bytesSent,
    });
  });
}

function noticeOfOtherPort(options: ShareOptions, listener: PeerListener, observe: EventObserver): void {
  if (options.listen.port === 0 || listener.port === options.listen.port) return;
  observe({
    type: "warning",
    code: "ADDRESS_IN_USE",
    message: `port ${options.listen.port} is taken, listening on ${listener.port} instead`,
    path: "",
  });
}

/** `NAME.goshare` in the folder the share lies in. */
function besideShare(givenPath: string, name: string): string {
  return path.join(path.dirname(path.resolve(givenPath)), `${name}.goshare`);
}
