// What must hold among the entries of a manifest, for writers and for readers. Knows no bytes; says what is wrong and
// with which path, and leaves the error to its caller.
import { quoted } from "../core/characters.js";
import { MAX_TOTAL_BYTES } from "./limits.js";
import type { FileEntry, ShareKind, SymbolicLink } from "./manifest.js";
import { comparePaths, linkProblem, nameProblem, pathProblem } from "./names.js";

export interface Entries {
  readonly name: string;
  readonly kind: ShareKind;
  readonly files: readonly FileEntry[];
  readonly emptyDirectories: readonly string[];
  readonly symbolicLinks: readonly SymbolicLink[];
}

/** What is wrong with a share's entries, as a sentence; undefined if nothing is. One pass over each list. */
export function entriesProblem(entries: Entries): string | undefined {
  const nameFault = nameProblem(entries.name);
  if (nameFault !== undefined) return `the share's name ${quoted(entries.name)} ${nameFault}`;
  return kindProblem(entries) ?? pathsProblem(entries) ?? linksProblem(entries.symbolicLinks);
}

/** Sum of the sizes of `files`, in bytes; undefined if it is more than MAX_TOTAL_BYTES. */
export function totalSizeOf(files: readonly FileEntry[]): number | undefined {
  let total = 0;
  for (const { size } of files) {
    total += size;
    // Checked at each step: a sum of two safe integers is exact up to here.
    if (total > MAX_TOTAL_BYTES) return undefined;
  }
  return total;
}

function kindProblem({ name, kind, files, emptyDirectories, symbolicLinks }: Entries): string | undefined {
  if (kind === "folder") return undefined;
  if (files.length !== 1 || emptyDirectories.length > 0 || symbolicLinks.length > 0) {
    return "the share of one file has entries other than that file";
  }
  return files[0]?.path === name
    ? undefined
    : "the share of one file gives that file a name other than its own";
}

function linksProblem(links: readonly SymbolicLink[]): string | undefined {
  for (const { path, target } of links) {
    const problem = linkProblem(path, target);
    if (problem !== undefined) return `the link ${quoted(path)} ${problem}`;
  }
  return undefined;
}

/** Goes through the three lists at once in the order of paths. An entry in a directory comes after the directory's own
 * name, though not always next to it ("a", "a-b", "a/c"). So the names that the current path begins with are kept; only
 * the longest of them can be the directory it lies in and not have been compared yet. */
function pathsProblem({ files, emptyDirectories, symbolicLinks }: Entries): string | undefined {
  const heads = [
    new Head(files.length, (index) => files[index]?.path),
    new Head(emptyDirectories.length, (index) => emptyDirectories[index]),
    new Head(symbolicLinks.length, (index) => symbolicLinks[index]?.path),
  ];
  const begins: string[] = [];
  for (;;) {
    const head = firstOf(heads);
    const path = head?.path;
    if (head === undefined || path === undefined) return undefined;
    const problem = pathProblem(path);
    if (problem !== undefined) return `the path ${quoted(path)} ${problem}`;

    let previous = begins.at(-1);
    while (previous !== undefined && !path.startsWith(previous)) {
      begins.pop();
      previous = begins.at(-1);
    }
    if (previous !== undefined) {
      if (previous.length === path.length) return `the path ${quoted(path)} appears twice`;
      if (path[previous.length] === "/")
        return `${quoted(previous)} has ${quoted(path)} in it but is not a directory`;
    }
    begins.push(path);
    if (!head.advance()) return `the path ${quoted(path)} is out of order`;
  }
}

function firstOf(heads: readonly Head[]): Head | undefined {
  let first: Head | undefined;
  for (const head of heads) {
    if (head.path === undefined) continue;
    if (first?.path === undefined || comparePaths(head.path, first.path) < 0) first = head;
  }
  return first;
}

/** Where the walk stands in one sorted list. */
class Head {
  path: string | undefined;
  readonly #length: number;
  readonly #pathAt: (index: number) => string | undefined;
  #index = 0;

  constructor(length: number, pathAt: (index: number) => string | undefined) {
    this.#length = length;
    this.#pathAt = pathAt;
    this.path = length > 0 ? pathAt(0) : undefined;
  }

  /** Goes to the next path; false if that sorts before the present one (equal paths are found elsewhere). */
  advance(): boolean {
    const previous = this.path;
    this.#index += 1;
    this.path = this.#index < this.#length ? this.#pathAt(this.#index) : undefined;
    return previous === undefined || this.path === undefined || comparePaths(previous, this.path) <= 0;
  }
}
