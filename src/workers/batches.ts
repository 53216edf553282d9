// Cuts the chunks of a share into tasks for the workers: large enough that a hop between threads does not matter, small
// enough that progress shows and memory stays small. Does so lazily: a task exists only while it runs.
import { DIGEST_BYTES } from "../core/ids.js";
import { MIB } from "../core/units.js";
import type { Layout } from "../manifest/layout.js";
import type { FileEntry, Manifest } from "../manifest/manifest.js";
import type { Selection } from "../manifest/selection.js";
import type { SyncedEntry } from "../storage/part/written-files.js";
import { packEntries } from "./packed-runs.js";
import {
  type ChunkDigest,
  type ChunkRead,
  type CopyTask,
  DIGEST_ENCODING,
  type HashTask,
  type ReadRun,
  type SumTask,
  type SyncTask,
  type VerifyTask,
} from "./tasks.js";

const TASK_BYTES = 16 * MIB;
const TASK_FILES = 1024;
/** Files in each of the first sync tasks. Later ones hold more, so that threads seldom wait for the next task when
 * there are many files, and each thread has some when there are few. */
const MIN_SYNC_FILES = 64;
const MAX_SYNC_FILES = 512;
/** The part of all files so far that one task holds. */
const SYNC_GROWTH = 1 / 8;

interface Batch {
  /** File indexes in the order the task numbers them. */
  readonly fileIndexes: readonly number[];
  readonly chunks: readonly ChunkRead[];
}

function* batches(layout: Layout, chunkIndexes: Iterable<number>): Iterable<Batch> {
  let numbers = new Map<number, number>();
  let chunks: ChunkRead[] = [];
  let bytes = 0;
  for (const chunkIndex of chunkIndexes) {
    const runs: ReadRun[] = [];
    for (const { fileIndex, fileOffset, length } of layout.segments(chunkIndex)) {
      const file = numbers.get(fileIndex) ?? numbers.size;
      numbers.set(fileIndex, file);
      runs.push({ file, fileOffset, length });
    }
    chunks.push({ chunkIndex, runs });
    bytes += layout.chunkLength(chunkIndex);
    if (bytes < TASK_BYTES && numbers.size < TASK_FILES) continue;
    yield { fileIndexes: [...numbers.keys()], chunks };
    numbers = new Map();
    chunks = [];
    bytes = 0;
  }
  if (chunks.length > 0) yield { fileIndexes: [...numbers.keys()], chunks };
}

/** Tasks that hash `chunkIndexes` of a source into `digests`. */
export function* hashTasks(
  layout: Layout,
  chunkIndexes: Iterable<number>,
  pathOf: (fileIndex: number) => string,
  identities: BigInt64Array,
  digests: Uint8Array,
): Iterable<HashTask> {
  for (const { fileIndexes, chunks } of batches(layout, chunkIndexes)) {
    const files = fileIndexes.map((fileIndex) => ({ path: pathOf(fileIndex), fileIndex }));
    yield { kind: "hash", files, chunks, identities, digests };
  }
}

/** Tasks that verify what has been written of `chunkIndexes`. Chunks in files that are longer than they should be count
 * as wrong, unless `mayBeLonger`. */
export function* verifyTasks(
  manifest: Manifest,
  chunkIndexes: Iterable<number>,
  pathOf: (filePath: string) => string,
  mayBeLonger = false,
): Iterable<VerifyTask> {
  for (const { fileIndexes, chunks } of batches(manifest.layout, chunkIndexes)) {
    yield {
      kind: "verify",
      files: fileIndexes.map((fileIndex) => {
        const { path, size } = manifest.files[fileIndex] ?? { path: "", size: 0 };
        return { path: pathOf(path), size: mayBeLonger ? Number.POSITIVE_INFINITY : size };
      }),
      chunks: chunks.map((chunk) => ({ ...chunk, digest: chunkDigest(manifest, chunk.chunkIndex) })),
    };
  }
}

/** Tasks that copy `chunkIndexes` out of older files: `oldPathOf` names one for each file that has bytes in those
 * chunks. */
export function* copyTasks(
  selection: Selection,
  chunkIndexes: Iterable<number>,
  oldPathOf: (fileIndex: number) => string | undefined,
  newPathOf: (filePath: string) => string,
): Iterable<CopyTask> {
  const { manifest } = selection;
  for (const { fileIndexes, chunks } of batches(manifest.layout, chunkIndexes)) {
    yield {
      kind: "copy",
      files: fileIndexes.map((fileIndex) => ({ path: oldPathOf(fileIndex) ?? "" })),
      chunks: chunks.map((chunk) => ({
        ...chunk,
        digest: chunkDigest(manifest, chunk.chunkIndex),
        writes: selection.segments(chunk.chunkIndex).map(({ fileIndex, ...run }) => {
          const { path = "", size = 0, executable = false } = manifest.files[fileIndex] ?? {};
          return { path: newPathOf(path), executable, fileBytes: size, ...run };
        }),
      })),
    };
  }
}

/** Tasks that hash whole files of the share; a large one ends its task. */
export function* sumTasks(
  files: Iterable<FileEntry>,
  pathOf: (filePath: string) => string,
  bytesRead: BigInt64Array,
): Iterable<SumTask> {
  let paths: string[] = [];
  let bytes = 0;
  for (const { path, size } of files) {
    paths.push(pathOf(path));
    bytes += size;
    if (bytes < TASK_BYTES && paths.length < TASK_FILES) continue;
    yield { kind: "sum", paths, bytesRead };
    paths = [];
    bytes = 0;
  }
  if (paths.length > 0) yield { kind: "sum", paths, bytesRead };
}

/** Tasks that make `entries` durable. */
export function* syncTasks(entries: Iterable<SyncedEntry>): Iterable<SyncTask> {
  let group: SyncedEntry[] = [];
  let given = 0;
  for (const entry of entries) {
    group.push(entry);
    given += 1;
    if (group.length < Math.min(MAX_SYNC_FILES, Math.max(MIN_SYNC_FILES, given * SYNC_GROWTH))) continue;
    yield { kind: "sync", entries: packEntries(group) };
    group = [];
  }
  if (group.length > 0) yield { kind: "sync", entries: packEntries(group) };
}

/** The digest of one chunk: 32 characters of its own, since a view into all digests would take all of them along to a
 * thread. */
export function chunkDigest({ chunkDigests }: Manifest, chunkIndex: number): ChunkDigest {
  const place = chunkDigests.byteOffset + chunkIndex * DIGEST_BYTES;
  return Buffer.from(chunkDigests.buffer, place, DIGEST_BYTES).toString(DIGEST_ENCODING);
}
