// Where the bytes of a chunk go, and what to make durable, in the form in which it is handed to a thread: one text and
// one list of numbers. An object for each of hundreds of small files takes longer to hand over than such a file takes
// to write.
import type { SyncedEntry, WriteRun } from "../storage/part/written-files.js";

export interface PackedRuns {
  /** Joined by NUL, which no path holds. */
  readonly paths: string;
  /** PLACES numbers for each path. */
  readonly places: Float64Array;
}

const SEPARATOR = "\0";

/** Numbers for each run: descriptor, whether the file is executable, place in the file, place in the chunk, length,
 * size of the file. */
const PLACES = 6;
/** Stands for a descriptor or a size that is absent. */
const NONE = -1;

export function packRuns(runs: readonly WriteRun[]): PackedRuns {
  const places = new Float64Array(runs.length * PLACES);
  let paths = "";
  for (let index = 0, at = 0; index < runs.length; index++) {
    const run = runs[index];
    if (run === undefined) break;
    paths = index === 0 ? run.path : paths + SEPARATOR + run.path;
    places[at++] = run.fd ?? NONE;
    places[at++] = run.executable ? 1 : 0;
    places[at++] = run.fileOffset;
    places[at++] = run.chunkOffset;
    places[at++] = run.length;
    places[at++] = run.fileBytes ?? NONE;
  }
  return { paths, places };
}

/** What was packed. */
export function unpackRuns({ paths, places }: PackedRuns): readonly WriteRun[] {
  if (places.length === 0) return [];
  return splitPaths(paths).map((path, index) => {
    const at = index * PLACES;
    const [fd, fileBytes] = [places[at], places[at + 5]];
    return {
      path,
      fd: fd === NONE ? undefined : fd,
      executable: places[at + 1] === 1,
      fileOffset: places[at + 2] ?? 0,
      chunkOffset: places[at + 3] ?? 0,
      length: places[at + 4] ?? 0,
      fileBytes: fileBytes === NONE ? undefined : fileBytes,
    };
  });
}

/** Paths as one text; at least one of them. */
export function joinPaths(paths: readonly string[]): string {
  return paths.join(SEPARATOR);
}

export function splitPaths(joined: string): readonly string[] {
  return joined.split(SEPARATOR);
}

export interface PackedEntries {
  /** As in PackedRuns. */
  readonly paths: string;
  /** The size of each, or NONE. */
  readonly fileBytes: Float64Array;
}

export function packEntries(entries: readonly SyncedEntry[]): PackedEntries {
  return {
    paths: joinPaths(entries.map(({ path }) => path)),
    fileBytes: Float64Array.from(entries, ({ fileBytes = NONE }) => fileBytes),
  };
}

/** What was packed. */
export function unpackEntries({ paths, fileBytes }: PackedEntries): readonly SyncedEntry[] {
  if (fileBytes.length === 0) return [];
  return splitPaths(paths).map((path, index) => {
    const bytes = fileBytes[index] ?? NONE;
    return bytes === NONE ? { path } : { path, fileBytes: bytes };
  });
}
