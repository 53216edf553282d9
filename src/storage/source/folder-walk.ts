// A walk through a folder that is to be shared. Names are read here; `look` finds what they stand for, many at a time.
// Folders are not asked for the kinds of their entries: many file systems do not say, and Node then looks at all
// entries in one go. Reads names as bytes, follows no link, opens no file.
import { isUtf8 } from "node:buffer";
import * as fs from "node:fs";
import * as path from "node:path";
import { untilAborted } from "../../core/clock.js";
import { type ErrorCode, GoshareError, readProblem } from "../../core/errors.js";
import { LoopTurn } from "../../core/loop-turn.js";
import { MAX_ENTRIES } from "../../manifest/limits.js";
import type { FileEntry, SymbolicLink } from "../../manifest/manifest.js";
import { comparePaths, folderOf, linkProblem, nameProblem } from "../../manifest/names.js";
import { IDENTITY_FIELDS, identityArray, lastingIdentity, SIZE_FIELD } from "../files/file-identity.js";
import {
  EXECUTABLE_FILE,
  type FileLooks,
  FOLDER,
  isExecutable,
  type LookAtFiles,
  SOMETHING_ELSE,
} from "../files/file-looks.js";
import { unfinishedOf } from "../part/part-paths.js";

/** What is in a folder that is to be shared. */
export interface FolderTree {
  /** Sorted by the UTF-8 bytes of path. */
  readonly files: readonly FileEntry[];
  /** Identities of `files`, in their order (file-identity.ts). */
  readonly identities: BigInt64Array;
  readonly emptyDirectories: readonly string[];
  readonly symbolicLinks: readonly SymbolicLink[];
  /** What is not shared: links that point outside, files that are neither regular nor links, and what goshare itself
   * has not finished there. */
  readonly skipped: readonly SkippedEntry[];
}

export interface SkippedEntry {
  readonly path: string;
  readonly why: string;
  readonly isLink: boolean;
}

/** Called now and then with the number of files and bytes found so far. */
export type WalkProgress = (files: number, bytes: number) => void;

/** How many entries are looked at together, and how many such looks run at a time. */
const ENTRIES_PER_LOOK = 512;
const MAX_LOOKS = 32;

/** How many names that cannot be shared one error tells. */
const MAX_TOLD_NAMES = 20;

/** Failures of the disk, and of a file that cannot be opened when it is hashed. */
const UNREADABLE: readonly ErrorCode[] = ["SOURCE_UNREADABLE", "PERMISSION_DENIED", "DISK_FAILED"];

/** A file, and where its identity is. */
interface FoundFile {
  readonly entry: FileEntry;
  readonly identities: BigInt64Array;
  readonly at: number;
}

export class FolderWalk {
  readonly #rootPath: string;
  readonly #isExcluded: (path: string) => boolean;
  readonly #lookAtFiles: LookAtFiles;
  readonly #found: FoundFile[] = [];
  /** All but the root, and those with something in them that is shared. */
  readonly #folders: string[] = [];
  readonly #filled = new Set<string>();
  readonly #symbolicLinks: SymbolicLink[] = [];
  readonly #skipped: SkippedEntry[] = [];
  /** Folders whose entries' names are still to be read. */
  readonly #pending: string[] = [""];
  /** Entries that are still to be looked at. */
  #named: string[] = [];
  readonly #looks = new Set<Promise<void>>();
  /** The first of those that cannot be shared. */
  readonly #badNames: { readonly child: string; readonly problem: string }[] = [];
  #badNameCount = 0;
  #failure: { readonly thrown: unknown } | undefined;
  /** Files, and entries that may turn out to be files. */
  #files = 0;
  /** Bytes of the files that were looked at. */
  #bytes = 0;
  /** Files and links. */
  #entries = 0;

  constructor(rootPath: string, isExcluded: (path: string) => boolean, lookAtFiles: LookAtFiles) {
    this.#rootPath = rootPath;
    this.#isExcluded = isExcluded;
    this.#lookAtFiles = lookAtFiles;
  }

