// A walk through a folder that is to be shared: names are read here, and the files looked at wherever that is done, many
// at a time. Reads names as bytes, follows no link, opens no file.
import { isUtf8 } from "node:buffer";
import * as fs from "node:fs";
import * as path from "node:path";
import { setImmediate as yieldToLoop } from "node:timers/promises";
import { GoshareError, readProblem } from "../core/errors.js";
import { MAX_ENTRIES } from "../manifest/limits.js";
import type { FileEntry, SymbolicLink } from "../manifest/manifest.js";
import { comparePaths, linkProblem, nameProblem } from "../manifest/names.js";
import { IDENTITY_FIELDS, identityArray, identityOf, SIZE_FIELD } from "./file-identity.js";
import { EXECUTABLE_FILE, type FileLooks, isExecutable, type LookAtFiles, NO_FILE } from "./file-looks.js";
import { unfinishedOf } from "./part-paths.js";

/** What is in a folder that is to be shared. */
export interface FolderTree {
  /** Sorted by the UTF-8 bytes of path. */
  readonly files: readonly FileEntry[];
  /** Identities of `files`, in their order (file-identity.ts). */
  readonly identities: BigInt64Array;
  readonly emptyDirectories: readonly string[];
  readonly symbolicLinks: readonly SymbolicLink[];
  /** Links that point outside the share, files that are neither regular nor links, and what goshare itself has not
   * finished there; not shared. */
  readonly skipped: readonly SkippedEntry[];
}

export interface SkippedEntry {
  readonly path: string;
  readonly why: string;
  readonly isLink: boolean;
}

/** Called now and then with the number of files and bytes found so far. */
export type WalkProgress = (files: number, bytes: number) => void;

/** How long the walk may keep the event loop for itself. */
const MAX_HOLD_MS = 10;

/** Files that are looked at together, and how often that is done at a time. */
const FILES_PER_LOOK = 512;
const MAX_LOOKS = 32;

interface Child {
  /** Within the share. */
  readonly path: string;
  readonly isFile: boolean;
}

