// From what a user wants to share to its manifest: walk, hash what is not remembered, assemble. Reports progress, and
// what is left out. Serves nothing.
import { Bitfield } from "../../core/bitfield.js";
import { DIGEST_BYTES } from "../../core/ids.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { EventObserver } from "../../events/event.js";
import { assembleManifest } from "../../manifest/assemble.js";
import { chooseChunkSize, computeLayout, type Layout } from "../../manifest/layout.js";
import type { Manifest } from "../../manifest/manifest.js";
import { hintingAtExclusion } from "../../storage/source/folder-walk.js";
import {
  chunkFingerprint,
  encodeHashCache,
  FINGERPRINT_BYTES,
  HashCache,
  isSettled,
  MAX_CACHED_CHUNKS,
} from "../../storage/source/hash-cache.js";
import { HashCacheFolder } from "../../storage/source/hash-cache-folder.js";
import { type SourceTree, sourcePath, walkSource } from "../../storage/source/source-tree.js";
import { hashTasks } from "../../workers/batches.js";
import type { WorkerPool } from "../../workers/worker-pool.js";
import { hashingProgress } from "../hashing/hashing-progress.js";
import { withoutOwnManifestFiles } from "./own-manifest-files.js";
import { pathMatcher } from "./path-patterns.js";

export interface SourceOptions {
  /** A file or folder. */
  readonly path: string;
  /** Bytes in a chunk; chosen by size if undefined. */
  readonly chunkSizeBytes: number | undefined;
  /** Where digests are remembered; nowhere if undefined. */
  readonly stateDirectory: string | undefined;
  /** Whether all files are read, whatever is remembered. */
  readonly rehash: boolean;
  /** Patterns of what to leave out of a folder; see path-patterns.ts. */
  readonly exclude: readonly string[];
}

const MAX_WARNED_ENTRIES = 20;

/** Smaller shares are hashed sooner than a cache is read. */
const MIN_CACHED_BYTES = 16 * 1024 * 1024;

