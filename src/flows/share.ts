// Shares a file or folder: listener ─▶ paths ─▶ workers hash chunks ─▶ manifest ─▶ requests answered ─▶ trackers.
// Told as a story; the parts are elsewhere. Prints nothing.
import * as os from "node:os";
import type { Endpoint } from "../address/endpoint.js";
import { ownEndpoints } from "../address/own-endpoints.js";
import { encodeTicket } from "../address/ticket.js";
import { Bitfield } from "../core/bitfield.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import type { Manifest } from "../manifest/manifest.js";
import { besideShare, requirePlaceForManifest, writeManifestFile } from "../storage/manifest-file.js";
import { ShareSource } from "../storage/source/share-source.js";
import { type SourceRoot, type SourceTree, sourceRoot } from "../storage/source/source-tree.js";
import { Announcer } from "../swarm/announcer.js";
import { readRefusal } from "../swarm/uploading/chunk-sender.js";
import { tellAnnounced } from "./finding/tracker-details.js";
import { chooseTrackers, trackersForOthers } from "./finding/trackers.js";
import { failure } from "./peers/failure.js";
import { SharePort, type SharePortOptions, type SharesPort } from "./sharing/share-port.js";
import { ShareProgress } from "./sharing/share-progress.js";
import { readSource } from "./sharing/source-manifest.js";

export interface ShareOptions extends SharePortOptions {
  /** A file or folder. */
  readonly path: string;
  readonly trackers: readonly Endpoint[];
  /** Whether to look for a tracker on this machine if none is named. */
  readonly probeLocalTracker: boolean;
  /** Where others reach this machine; replaces its own addresses. */
  readonly advertise: readonly Endpoint[];
  /** Where to write the .goshare file; beside the share if undefined. */
  readonly manifestPath: string | undefined;
  /** Bytes in a chunk; chosen by size if undefined. */
  readonly chunkSizeBytes: number | undefined;
  /** Where digests are remembered, so that unchanged files are not read again; nowhere if undefined. */
  readonly stateDirectory: string | undefined;
  /** Whether all files are read, whatever is remembered. */
  readonly rehash: boolean;
  /** Patterns of what to leave out of a folder; see path-patterns.ts. */
  readonly exclude: readonly string[];
  /** Whether trackers may keep the manifest. */
  readonly publish: boolean;
}

export interface RunningShare {
  readonly contentId: ContentId;
  readonly ticket: string;
  /** Payload bytes sent so far. */
  readonly bytesSent: number;
  /** Peers with which it is exchanged now. */
  readonly neighbourCount: number;
  /** Peers that have had all of it, and were connected to this one then. */
  readonly copies: number;
  /** Resolves when there are so many copies. */
  untilCopies(count: number): Promise<void>;
  /** Rejects when the share can no longer be served. */
  readonly failed: Promise<never>;
  /** Withdraws, says goodbye and stops. */
  close(): Promise<void>;
}

/** A share that has been read and can be served. */
export interface PreparedShare {
  /** Announces it; resolves when others can download. */
  serve(): Promise<RunningShare>;
}

/** Throws for the first of `paths` that cannot be shared, or whose .goshare file has no place, before any is read: the
 * error that `share` would otherwise throw when others are served already. */
export async function requireShareable(
  paths: readonly string[],
  manifestPath: string | undefined,
): Promise<void> {
  const roots = new Map<string, SourceRoot>();
  for (const path of paths) {
    const root = sourceRoot(path);
    if ([...roots.values()].some(({ rootPath }) => rootPath === root.rootPath)) throw sharedTwice(path);
    roots.set(path, root);
  }
  for (const [path, root] of roots) await requirePlace(path, manifestPath, root, [...roots.values()]);
}

/** By the same path, or by the same content. */
function sharedTwice(path: string): GoshareError {
  return new GoshareError("USAGE", `${path} is already shared: the name and the content are the same`, {
    hint: "leave out the duplicates",
  });
}

async function requirePlace(
  path: string,
  manifestPath: string | undefined,
  root: SourceRoot,
  others: readonly SourceRoot[] = [],
): Promise<void> {
  await requirePlaceForManifest(manifestPath ?? besideShare(path, root.name), root, others);
}

/** Listens and hashes; serves nothing yet. Uses the port of `sharesPort`, if that is given and already opened, else
 * opens one. Throws GoshareError: USAGE for what is already to be shared there. */