  async run(onProgress: WalkProgress, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const aborted = untilAborted(AbortSignal.any([signal, over.signal]));
    const someLook = () => Promise.race([...this.#looks, aborted]);
    try {
      for (;;) {
        await this.#readNames(onProgress, signal, someLook);
        this.#look();
        onProgress(this.#files, this.#bytes);
        if (this.#looks.size === 0) break;
        await someLook();
        this.#throwIfOver(signal);
      }
      this.#throwIfOver(signal);
      this.#requireGoodNames();
    } finally {
      over.abort();
    }
  }

  /** Reads the names in all folders known so far. */
  async #readNames(
    onProgress: WalkProgress,
    signal: AbortSignal,
    someLook: () => Promise<void>,
  ): Promise<void> {
    const turn = new LoopTurn();
    for (let folder = this.#pending.pop(); folder !== undefined; folder = this.#pending.pop()) {
      for (const bytes of this.#namesIn(folder)) {
        const name = bytes.toString("utf8");
        const child = folder === "" ? name : `${folder}/${name}`;
        if (!this.#isExcluded(child) && this.#hasGoodName(child, bytes, name)) {
          this.#named.push(child);
          this.#files += 1;
        }
        if (this.#named.length >= ENTRIES_PER_LOOK) this.#look();
        const isFull = this.#looks.size >= MAX_LOOKS;
        if (!isFull && !turn.isOver) continue;
        onProgress(this.#files, this.#bytes);
        await (isFull ? someLook() : turn.yield());
        turn.begin();
        this.#throwIfOver(signal);
      }
    }
  }

  #throwIfOver(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  /** Has everything looked at that is known only by name. */
  #look(): void {
    const children = this.#named;
    if (children.length === 0) return;
    this.#named = [];
    const look = this.#lookAtFiles(children.map((child) => `${this.#rootPath}/${child}`))
      .then((looks) => this.#looked(children, looks))
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown };
      })
      .finally(() => this.#looks.delete(look));
    this.#looks.add(look);
  }

  #looked(children: readonly string[], { kinds, identities }: FileLooks): void {
    for (const [index, child] of children.entries()) {
      const kind = kinds[index];
      if (kind !== FOLDER && kind !== SOMETHING_ELSE) {
        this.#addFile(child, kind === EXECUTABLE_FILE, identities, index * IDENTITY_FIELDS);
        continue;
      }
      this.#files -= 1;
      if (kind === FOLDER) this.#addFolder(child);
      else this.#visitAtOnce(child);
    }
  }

  #addFile(child: string, executable: boolean, identities: BigInt64Array, at: number): void {
    this.#shared(child);
    const size = Number(identities[at + SIZE_FIELD] ?? 0n);
    this.#bytes += size;
    this.#found.push({ entry: { path: child, size, executable }, identities, at });
  }

  #addFolder(child: string): void {
    const unfinished = unfinishedOf(path.basename(child));
    if (unfinished !== undefined) return this.#skip(child, `it is an unfinished goshare ${unfinished}`);
    this.#filled.add(folderOf(child));
    this.#folders.push(child);
    this.#pending.push(child);
  }

  /** Throws LIMIT_EXCEEDED. */
  result(): FolderTree {
    const emptyDirectories = this.#folders.filter((folder) => !this.#filled.has(folder)).sort(comparePaths);
    if (this.#entries + emptyDirectories.length > MAX_ENTRIES) throw this.#tooMany();
    this.#found.sort((a, b) => comparePaths(a.entry.path, b.entry.path));
    const all = identityArray(this.#found.length);
    this.#found.forEach(({ identities, at }, index) => {
      all.set(identities.subarray(at, at + IDENTITY_FIELDS), index * IDENTITY_FIELDS);
    });
    return {
      files: this.#found.map(({ entry }) => entry),
      identities: all,
      emptyDirectories,
      symbolicLinks: this.#symbolicLinks.sort((a, b) => comparePaths(a.path, b.path)),
      skipped: this.#skipped.sort((a, b) => comparePaths(a.path, b.path)),
    };
  }

