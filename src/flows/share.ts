// Shares a file or folder: listener ─▶ paths ─▶ workers hash chunks ─▶ manifest ─▶ requests answered ─▶ trackers.
// Told as a story; the parts are elsewhere. Prints nothing.
import { encodeTicket } from "../address/ticket.js";
import { Bitfield } from "../core/bitfield.js";
import { GoshareError } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import type { Manifest } from "../manifest/manifest.js";
import { besideShare, requirePlaceForManifest, writeManifestFile } from "../storage/manifest-file.js";
import { ShareSource } from "../storage/source/share-source.js";
import { type SourceRoot, type SourceTree, sourceRoot } from "../storage/source/source-tree.js";
import { readRefusal } from "../swarm/uploading/chunk-sender.js";
import { failure } from "./peers/failure.js";
import type { AnnouncedShares, AnnouncementOptions, Whereabouts } from "./sharing/announced-shares.js";
import { ShareGroup } from "./sharing/share-group.js";
import type { SharePort, SharePortOptions } from "./sharing/share-port.js";
import { ShareProgress } from "./sharing/share-progress.js";
import { readSource } from "./sharing/source-manifest.js";

export interface ShareOptions extends SharePortOptions, AnnouncementOptions {
  /** A file or folder. */
  readonly path: string;
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
  /** Has it announced, with all others that are served by then; resolves when others can download, and `sharing` has
   * been emitted. Does nothing once it is closed. */
  announce(): Promise<void>;
  /** Resolves when there are so many copies. */
  untilCopies(count: number): Promise<void>;
  /** Rejects when the share can no longer be served. */
  readonly failed: Promise<never>;
  /** Withdraws, says goodbye and stops. */
  close(): Promise<void>;
}

/** A share that has been read and can be served. */
export interface PreparedShare {
  /** Writes its .goshare file and serves it; tells nobody yet. */
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

/** Listens and hashes; serves nothing yet. Throws GoshareError: USAGE for what is already to be shared in `group`. */
export async function prepareShare(
  options: ShareOptions,
  observe: EventObserver,
  signal: AbortSignal,
  group: ShareGroup,
): Promise<PreparedShare> {
  const port = await group.join(options);
  return leavingOnFailure(port, async () => {
    const announced = group.announced(port, options);
    const found = (tree: SourceTree) => requirePlace(options.path, options.manifestPath, tree);
    const { tree, manifest } = await readSource(options, group.pool, found, observe, signal);
    if (group.contentIds.has(manifest.root.contentId)) throw sharedTwice(options.path);
    group.contentIds.add(manifest.root.contentId);
    const serve = () => RunningShareImpl.start(options, { port, announced, tree, manifest }, observe);
    return { serve: () => leavingOnFailure(port, serve) };
  });
}

/** Prepares and serves a single share: resolves when others can download. */
export async function share(
  options: ShareOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<RunningShare> {
  const group = new ShareGroup(observe);
  let running: RunningShare | undefined;
  try {
    const prepared = await prepareShare(options, observe, signal, group);
    await group.complete();
    running = await prepared.serve();
    await running.announce();
    signal.throwIfAborted();
    return running;
  } catch (thrown) {
    await running?.close();
    await group.close();
    throw thrown;
  }
}

async function leavingOnFailure<T>(port: SharePort, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (thrown) {
    await port.leave();
    throw thrown;
  }
}

/** What a share is made of. */
interface ShareParts {
  readonly port: SharePort;
  readonly announced: AnnouncedShares;
  readonly tree: SourceTree;
  readonly manifest: Manifest;
}

class RunningShareImpl implements RunningShare {
  readonly contentId: ContentId;
  readonly ticket: string;
  readonly failed: Promise<never>;
  readonly #manifestPath: string;
  readonly #parts: ShareParts;
  readonly #source: ShareSource;
  readonly #progress: ShareProgress;
  readonly #observe: EventObserver;
  #isClosed = false;

  private constructor(
    options: ShareOptions,
    parts: ShareParts,
    { trackers, peers }: Whereabouts,
    observe: EventObserver,
  ) {
    const { server } = parts.port;
    const { manifest, tree } = parts;
    const { contentId, name, chunkCount } = manifest.root;
    const { failed, fail } = failure();
    this.contentId = contentId;
    this.ticket = encodeTicket({ contentId, name, trackers, peers });
    this.failed = failed;
    this.#manifestPath = options.manifestPath ?? besideShare(options.path, name);
    this.#parts = parts;
    this.#source = new ShareSource(manifest, tree);
    this.#progress = new ShareProgress(manifest.root, server, observe);
    this.#observe = observe;
    server.add({
      manifest,
      held: Bitfield.full(chunkCount),
      readChunk: (chunkIndex, offset, into) => this.#source.readChunk(chunkIndex, offset, into),
      copied: (neighbour) => this.#progress.copied(neighbour),
      readFailed: (error) => {
        // A share with one changed file cannot be completed from here: no more peers are sent here.
        server.remove(contentId, readRefusal(error));
        fail(error);
      },
    });
    server.joinWaiting(contentId);
  }

  static async start(
    options: ShareOptions,
    parts: ShareParts,
    observe: EventObserver,
  ): Promise<RunningShareImpl> {
    const { root, bodyBytes } = parts.manifest;
    const whereabouts = await parts.announced.whereabouts();
    const running = new RunningShareImpl(options, parts, whereabouts, observe);
    await writeManifestFile(running.#manifestPath, { root: root.bytes, ...whereabouts, body: bodyBytes });
    parts.announced.add(root);
    return running;
  }

  get bytesSent(): number {
    return this.#parts.port.server.bytesSentOf(this.contentId);
  }

  get neighbourCount(): number {
    return this.#parts.port.server.joinedCount(this.contentId);
  }

  get copies(): number {
    return this.#progress.copies;
  }

  untilCopies(count: number): Promise<void> {
    return this.#progress.untilCopies(count);
  }

  async announce(): Promise<void> {
    const { port, announced, tree, manifest } = this.#parts;
    const { root, files } = manifest;
    const trackers = this.#isClosed ? [] : await announced.announced(this.contentId);
    if (this.#isClosed) return;
    this.#observe({
      type: "sharing",
      contentId: this.contentId,
      ticket: this.ticket,
      manifestPath: this.#manifestPath,
      endpoint: port.endpoint,
      trackers: [...trackers],
      name: root.name,
      bytes: root.totalSize,
      files: files.length,
      chunks: root.chunkCount,
      linksSkipped: tree.skipped.filter((entry) => entry.isLink).length,
    });
    this.#progress.begin();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#progress.close();
    await this.#parts.port.leave(this.contentId);
    this.#source.close();
  }
}