export async function prepareShare(
  options: ShareOptions,
  observe: EventObserver,
  signal: AbortSignal,
  sharesPort?: SharesPort,
): Promise<PreparedShare> {
  const port = await joinPort(options, observe, sharesPort);
  return leavingOnFailure(port, async () => {
    const choosingTrackers = chooseTrackers(options.trackers, options.probeLocalTracker);
    const found = (tree: SourceTree) => requirePlace(options.path, options.manifestPath, tree);
    const { tree, manifest } = await readSource(options, found, observe, signal);
    if (sharesPort?.contentIds.has(manifest.root.contentId)) throw sharedTwice(options.path);
    sharesPort?.contentIds.add(manifest.root.contentId);
    const trackers = await choosingTrackers;
    const serve = async () => {
      const running = await RunningShareImpl.start(options, port, tree, manifest, trackers, observe);
      if (signal.aborted) await running.close();
      signal.throwIfAborted();
      return running;
    };
    return { serve: () => leavingOnFailure(port, serve) };
  });
}

/** Prepares and serves a single share: resolves when others can download. */
export async function share(
  options: ShareOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<RunningShare> {
  const prepared = await prepareShare(options, observe, signal);
  return prepared.serve();
}

async function leavingOnFailure<T>(port: SharePort, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (thrown) {
    await port.leave();
    throw thrown;
  }
}

async function joinPort(
  options: SharePortOptions,
  observe: EventObserver,
  sharesPort: SharesPort | undefined,
): Promise<SharePort> {
  if (sharesPort?.port !== undefined) return sharesPort.port.join();
  const port = await SharePort.open(options, observe);
  // Stays open for the next share, whatever happens to this one.
  if (sharesPort !== undefined) sharesPort.port = port.join();
  return port.join();
}

class RunningShareImpl implements RunningShare {
  readonly contentId: ContentId;
  readonly ticket: string;
  readonly failed: Promise<never>;
  readonly #port: SharePort;
  readonly #source: ShareSource;
  readonly #announcer: Announcer;
  readonly #progress: ShareProgress;

  private constructor(
    contentId: ContentId,
    ticket: string,
    parts: { port: SharePort; source: ShareSource; announcer: Announcer; progress: ShareProgress },
    failed: Promise<never>,
  ) {
    this.contentId = contentId;
    this.ticket = ticket;
    this.failed = failed;
    this.#port = parts.port;
    this.#source = parts.source;
    this.#announcer = parts.announcer;
    this.#progress = parts.progress;
  }

  get bytesSent(): number {
    return this.#port.server.bytesSentOf(this.contentId);
  }

  get neighbourCount(): number {
    return this.#port.server.joinedCount(this.contentId);
  }

  get copies(): number {
    return this.#progress.copies;
  }

  untilCopies(count: number): Promise<void> {
    return this.#progress.untilCopies(count);
  }

  static async start(
    options: ShareOptions,
    port: SharePort,
    tree: SourceTree,
    manifest: Manifest,
    trackers: readonly Endpoint[],
    observe: EventObserver,
  ): Promise<RunningShareImpl> {
    const manifestPath = options.manifestPath ?? besideShare(options.path, manifest.root.name);
    const { contentId } = manifest.root;
    const source = new ShareSource(manifest, tree);
    const { local, server } = port;
    const { failed, fail } = failure();
    const progress = new ShareProgress(manifest.root, server, observe);
    server.add({
      manifest,
      held: Bitfield.full(manifest.root.chunkCount),
      readChunk: (chunkIndex, offset, into) => source.readChunk(chunkIndex, offset, into),
      copied: (neighbour) => progress.copied(neighbour),
      readFailed: (error) => {
        // A share with one changed file cannot be completed from here: no more peers are sent here.
        server.remove(contentId, readRefusal(error));
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
        answered: (tracker, answer) => {
          announcedTo.add(tracker);
          tellAnnounced(observe)(tracker, answer);
        },
        failed: (tracker, { code, message }) => observe({ type: "warning", code, message, path: tracker }),
      },
    );
    const namedTrackers = await trackersForOthers(trackers, own);
    const ticket = encodeTicket({ contentId, name: manifest.root.name, trackers: namedTrackers, peers });
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
    await port.announced(announcer);
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
    progress.begin();
    return new RunningShareImpl(contentId, ticket, { port, source, announcer, progress }, failed);
  }

  async close(): Promise<void> {
    this.#progress.close();
    await Promise.all([this.#port.leave(this.contentId), this.#announcer.close()]);
    this.#source.close();
  }
}