/** A file, and where its identity stands. */
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
  readonly #emptyDirectories: string[] = [];
  readonly #symbolicLinks: SymbolicLink[] = [];
  readonly #skipped: SkippedEntry[] = [];
  readonly #pending: string[] = [""];
  /** Files by name, not looked at yet. */
  #named: string[] = [];
  readonly #looks = new Set<Promise<void>>();
  #failure: { readonly thrown: unknown } | undefined;
  /** Files that are known by name at least, and their bytes as far as they were looked at. */
  #files = 0;
  #bytes = 0;
  /** Files and all others that are shared, but for folders with something in them. */
  #entries = 0;

  constructor(rootPath: string, isExcluded: (path: string) => boolean, lookAtFiles: LookAtFiles) {
    this.#rootPath = rootPath;
    this.#isExcluded = isExcluded;
    this.#lookAtFiles = lookAtFiles;
  }

  async run(onProgress: WalkProgress, signal: AbortSignal): Promise<void> {
    // What was a file by its name may turn out to be a folder.
    while (this.#pending.length > 0) {
      await this.#readNames(onProgress, signal);
      this.#look();
      while (this.#looks.size > 0) await this.#someLook();
    }
    onProgress(this.#files, this.#bytes);
  }

  async #readNames(onProgress: WalkProgress, signal: AbortSignal): Promise<void> {
    let heldSinceMs = performance.now();
    for (let folder = this.#pending.pop(); folder !== undefined; folder = this.#pending.pop()) {
      let isEmpty = folder !== "";
      for (const child of this.#children(folder)) {
        if (this.#visit(child)) isEmpty = false;
        if (this.#named.length >= FILES_PER_LOOK) this.#look();
        const isFull = this.#looks.size >= MAX_LOOKS;
        if (!isFull && performance.now() - heldSinceMs < MAX_HOLD_MS) continue;
        onProgress(this.#files, this.#bytes);
        await (isFull ? this.#someLook() : yieldToLoop());
        if (this.#failure !== undefined) throw this.#failure.thrown;
        signal.throwIfAborted();
        heldSinceMs = performance.now();
      }
      if (isEmpty) {
        this.#emptyDirectories.push(folder);
        this.#count();
      }
    }
  }

  /** Has all that is known by name only looked at. */
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

  async #someLook(): Promise<void> {
    await Promise.race(this.#looks);
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  #looked(children: readonly string[], { kinds, identities }: FileLooks): void {
    for (const [index, child] of children.entries()) {
      // It has become something else, or cannot be looked at: then it is said why.
      if (kinds[index] === NO_FILE) {
        this.#files -= 1;
        this.#entries -= 1;
        this.#visitAtOnce(child);
      } else this.#add(child, kinds[index] === EXECUTABLE_FILE, identities, index * IDENTITY_FIELDS);
    }
  }

  #add(child: string, executable: boolean, identities: BigInt64Array, at: number): void {
    const size = Number(identities[at + SIZE_FIELD] ?? 0n);
    this.#bytes += size;
    this.#found.push({ entry: { path: child, size, executable }, identities, at });
  }

  result(): FolderTree {
    this.#found.sort((a, b) => comparePaths(a.entry.path, b.entry.path));
    const all = identityArray(this.#found.length);
    this.#found.forEach(({ identities, at }, index) => {
      all.set(identities.subarray(at, at + IDENTITY_FIELDS), index * IDENTITY_FIELDS);
    });
    return {
      files: this.#found.map(({ entry }) => entry),
      identities: all,
      emptyDirectories: this.#emptyDirectories.sort(comparePaths),
      symbolicLinks: this.#symbolicLinks.sort((a, b) => comparePaths(a.path, b.path)),
      skipped: this.#skipped,
    };
  }

  /** What is in `folder` ("" is the root), with relative paths. */
  #children(folder: string): readonly Child[] {
    const absolute = folder === "" ? this.#rootPath : `${this.#rootPath}/${folder}`;
    const options = { encoding: "buffer", withFileTypes: true } as const;
    return readable(absolute, () => fs.readdirSync(absolute, options)).map((entry) => {
      const name = entry.name.toString("utf8");
      const problem = isUtf8(entry.name) ? nameProblem(name) : "it is not valid UTF-8";
      if (problem !== undefined) {
        const shown = JSON.stringify(name);
        throw new GoshareError("SOURCE_UNSUPPORTED", `${shown} in ${absolute} cannot be shared: ${problem}`, {
          hint: "rename it and share again",
        });
      }
      return { path: folder === "" ? name : `${folder}/${name}`, isFile: entry.isFile() };
    });
  }

  /** Whether the entry, or something below it, is shared. */
  #visit({ path: child, isFile }: Child): boolean {
    if (this.#isExcluded(child)) return false;
    if (!isFile) return this.#visitAtOnce(child);
    this.#named.push(child);
    this.#files += 1;
    this.#count();
    return true;
  }

  #visitAtOnce(child: string): boolean {
    const absolute = `${this.#rootPath}/${child}`;
    const stats = readable(absolute, () => fs.lstatSync(absolute, { bigint: true }));
    if (stats.isDirectory()) {
      const unfinished = unfinishedOf(path.basename(child));
      if (unfinished !== undefined)
        return this.#skip(child, `it is an unfinished ${unfinished} of goshare`, false);
      this.#pending.push(child);
      return true;
    }
    if (stats.isSymbolicLink()) return this.#visitLink(child, absolute);
    if (!stats.isFile()) return this.#skip(child, "it is no regular file", false);
    this.#add(child, isExecutable(stats), BigInt64Array.from(identityOf(stats)), 0);
    this.#files += 1;
    this.#count();
    return true;
  }

  #visitLink(child: string, absolute: string): boolean {
    const bytes = readable(absolute, () => fs.readlinkSync(absolute, { encoding: "buffer" }));
    const target = bytes.toString("utf8");
    const problem = isUtf8(bytes) ? linkProblem(child, target) : "its target is not valid UTF-8";
    if (problem !== undefined) return this.#skip(child, problem, true);
    this.#symbolicLinks.push({ path: child, target });
    this.#count();
    return true;
  }

  #skip(child: string, why: string, isLink: boolean): false {
    this.#skipped.push({ path: child, why, isLink });
    return false;
  }

  /** One entry more. */
  #count(): void {
    this.#entries += 1;
    if (this.#entries <= MAX_ENTRIES) return;
    throw new GoshareError("LIMIT_EXCEEDED", `${this.#rootPath} has more than ${MAX_ENTRIES} entries`, {
      hint: "share its subfolders one by one, or pack it into an archive",
    });
  }
}

/** What `read` returns; what the file system refuses becomes SOURCE_UNREADABLE with the path. */
export function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { reason, hint } = readProblem(cause);
    throw new GoshareError("SOURCE_UNREADABLE", `cannot read ${what}: ${reason}`, { hint, cause });
  }
}
