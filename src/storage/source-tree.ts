// Walks what a user wants to share: which files, empty directories and links there are, under which names,
// and each file's identity. Reads names as bytes, follows no link inside the tree, opens no file.
import { isUtf8 } from "node:buffer";
import * as fs from "node:fs";
import * as path from "node:path";
import { setImmediate as yieldToLoop } from "node:timers/promises";
import { GoshareError, readProblem } from "../core/errors.js";
import { MAX_ENTRIES } from "../manifest/limits.js";
import type { FileEntry, ShareKind, SymbolicLink } from "../manifest/manifest.js";
import { comparePaths, linkProblem, nameProblem } from "../manifest/names.js";
import { IDENTITY_FIELDS, identityArray, identityOf } from "./file-identity.js";
import { unfinishedOf } from "./part-paths.js";

/** What is to be shared, before anything in it is looked at. */
export interface SourceRoot {
  /** Absolute; for a file the file itself, for a folder the folder. */
  readonly rootPath: string;
  readonly name: string;
  readonly kind: ShareKind;
}

export interface SourceTree extends SourceRoot {
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

const OWNER_EXECUTE = 0o100n;

/** The absolute path of a file of a share. */
export function sourcePath(rootPath: string, kind: ShareKind, filePath: string): string {
  return kind === "file" ? rootPath : `${rootPath}/${filePath}`;
}

/** What `givenPath` names, which may itself be a link. Throws SOURCE_UNREADABLE or SOURCE_UNSUPPORTED, naming it. */
export function sourceRoot(givenPath: string): SourceRoot {
  const absolute = path.resolve(givenPath);
  const name = path.basename(absolute);
  if (name === "") {
    throw new GoshareError(
      "SOURCE_UNSUPPORTED",
      `${givenPath} cannot be shared: the top of a disk has no name`,
      {
        hint: "share a folder in it",
      },
    );
  }
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new GoshareError("SOURCE_UNSUPPORTED", `${givenPath} cannot be shared under its name: ${problem}`, {
      hint: "rename it, or share the folder it is in",
    });
  }
  const stats = readable(givenPath, () => fs.statSync(absolute));
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new GoshareError("SOURCE_UNSUPPORTED", `${givenPath} is neither a file nor a folder`, {
      hint: "only files and folders can be shared",
    });
  }
  const { R_OK, X_OK } = fs.constants;
  readable(givenPath, () => fs.accessSync(absolute, stats.isFile() ? R_OK : R_OK | X_OK));
  const rootPath = readable(givenPath, () => fs.realpathSync(absolute));
  return { rootPath, name, kind: stats.isFile() ? "file" : "folder" };
}

/** Everything under `givenPath`, without the entries whose paths within a folder `isExcluded` names, and what is below
 * them. Throws as sourceRoot does, or LIMIT_EXCEEDED. */
export async function walkSource(
  givenPath: string,
  onProgress: WalkProgress,
  signal: AbortSignal,
  isExcluded: (path: string) => boolean = () => false,
): Promise<SourceTree> {
  const root = sourceRoot(givenPath);
  if (root.kind === "file") return singleFile(givenPath, root);
  const walk = new FolderWalk(root.rootPath, isExcluded);
  await walk.run(onProgress, signal);
  return walk.result(root.name);
}

function singleFile(givenPath: string, root: SourceRoot): SourceTree {
  const stats = readable(givenPath, () => fs.statSync(root.rootPath, { bigint: true }));
  const identities = identityArray(1);
  identities.set(identityOf(stats));
  return {
    ...root,
    files: [{ path: root.name, size: Number(stats.size), executable: isExecutable(stats) }],
    identities,
    emptyDirectories: [],
    symbolicLinks: [],
    skipped: [],
  };
}

class FolderWalk {
  readonly #rootPath: string;
  readonly #isExcluded: (path: string) => boolean;
  readonly #found: { readonly entry: FileEntry; readonly identity: readonly bigint[] }[] = [];
  readonly #emptyDirectories: string[] = [];
  readonly #symbolicLinks: SymbolicLink[] = [];
  readonly #skipped: SkippedEntry[] = [];
  readonly #pending: string[] = [""];
  #bytes = 0;

  constructor(rootPath: string, isExcluded: (path: string) => boolean) {
    this.#rootPath = rootPath;
    this.#isExcluded = isExcluded;
  }

