// Compares what is on the disk with a share: manifest ─▶ names, kinds and sizes ─▶ workers hash every chunk that is
// there ─▶ differences by file. Changes nothing itself; repair.ts does repairs.
import * as fs from "node:fs";
import * as path from "node:path";
import type { Endpoint } from "../address/endpoint.js";
import { Bitfield } from "../core/bitfield.js";
import { GoshareError, readProblem } from "../core/errors.js";
import type { ContentId } from "../core/ids.js";
import type { EventObserver } from "../events/event.js";
import type { Manifest, ShareKind } from "../manifest/manifest.js";
import { compareTarget, type TargetComparison } from "../storage/final/target-comparison.js";
import { takePool } from "../workers/early-pool.js";
import type { WorkerPool } from "../workers/worker-pool.js";
import { type ContentSource, readContentSource } from "./finding/content-source.js";
import { lookUpManifest } from "./finding/manifest-lookup.js";
import { trackersFor } from "./finding/trackers.js";
import { verifyOnDisk } from "./hashing/chunks-on-disk.js";
import { tellSums } from "./hashing/file-sums.js";
import { tellDifferences } from "./verifying/differences.js";
import { type Repaired, type RepairOptions, repair } from "./verifying/repair.js";

export interface VerifyOptions {
  /** A ticket, the path of a .goshare file, or a content id. */
  readonly what: string;
  /** The file or folder to compare with it. */
  readonly path: string;
  readonly trackers: readonly Endpoint[];
  readonly probeLocalTracker: boolean;
  /** How long to look for the manifest; and in a repair, for the next chunk. */
  readonly timeoutMs: number;
  /** Whether to report the SHA-256 of every file. */
  readonly sums: boolean;
  /** How to fetch what is wrong; undefined: it is only reported. */
  readonly repair: RepairOptions | undefined;
}

export interface VerifyResult {
  readonly contentId: ContentId;
  /** Of the share. */
  readonly bytes: number;
  /** The absolute path of what was repaired; empty if nothing was. */
  readonly path: string;
  /** Payload bytes received over the network. */
  readonly bytesReceived: number;
  /** Those of them in chunks that were not used. */
  readonly bytesWasted: number;
}

/** Emits a `difference` for each thing that differs from the share, then one `verified`. Throws CONTENT_DIFFERS if
 * anything is wrong and stays wrong. */
export async function verify(
  options: VerifyOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const source = await readContentSource(options.what);
  const rootPath = realPath(options.path);
  const trackers = await trackersFor(source, options);
  const manifest = await requireManifest(options, source, trackers, observe, signal);
  requireKind(options.path, rootPath, manifest);
  const pool = takePool();
  try {
    const comparison = await compareTarget(rootPath, manifest, signal);
    const right = await rightChunks(options.path, rootPath, manifest, comparison, pool, observe, signal);
    const { root } = manifest;
    const summary = tellDifferences(manifest, comparison, right, observe);
    observe({
      ...{ type: "verified", contentId: root.contentId, name: root.name, path: options.path },
      ...{ bytes: root.totalSize, chunks: root.chunkCount, chunksRight: right.count },
      ...{ files: manifest.files.length, extra: comparison.extras.length },
      ...summary,
    });
    let repaired: Repaired | undefined;
    const needsRepair = !summary.isRight || comparison.modes.length > 0;
    if (options.repair !== undefined && needsRepair) {
      const how = { ...options.repair, timeoutMs: options.timeoutMs };
      const work = { source, trackers, manifest, rootPath, comparison, right, pool };
      repaired = await repair(how, work, observe, signal);
    }
    if (options.sums) await tellSums(options.path, rootPath, manifest, pool, observe, signal);
    if (!summary.isRight && repaired === undefined) throw differs(options, summary.problems);
    const nothing = { path: "", bytesReceived: 0, bytesWasted: 0 };
    return { contentId: root.contentId, bytes: root.totalSize, ...(repaired ?? nothing) };
  } finally {
    await pool.close();
  }
}

function realPath(givenPath: string): string {
  try {
    return fs.realpathSync(path.resolve(givenPath));
  } catch (cause) {
    const { reason, hint } = readProblem(cause);
    throw new GoshareError("SOURCE_UNREADABLE", `cannot read ${givenPath}: ${reason}`, {
      cause,
      hint: `${hint}; goshare download fetches what is not there at all`,
    });
  }
}

async function requireManifest(
  options: VerifyOptions,
  source: ContentSource,
  trackers: readonly Endpoint[],
  observe: EventObserver,
  signal: AbortSignal,
): Promise<Manifest> {
  const found = await lookUpManifest(source, trackers, options.timeoutMs, observe, signal);
  if (found.manifest !== undefined) return found.manifest;
  throw found.problem;
}

function requireKind(givenPath: string, rootPath: string, { root }: Manifest): void {
  const stats = fs.statSync(rootPath);
  const kind: ShareKind | undefined = stats.isFile() ? "file" : stats.isDirectory() ? "folder" : undefined;
  if (kind === root.kind) return;
  const inside = path.join(givenPath, root.name);
  throw new GoshareError(
    "USAGE",
    `${givenPath} is ${kind === undefined ? "neither a file nor a folder" : `a ${kind}`}, but ${root.name} is a ${root.kind}`,
    { hint: kind === "folder" && fs.existsSync(inside) ? `did you mean ${inside}?` : "check the path" },
  );
}

/** Every chunk that can be read and has its digest. */
async function rightChunks(
  givenPath: string,
  rootPath: string,
  manifest: Manifest,
  comparison: TargetComparison,
  pool: WorkerPool,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<Bitfield> {
  const { layout, root } = manifest;
  const right = Bitfield.full(root.chunkCount);
  for (const [fileIndex, { problem }] of comparison.files) {
    if (problem === "long" || problem === "short") continue;
    const { first, count } = layout.chunksOfFile(fileIndex);
    for (let chunkIndex = first; chunkIndex < first + count; chunkIndex++) right.delete(chunkIndex);
  }
  const chunks = right.copy();
  const work = { manifest, rootPath, givenPath, chunks, mayBeLonger: true };
  await verifyOnDisk(work, pool, (chunkIndex) => right.delete(chunkIndex), observe, signal);
  return right;
}

function differs(options: VerifyOptions, problems: string): GoshareError {
  return new GoshareError("CONTENT_DIFFERS", `${options.path} is not what was shared: ${problems}`, {
    hint: "run the same command with --repair to fetch what is wrong",
  });
}