/** Reads what `options.path` names; `requirePlace` is called before anything is hashed. Throws GoshareError. */
export async function readSource(
  options: SourceOptions,
  pool: WorkerPool,
  requirePlace: (tree: SourceTree) => Promise<void>,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<{ readonly tree: SourceTree; readonly manifest: Manifest }> {
  const begunAtMs = Date.now();
  const walked = hashingProgress(options.path, 0, observe);
  let excluded = 0;
  const matches = pathMatcher(options.exclude);
  const isExcluded = (path: string) => {
    const isMeant = matches(path);
    if (isMeant) excluded++;
    return isMeant;
  };
  const look = (paths: readonly string[]) => pool.lookAtFiles(paths);
  const found = (files: number) => walked(0, 0, files);
  const tree = await withoutOwnManifestFiles(await walkSource(options.path, found, signal, isExcluded, look));
  warnOfSkipped(tree, observe);
  if (excluded > 0 && isEmpty(tree)) {
    const message = "nothing is left of this: everything in it is excluded, and an empty folder is shared";
    observe({ type: "warning", code: "USAGE", message, path: options.path });
  }
  await requirePlace(tree);
  const sizes = Float64Array.from(tree.files, (file) => file.size);
  const layout = computeLayout(sizes, options.chunkSizeBytes ?? chooseChunkSize(sizes));
  const bytesTotal = sizes.reduce((sum, size) => sum + size, 0);
  const digests = new Uint8Array(new SharedArrayBuffer(layout.chunkCount * DIGEST_BYTES));
  const memory = await HashMemory.open(options, tree, layout, bytesTotal);
  const unknown = await memory.fill(digests);
  const pathOf = (fileIndex: number) =>
    sourcePath(tree.rootPath, tree.kind, tree.files[fileIndex]?.path ?? "");
  let bytesDone = bytesTotal;
  for (const chunkIndex of unknown) bytesDone -= layout.chunkLength(chunkIndex);
  const progress = hashingProgress(options.path, bytesDone, observe);
  // If all digests are remembered, nothing is hashed.
  if (unknown.count > 0) progress(bytesDone, bytesTotal, tree.files.length);
  const hashed = (_task: unknown, { bytes }: { readonly bytes: number }) => {
    bytesDone += bytes;
    progress(bytesDone, bytesTotal, tree.files.length);
  };
  await pool
    .runAll(hashTasks(layout, unknown, pathOf, tree.identities, digests), hashed, signal)
    .catch((thrown: unknown) => {
      throw tree.kind === "folder" ? hintingAtExclusion(thrown) : thrown;
    });
  if (unknown.count > 0) await memory.remember(digests, begunAtMs);
  const { name, kind, files, emptyDirectories, symbolicLinks } = tree;
  const { chunkSize } = layout;
  const entries = { name, kind, chunkSize, files, emptyDirectories, symbolicLinks };
  return { tree, manifest: assembleManifest({ ...entries, chunkDigests: digests.slice() }) };
}

/** The digests that the chunks of one source had when it was shared before. */
class HashMemory {
  readonly #folder: HashCacheFolder | undefined;
  readonly #cache: HashCache;
  readonly #tree: SourceTree;
  readonly #layout: Layout;
  /** FINGERPRINT_BYTES for each chunk; empty if nothing is remembered. */
  readonly #fingerprints: Uint8Array;

  private constructor(
    folder: HashCacheFolder | undefined,
    cache: HashCache,
    source: { readonly tree: SourceTree; readonly layout: Layout },
    fingerprints: Uint8Array,
  ) {
    this.#folder = folder;
    this.#cache = cache;
    this.#tree = source.tree;
    this.#layout = source.layout;
    this.#fingerprints = fingerprints;
  }

  static async open(
    { stateDirectory, rehash }: SourceOptions,
    tree: SourceTree,
    layout: Layout,
    bytesTotal: number,
  ): Promise<HashMemory> {
    const source = { tree, layout };
    const isWorthIt = bytesTotal >= MIN_CACHED_BYTES && layout.chunkCount <= MAX_CACHED_CHUNKS;
    if (stateDirectory === undefined || !isWorthIt) {
      return new HashMemory(undefined, HashCache.empty, source, new Uint8Array(0));
    }
    const folder = new HashCacheFolder(stateDirectory);
    const cache = rehash ? HashCache.empty : folder.read(tree.rootPath);
    const fingerprints = new Uint8Array(layout.chunkCount * FINGERPRINT_BYTES);
    const turn = new LoopTurn();
    for (let chunkIndex = 0; chunkIndex < layout.chunkCount; chunkIndex++) {
      const fingerprint = chunkFingerprint(layout.segments(chunkIndex), tree.identities);
      fingerprints.set(fingerprint, chunkIndex * FINGERPRINT_BYTES);
      if (turn.isOver) await turn.yield();
    }
    return new HashMemory(folder, cache, source, fingerprints);
  }

  /** Puts the known digests into `digests`; returns the chunks whose digests are not known. */
  async fill(digests: Uint8Array): Promise<Bitfield> {
    const unknown = Bitfield.full(this.#layout.chunkCount);
    if (this.#cache.size === 0) return unknown;
    const turn = new LoopTurn();
    for (let chunkIndex = 0; chunkIndex < this.#layout.chunkCount; chunkIndex++) {
      if (turn.isOver) await turn.yield();
      const digest = this.#cache.digest(this.#fingerprint(chunkIndex), chunkIndex);
      if (digest === undefined) continue;
      digests.set(digest, chunkIndex * DIGEST_BYTES);
      unknown.delete(chunkIndex);
    }
    return unknown;
  }

  /** Remembers `digests` for the next time. `begunAtMs`: a time before any file was looked at, in Unix milliseconds. */
  async remember(digests: Uint8Array, begunAtMs: number): Promise<void> {
    const { rootPath, identities } = this.#tree;
    await this.#folder?.write(
      rootPath,
      await encodeHashCache(this.#layout.chunkCount, (chunkIndex) => {
        if (!isSettled(this.#layout.segments(chunkIndex), identities, begunAtMs)) return undefined;
        const digest = digests.subarray(chunkIndex * DIGEST_BYTES, (chunkIndex + 1) * DIGEST_BYTES);
        return { fingerprint: this.#fingerprint(chunkIndex), digest };
      }),
    );
  }

  #fingerprint(chunkIndex: number): Uint8Array {
    return this.#fingerprints.subarray(chunkIndex * FINGERPRINT_BYTES, (chunkIndex + 1) * FINGERPRINT_BYTES);
  }
}

function isEmpty({ files, emptyDirectories, symbolicLinks }: SourceTree): boolean {
  return files.length + emptyDirectories.length + symbolicLinks.length === 0;
}

function warnOfSkipped(tree: SourceTree, observe: EventObserver): void {
  for (const { path: skippedPath, why, isLink } of tree.skipped.slice(0, MAX_WARNED_ENTRIES)) {
    observe({
      type: "warning",
      code: "SOURCE_UNSUPPORTED",
      message: `${isLink ? "symbolic link " : ""}not shared: ${why}`,
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