  /** The names in `folder` ("" is the root). */
  #namesIn(folder: string): readonly Buffer[] {
    const absolute = this.#absolute(folder);
    return readableWithin(absolute, () => fs.readdirSync(absolute, { encoding: "buffer" }));
  }

  /** Remembers what has a name that cannot be shared, so that all of them are told at once. */
  #hasGoodName(child: string, bytes: Buffer, name: string): boolean {
    const problem = isUtf8(bytes) ? nameProblem(name) : "is not valid UTF-8";
    if (problem === undefined) return true;
    this.#badNameCount += 1;
    if (this.#badNames.length < MAX_TOLD_NAMES) this.#badNames.push({ child, problem });
    return false;
  }

  /** Throws SOURCE_UNSUPPORTED if a name cannot be shared. */
  #requireGoodNames(): void {
    const [first] = this.#badNames;
    if (first === undefined) return;
    const told = this.#badNames.map(({ child, problem }) => `${JSON.stringify(child)} ${problem}`);
    const more = this.#badNameCount - told.length;
    if (more > 0) told.push(`and ${more} more`);
    const [what, them] =
      this.#badNameCount === 1 ? ["a name", "it"] : [`${this.#badNameCount} names`, "them"];
    throw new GoshareError(
      "SOURCE_UNSUPPORTED",
      `${what} in ${this.#rootPath} cannot be shared: ${told.join(", ")}`,
      { hint: `rename ${them} and share again, or leave ${them} out with --exclude` },
    );
  }

  #absolute(folder: string): string {
    return folder === "" ? this.#rootPath : `${this.#rootPath}/${folder}`;
  }

  /** Visits a link, or what is not shared, cannot be looked at or has changed its kind since. */
  #visitAtOnce(child: string): void {
    const absolute = `${this.#rootPath}/${child}`;
    const stats = readableWithin(absolute, () => fs.lstatSync(absolute, { bigint: true }));
    if (stats.isSymbolicLink()) this.#visitLink(child, absolute);
    else if (stats.isDirectory()) this.#addFolder(child);
    else if (!stats.isFile()) this.#skip(child, "it is not a regular file");
    else {
      this.#files += 1;
      this.#addFile(child, isExecutable(stats), BigInt64Array.from(lastingIdentity(absolute, stats)), 0);
    }
  }

  #visitLink(child: string, absolute: string): void {
    const bytes = readableWithin(absolute, () => fs.readlinkSync(absolute, { encoding: "buffer" }));
    const target = bytes.toString("utf8");
    const problem = isUtf8(bytes) ? linkProblem(child, target) : "its target is not valid UTF-8";
    if (problem !== undefined) return this.#skip(child, problem, true);
    this.#shared(child);
    this.#symbolicLinks.push({ path: child, target });
  }

  #skip(child: string, why: string, isLink = false): void {
    this.#skipped.push({ path: child, why, isLink });
  }

  /** Counts a file or link as an entry; its folder is not empty. */
  #shared(child: string): void {
    this.#filled.add(folderOf(child));
    this.#entries += 1;
    if (this.#entries > MAX_ENTRIES) throw this.#tooMany();
  }

  #tooMany(): GoshareError {
    return new GoshareError("LIMIT_EXCEEDED", `${this.#rootPath} has more than ${MAX_ENTRIES} entries`, {
      hint: "share its subfolders one by one, or pack it into an archive",
    });
  }
}

/** The same, for something in a folder that could be shared without it. */
function readableWithin<T>(what: string, read: () => T): T {
  try {
    return readable(what, read);
  } catch (thrown) {
    throw hintingAtExclusion(thrown);
  }
}

/** The failure to read something in a folder, with a hint that the rest can be shared; any other as it is. */
export function hintingAtExclusion(thrown: unknown): unknown {
  if (!(thrown instanceof GoshareError && UNREADABLE.includes(thrown.code))) return thrown;
  const hint = `${thrown.hint}, or leave it out with --exclude`;
  return new GoshareError(thrown.code, thrown.message, { hint, cause: thrown });
}

/** What `read` returns; errors of the file system become SOURCE_UNREADABLE with the path. */
export function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { reason, hint } = readProblem(cause);
    throw new GoshareError("SOURCE_UNREADABLE", `cannot read ${what}: ${reason}`, { hint, cause });
  }
}