  async run(onProgress: WalkProgress, signal: AbortSignal): Promise<void> {
    let heldSinceMs = performance.now();
    for (let folder = this.#pending.pop(); folder !== undefined; folder = this.#pending.pop()) {
      let isEmpty = folder !== "";
      for (const child of this.#children(folder)) {
        if (this.#visit(child)) isEmpty = false;
        if (performance.now() - heldSinceMs < MAX_HOLD_MS) continue;
        onProgress(this.#found.length, this.#bytes);
        await yieldToLoop();
        signal.throwIfAborted();
        heldSinceMs = performance.now();
      }
      if (isEmpty) this.#emptyDirectories.push(folder);
    }
    onProgress(this.#found.length, this.#bytes);
  }

  result(name: string): SourceTree {
    this.#found.sort((a, b) => comparePaths(a.entry.path, b.entry.path));
    const identities = identityArray(this.#found.length);
    this.#found.forEach(({ identity }, index) => {
      identities.set(identity, index * IDENTITY_FIELDS);
    });
    return {
      rootPath: this.#rootPath,
      name,
      kind: "folder",
      files: this.#found.map(({ entry }) => entry),
      identities,
      emptyDirectories: this.#emptyDirectories.sort(comparePaths),
      symbolicLinks: this.#symbolicLinks.sort((a, b) => comparePaths(a.path, b.path)),
      skipped: this.#skipped,
    };
  }

  /** Relative paths of what is in `folder` ("" is the root). */
  #children(folder: string): readonly string[] {
    const absolute = folder === "" ? this.#rootPath : `${this.#rootPath}/${folder}`;
    const names = readable(absolute, () => fs.readdirSync(absolute, { encoding: "buffer" }));
    return names.map((bytes) => {
      const name = bytes.toString("utf8");
      const problem = isUtf8(bytes) ? nameProblem(name) : "it is not valid UTF-8";
      if (problem !== undefined) {
        const shown = JSON.stringify(name);
        throw new GoshareError("SOURCE_UNSUPPORTED", `${shown} in ${absolute} cannot be shared: ${problem}`, {
          hint: "rename it and share again",
        });
      }
      return folder === "" ? name : `${folder}/${name}`;
    });
  }

  /** Whether the entry, or something below it, is shared. */
  #visit(child: string): boolean {
    if (this.#isExcluded(child)) return false;
    const absolute = `${this.#rootPath}/${child}`;
    const stats = readable(absolute, () => fs.lstatSync(absolute, { bigint: true }));
    if (stats.isDirectory()) {
      const unfinished = unfinishedOf(path.basename(child));
      if (unfinished !== undefined) {
        this.#skipped.push({
          path: child,
          why: `it is an unfinished ${unfinished} of goshare`,
          isLink: false,
        });
        return false;
      }
      this.#pending.push(child);
    } else if (stats.isFile()) {
      const entry = { path: child, size: Number(stats.size), executable: isExecutable(stats) };
      this.#bytes += entry.size;
      this.#found.push({ entry, identity: identityOf(stats) });
    } else if (stats.isSymbolicLink()) {
      if (!this.#visitLink(child, absolute)) return false;
    } else {
      this.#skipped.push({ path: child, why: "it is no regular file", isLink: false });
      return false;
    }
    const entries = this.#found.length + this.#emptyDirectories.length + this.#symbolicLinks.length;
    if (entries > MAX_ENTRIES) {
      throw new GoshareError("LIMIT_EXCEEDED", `${this.#rootPath} has more than ${MAX_ENTRIES} entries`, {
        hint: "share its subfolders one by one, or pack it into an archive",
      });
    }
    return true;
  }

  #visitLink(child: string, absolute: string): boolean {
    const bytes = readable(absolute, () => fs.readlinkSync(absolute, { encoding: "buffer" }));
    const target = bytes.toString("utf8");
    const problem = isUtf8(bytes) ? linkProblem(child, target) : "its target is not valid UTF-8";
    if (problem === undefined) this.#symbolicLinks.push({ path: child, target });
    else this.#skipped.push({ path: child, why: problem, isLink: true });
    return problem === undefined;
  }
}

function isExecutable(stats: fs.BigIntStats): boolean {
  return (stats.mode & OWNER_EXECUTE) !== 0n;
}

/** What `read` returns; what the file system refuses becomes SOURCE_UNREADABLE with the path. */
function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { reason, hint } = readProblem(cause);
    throw new GoshareError("SOURCE_UNREADABLE", `cannot read ${what}: ${reason}`, { hint, cause });
  }
}
