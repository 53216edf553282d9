// Finds files of an older version that may hold chunks of a share: those at the same place in their folder, else those
// of the same size. Looks only at names and sizes; whether a chunk is really there its digest decides.
import * as fs from "node:fs";
import * as path from "node:path";
import { Bitfield } from "../../core/bitfield.js";
import { GoshareError, isErrno } from "../../core/errors.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { Selection } from "../../manifest/selection.js";

/** How many entries of a folder are searched for files of the same size. */
const MAX_ENTRIES = 200_000;

export interface Reusable {
  /** Chunks that may be there: each of their runs is within an older file. */
  readonly chunks: Bitfield;
  /** The older file for a file of the manifest; undefined if there is none. */
  pathOf(fileIndex: number): string | undefined;
}

interface OldFile {
  readonly path: string;
  readonly size: number;
}

/** Throws USAGE if what is to be reused is no folder. */
export function requireReusable(directory: string): void {
  if (fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new GoshareError("USAGE", `--reuse ${JSON.stringify(directory)} is not a folder`, {
    hint: "give the folder that the older version is in",
  });
}

/** What may be in `directory` of `selection`. */
export async function findReusable(directory: string, selection: Selection): Promise<Reusable> {
  const found = await sameFiles(path.resolve(directory), selection);
  const { layout } = selection.manifest;
  const chunks = new Bitfield(selection.chunks.length);
  for (const chunkIndex of selection.chunks) {
    const isThere = layout
      .segments(chunkIndex)
      .every(({ fileIndex, fileOffset, length }) => fileOffset + length <= (found.get(fileIndex)?.size ?? 0));
    if (isThere) chunks.add(chunkIndex);
  }
  return { chunks, pathOf: (fileIndex) => found.get(fileIndex)?.path };
}

async function sameFiles(top: string, { manifest }: Selection): Promise<ReadonlyMap<number, OldFile>> {
  const { files, root } = manifest;
  const found = new Map<number, OldFile>();
  let bySize: ReadonlyMap<number, string> | undefined;
  const turn = new LoopTurn();
  for (const [fileIndex, { path: filePath, size }] of files.entries()) {
    if (turn.isOver) await turn.yield();
    if (size === 0) continue;
    // The older version may be the folder itself, or be in it under the share's name.
    const samePlace = fileAt(path.join(top, filePath)) ?? fileAt(path.join(top, root.name, filePath));
    if (samePlace === undefined) bySize ??= await filesBySize(top);
    const sameSize = samePlace === undefined ? bySize?.get(size) : undefined;
    const old = samePlace ?? (sameSize === undefined ? undefined : { path: sameSize, size });
    if (old !== undefined) found.set(fileIndex, old);
  }
  return found;
}

function fileAt(filePath: string): OldFile | undefined {
  try {
    const stats = fs.statSync(filePath, { throwIfNoEntry: false });
    return stats?.isFile() === true ? { path: filePath, size: stats.size } : undefined;
  } catch {
    // A file where a folder should be, or a folder that may not be read.
    return undefined;
  }
}

/** One file of each size. */
async function filesBySize(top: string): Promise<ReadonlyMap<number, string>> {
  const bySize = new Map<number, string>();
  const pending = [top];
  const turn = new LoopTurn();
  let seen = 0;
  for (let folder = pending.pop(); folder !== undefined && seen < MAX_ENTRIES; folder = pending.pop()) {
    for (const entry of entriesOf(folder)) {
      if (++seen >= MAX_ENTRIES) break;
      if (turn.isOver) await turn.yield();
      const entryPath = path.join(folder, entry.name);
      if (entry.isDirectory()) pending.push(entryPath);
      const file = entry.isFile() || entry.isSymbolicLink() ? fileAt(entryPath) : undefined;
      if (file !== undefined && !bySize.has(file.size)) bySize.set(file.size, file.path);
    }
  }
  return bySize;
}

function entriesOf(folder: string): readonly fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (thrown) {
    if (isErrno(thrown, "EACCES", "EPERM", "ENOENT", "ENOTDIR")) return [];
    throw thrown;
  }
}
