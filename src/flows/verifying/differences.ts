// Combines what names and sizes show with what hashing found, and reports it file by file, in the order of the
// manifest. Reads nothing.
import type { Bitfield } from "../../core/bitfield.js";
import type { EventObserver } from "../../events/event.js";
import type { ChunkRun, FindingEvent, Problem } from "../../events/finding-event.js";
import type { Manifest } from "../../manifest/manifest.js";
import type { TargetComparison } from "../../storage/final/target-comparison.js";

export interface DifferenceSummary {
  readonly isRight: boolean;
  readonly filesWrong: number;
  readonly filesUnsure: number;
  readonly bytesRight: number;
  /** "2 files wrong or missing, 1 file perhaps"; empty if all is right. */
  readonly problems: string;
}

/** The most runs of chunks reported for one file. */
const MAX_RUNS = 1_000;

type Difference = Extract<FindingEvent, { type: "difference" }>;

/** Emits a `difference` for everything that is not as it should be. */
export function tellDifferences(
  manifest: Manifest,
  comparison: TargetComparison,
  right: Bitfield,
  observe: EventObserver,
): DifferenceSummary {
  const telling = new Telling(manifest, comparison, right, observe);
  for (const fileIndex of manifest.files.keys()) telling.file(fileIndex);
  for (const { path, problem, detail } of comparison.entries)
    telling.tell({ problem, paths: [path], detail });
  for (const fileIndex of comparison.modes) telling.mode(fileIndex);
  for (const path of comparison.extras) telling.tell({ problem: "extra", paths: [path] });
  for (const { path, kind } of comparison.unfinished)
    telling.tell({ problem: "unfinished", paths: [path], detail: `a goshare ${kind}` });
  const { filesWrong, filesUnsure } = telling;
  let bytesRight = 0;
  for (const chunkIndex of right) bytesRight += manifest.layout.chunkLength(chunkIndex);
  const problems = [
    counted(filesWrong, "file", "wrong or missing"),
    counted(filesUnsure, "file", "perhaps"),
    counted(comparison.entries.length, "folder or link", "wrong or missing", "folders or links"),
  ].filter((text) => text !== "");
  return {
    isRight: problems.length === 0,
    filesWrong,
    filesUnsure,
    bytesRight,
    problems: problems.join(", "),
  };
}

class Telling {
  filesWrong = 0;
  filesUnsure = 0;
  readonly #manifest: Manifest;
  readonly #comparison: TargetComparison;
  readonly #right: Bitfield;
  readonly #observe: EventObserver;
  /** The last chunk of small files that was reported. */
  #toldPack = -1;

  constructor(manifest: Manifest, comparison: TargetComparison, right: Bitfield, observe: EventObserver) {
    this.#manifest = manifest;
    this.#comparison = comparison;
    this.#right = right;
    this.#observe = observe;
  }

  tell(
    difference: { readonly problem: Problem; readonly paths: readonly string[] } & Partial<Difference>,
  ): void {
    const nothing = { chunksWrong: 0, chunks: [], bytes: 0, bytesExpected: 0, detail: "" };
    this.#observe({ type: "difference", ...nothing, ...difference });
  }

  file(fileIndex: number): void {
    const { files, layout, root } = this.#manifest;
    const entry = files[fileIndex];
    if (entry === undefined) return;
    const finding = this.#comparison.files.get(fileIndex);
    const { first, count } = layout.chunksOfFile(fileIndex);
    const { chunksWrong, chunks } = this.#wrongIn(first, count);
    if (finding === undefined && chunksWrong === 0) return;
    const isPacked = count > 0 && entry.size < root.chunkSize && layout.segments(first).length > 1;
    if (finding === undefined && isPacked) return this.#pack(first);
    this.filesWrong++;
    this.tell({
      ...{ problem: finding?.problem ?? "content", paths: [entry.path], chunksWrong, chunks },
      ...{ bytes: finding?.bytes ?? entry.size, bytesExpected: entry.size, detail: finding?.detail ?? "" },
    });
  }

  mode(fileIndex: number): void {
    const { path, executable } = this.#manifest.files[fileIndex] ?? { path: "", executable: false };
    const detail = executable ? "it is not executable, but should be" : "it is executable, but should not be";
    this.tell({ problem: "mode", paths: [path], detail });
  }

  /** Reports the small files of a wrong chunk about which nothing worse is known. */
  #pack(chunkIndex: number): void {
    if (this.#toldPack === chunkIndex) return;
    this.#toldPack = chunkIndex;
    const { files, layout } = this.#manifest;
    const segments = layout.segments(chunkIndex);
    const pathAt = (fileIndex: number) => files[fileIndex]?.path ?? "";
    const unsure = segments.filter(({ fileIndex }) => !this.#comparison.files.has(fileIndex));
    // Of a file that is too long only the first bytes are hashed, and those may be right.
    const lacking = segments.find(({ fileIndex }) => {
      const finding = this.#comparison.files.get(fileIndex);
      return finding !== undefined && finding.problem !== "long";
    });
    const detail =
      lacking === undefined
        ? "at least one file of the chunk they share is wrong"
        : `cannot be checked without ${pathAt(lacking.fileIndex)}, with which they share a chunk`;
    this.filesUnsure += unsure.length;
    this.tell({
      ...{ problem: "unsure", paths: unsure.map(({ fileIndex }) => pathAt(fileIndex)), detail },
      ...{ chunksWrong: 1, chunks: [{ first: chunkIndex, count: 1 }] },
    });
  }

  #wrongIn(
    first: number,
    count: number,
  ): { readonly chunksWrong: number; readonly chunks: readonly ChunkRun[] } {
    const runs: { first: number; count: number }[] = [];
    let chunksWrong = 0;
    let run: { first: number; count: number } | undefined;
    for (let chunkIndex = first; chunkIndex < first + count; chunkIndex++) {
      if (this.#right.has(chunkIndex)) {
        run = undefined;
        continue;
      }
      chunksWrong++;
      if (run === undefined) {
        run = { first: chunkIndex, count: 0 };
        if (runs.length < MAX_RUNS) runs.push(run);
      }
      run.count++;
    }
    return { chunksWrong, chunks: runs };
  }
}

function counted(count: number, noun: string, how: string, plural = `${noun}s`): string {
  return count === 0 ? "" : `${count} ${count === 1 ? noun : plural} ${how}`;
}
