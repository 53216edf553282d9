// A download as the flow runs it, without network and threads: what is missing comes out of a sample share.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Bitfield } from "../../src/core/bitfield.js";
import { Globs } from "../../src/core/globs.js";
import { Selection } from "../../src/manifest/selection.js";
import { commit, finishCommit } from "../../src/storage/final/commit.js";
import { openForWriting } from "../../src/storage/part/part-files.js";
import { PartFolder, type SyncFiles } from "../../src/storage/part/part-folder.js";
import type { IfTaken } from "../../src/storage/part/taken-name.js";
import type { SampleShare } from "./sample-share.js";

/** Makes files durable at once, in this thread. */
export const syncAtOnce: SyncFiles = async (entries) => {
  for (const entry of entries) {
    const fd = fs.openSync(entry.path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  }
};

/** Writes a chunk as the workers do. */
export function writeChunk(
  part: PartFolder,
  share: SampleShare,
  chunkIndex: number,
  selection = new Selection(share.manifest),
): void {
  const segments = selection.segments(chunkIndex);
  const chunk = share.chunk(chunkIndex);
  for (const run of part.writeRuns(share.manifest, segments)) {
    const fd = run.fd ?? openForWriting(run.path, run.executable, fs.constants.O_TRUNC);
    for (let done = 0; done < run.length; ) {
      done += fs.writeSync(fd, chunk, run.chunkOffset + done, run.length - done, run.fileOffset + done);
    }
    if (run.fd === undefined) fs.closeSync(fd);
  }
  part.releaseRuns(share.manifest, segments);
  part.record(chunkIndex);
}

/** Whether what is written of a chunk has its digest. */
function isWritten(part: PartFolder, { manifest, chunk }: SampleShare, chunkIndex: number): boolean {
  const hash = createHash("sha256");
  for (const { fileIndex, fileOffset, length } of manifest.layout.segments(chunkIndex)) {
    try {
      const bytes = fs.readFileSync(part.filePath(manifest.files[fileIndex]?.path ?? ""));
      hash.update(bytes.subarray(fileOffset, fileOffset + length));
    } catch {
      return false;
    }
  }
  return hash.digest().equals(createHash("sha256").update(chunk(chunkIndex)).digest());
}

export interface RunResult {
  /** Chunks that were not there and had to be fetched. */
  readonly fetched: readonly number[];
  /** Whether what an earlier run left was taken without a second look. */
  readonly isTrusted: boolean;
}

/** Fetches what is missing of the chunks below `until`, with the part folder open; returns what it did. */
async function fetchMissing(
  part: PartFolder,
  share: SampleShare,
  until: number,
  selection = new Selection(share.manifest),
): Promise<RunResult & { held: Bitfield }> {
  const { manifest } = share;
  const claimed = part.claims.held;
  const isTrusted = claimed.count > 0 && (await part.takePauseMark(manifest));
  const held = new Bitfield(manifest.root.chunkCount);
  const fetched: number[] = [];
  for (let chunkIndex = 0; chunkIndex < manifest.root.chunkCount; chunkIndex++) {
    if (!selection.chunks.has(chunkIndex)) continue;
    if (!claimed.has(chunkIndex) || (!isTrusted && !isWritten(part, share, chunkIndex))) {
      if (chunkIndex >= until) continue;
      writeChunk(part, share, chunkIndex, selection);
      fetched.push(chunkIndex);
    }
    held.add(chunkIndex);
  }
  return { fetched, isTrusted, held };
}

/** A whole run, to the commit. */
export async function downloadAll(
  outputDirectory: string,
  share: SampleShare,
  syncFiles: SyncFiles = syncAtOnce,
  ifTaken: IfTaken = "refuse",
): Promise<RunResult> {
  const part = await PartFolder.open(outputDirectory, share.manifest.root, ifTaken);
  try {
    if (part.isClaimed) {
      finishCommit(part);
      return { fetched: [], isTrusted: true };
    }
    const result = await fetchMissing(part, share, share.manifest.root.chunkCount);
    await commit(part, share.manifest, syncFiles);
    return result;
  } finally {
    part.close();
  }
}

/** A whole run that takes only what these patterns mean. */
export async function downloadSelected(
  outputDirectory: string,
  share: SampleShare,
  ...patterns: readonly string[]
): Promise<RunResult> {
  const { root } = share.manifest;
  const globs = new Globs(patterns, "a test");
  const part = await PartFolder.open(outputDirectory, root, "refuse", globs.patterns);
  try {
    if (part.isClaimed) {
      finishCommit(part);
      return { fetched: [], isTrusted: true };
    }
    const selection = new Selection(share.manifest, (filePath) => globs.matches(filePath));
    part.storeSelection({ patterns: globs.patterns, chunks: selection.chunks.count });
    const result = await fetchMissing(part, share, root.chunkCount, selection);
    await commit(part, selection, syncAtOnce);
    return result;
  } finally {
    part.close();
  }
}

/** A run that fetches the chunks below `until` and is interrupted: it pauses cleanly. */
export async function downloadUntil(
  outputDirectory: string,
  share: SampleShare,
  until: number,
): Promise<RunResult> {
  const part = await PartFolder.open(outputDirectory, share.manifest.root);
  try {
    const result = await fetchMissing(part, share, until);
    await part.pause(share.manifest, result.held);
    return result;
  } finally {
    part.close();
  }
}

export const open = (outputDirectory: string, share: SampleShare) =>
  PartFolder.open(outputDirectory, share.manifest.root);

export const partPathOf = (outputDirectory: string, name: string) =>
  path.join(outputDirectory, `.${name}.goshare-part`);

/** A run that wrote these chunks and was killed: no pause, the journal as far as it got. */
export async function killedAfter(
  outputDirectory: string,
  share: SampleShare,
  ...chunkIndexes: number[]
): Promise<string> {
  const part = await open(outputDirectory, share);
  for (const chunkIndex of chunkIndexes) writeChunk(part, share, chunkIndex);
  part.close();
  return part.partPath;
}
