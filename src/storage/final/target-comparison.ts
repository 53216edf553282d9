// Compares what is at a path with what a manifest says should be there, by names, kinds, sizes and modes: what is
// missing, what is something else, what is there besides. Follows no link inside, opens no file, changes nothing.
import * as fs from "node:fs";
import { basename } from "node:path";
import { isErrno } from "../../core/errors.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { FileEntry, Manifest } from "../../manifest/manifest.js";
import { foldersAbove } from "../../manifest/names.js";
import { type Unfinished, unfinishedOf } from "../part/part-paths.js";

/** A file that cannot be right, whatever is in it. */
export interface FileFinding {
  readonly problem: "missing" | "kind" | "unreadable" | "short" | "long";
  /** Bytes it has. */
  readonly bytes: number;
  readonly detail: string;
}

/** A folder or link that is not as it should be. */
export interface EntryFinding {
  readonly path: string;
  readonly problem: "missing" | "kind" | "unreadable" | "target";
  readonly detail: string;
}

export interface TargetComparison {
  /** By index into the manifest's files. */
  readonly files: ReadonlyMap<number, FileFinding>;
  readonly entries: readonly EntryFinding[];
  /** Indexes of files whose executable bit differs. */
  readonly modes: readonly number[];
  /** Entries that are not in the share; a folder ends in "/", and its content is not listed. */
  readonly extras: readonly string[];
  /** Folders, as in `extras`, that are goshare's own. */
  readonly unfinished: readonly { readonly path: string; readonly kind: Unfinished }[];
}

const OWNER_EXECUTE = 0o100;
/** Stands for bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

type Expected =
  | { readonly kind: "file"; readonly index: number; readonly entry: FileEntry }
  | { readonly kind: "emptyDirectory" | "directory" }
  | { readonly kind: "link"; readonly target: string };

/** `rootPath` is absolute, and a file or a folder like the share. */
export async function compareTarget(
  rootPath: string,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<TargetComparison> {
  const comparison = new Comparison(rootPath, manifest);
  await comparison.run(signal);
  return comparison;
}

class Comparison implements TargetComparison {
  readonly files = new Map<number, FileFinding>();
  readonly entries: EntryFinding[] = [];
  readonly modes: number[] = [];
  readonly extras: string[] = [];
  readonly unfinished: { readonly path: string; readonly kind: Unfinished }[] = [];
  readonly #rootPath: string;
  readonly #manifest: Manifest;
  readonly #expected = new Map<string, Expected>();
  /** Folders whose names could not be read. */
  readonly #closed = new Set<string>();
  readonly #turn = new LoopTurn();

  constructor(rootPath: string, manifest: Manifest) {
    this.#rootPath = rootPath;
    this.#manifest = manifest;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#expect();
    if (this.#manifest.root.kind === "file") {
      const [name = ""] = this.#expected.keys();
      this.#visit(name, this.#rootPath);
    } else {
      await this.#walk(signal);
    }
    for (const [path, expected] of this.#expected) this.#unseen(path, expected);
  }

  #expect(): void {
    const { files, emptyDirectories, symbolicLinks } = this.#manifest;
    for (const [index, entry] of files.entries()) this.#expectAt(entry.path, { kind: "file", index, entry });
    for (const { path, target } of symbolicLinks) this.#expectAt(path, { kind: "link", target });
    for (const path of emptyDirectories) this.#expectAt(path, { kind: "emptyDirectory" });
  }

  #expectAt(path: string, expected: Expected): void {
    this.#expected.set(path, expected);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      if (this.#expected.has(parent)) return;
      this.#expected.set(parent, { kind: "directory" });
    }
  }

  async #walk(signal: AbortSignal): Promise<void> {
    const pending = [""];
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      for (const child of this.#childrenOf(folder)) {
        if (this.#visit(child, `${this.#rootPath}/${child}`)) pending.push(child);
        if (!this.#turn.isOver) continue;
        await this.#turn.yield();
        signal.throwIfAborted();
      }
    }
  }

  /** Relative paths, sorted. Names that are not UTF-8 are in no share, and are shown as well as possible. */
  #childrenOf(folder: string): readonly string[] {
    try {
      const names = fs.readdirSync(folder === "" ? this.#rootPath : `${this.#rootPath}/${folder}`);
      return names.sort().map((name) => (folder === "" ? name : `${folder}/${name}`));
    } catch (thrown) {
      // The folder itself has to be readable, else there is nothing to compare.
      if (folder === "") throw thrown;
      this.entries.push({ path: folder, problem: "unreadable", detail: reasonOf(thrown) });
      this.#closed.add(folder);
      return [];
    }
  }

  /** Visits an entry, and crosses it off the expected ones. Returns whether it is a folder to look into. */
  #visit(path: string, absolute: string): boolean {
    const stats = fs.lstatSync(absolute, { throwIfNoEntry: false });
    if (stats === undefined) {
      // It has gone meanwhile, or its name is not UTF-8 and so in no share.
      if (path.includes(REPLACEMENT)) this.extras.push(path);
      return false;
    }
    const expected = this.#expected.get(path);
    if (expected === undefined) {
      const unfinished = stats.isDirectory() ? unfinishedOf(basename(path)) : undefined;
      if (unfinished !== undefined) this.unfinished.push({ path: `${path}/`, kind: unfinished });
      else this.extras.push(stats.isDirectory() ? `${path}/` : path);
      return false;
    }
    this.#expected.delete(path);
    switch (expected.kind) {
      case "file":
        this.#compareFile(expected.index, expected.entry, absolute, stats);
        return false;
      case "link":
        this.#compareLink(path, expected.target, absolute, stats);
        return false;
      default:
        if (stats.isDirectory()) return true;
        this.entries.push({ path, problem: "kind", detail: `it is ${kindOf(stats)}, not a folder` });
        return false;
    }
  }

  #compareFile(index: number, entry: FileEntry, absolute: string, stats: fs.Stats): void {
    const bytes = stats.size;
    const found = (problem: FileFinding["problem"], detail = "") =>
      this.files.set(index, { problem, bytes, detail });
    if (!stats.isFile()) {
      this.files.set(index, { problem: "kind", bytes: 0, detail: `it is ${kindOf(stats)}, not a file` });
      return;
    }
    if (bytes < entry.size) found("short");
    if (bytes > entry.size) found("long");
    try {
      fs.accessSync(absolute, fs.constants.R_OK);
    } catch (thrown) {
      found("unreadable", reasonOf(thrown));
    }
    // Windows has no such bit.
    const isExecutable = (stats.mode & OWNER_EXECUTE) !== 0;
    if (process.platform !== "win32" && isExecutable !== entry.executable) this.modes.push(index);
  }

  #compareLink(path: string, target: string, absolute: string, stats: fs.Stats): void {
    if (!stats.isSymbolicLink()) {
      this.entries.push({ path, problem: "kind", detail: `it is ${kindOf(stats)}, not a link` });
      return;
    }
    const found = fs.readlinkSync(absolute);
    if (found === target) return;
    this.entries.push({ path, problem: "target", detail: `it points to ${found}, not to ${target}` });
  }

  #unseen(path: string, expected: Expected): void {
    const isHidden = this.#closed.size > 0 && foldersAbove(path).some((folder) => this.#closed.has(folder));
    const problem = isHidden ? "unreadable" : "missing";
    const detail = isHidden ? "its folder cannot be read" : "";
    if (expected.kind === "file") this.files.set(expected.index, { problem, bytes: 0, detail });
    // A missing folder is reported only if it should be there empty: else its entries are missing.
    else if (expected.kind !== "directory") this.entries.push({ path, problem, detail });
  }
}

function kindOf(stats: fs.Stats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isSymbolicLink()) return "a link";
  return stats.isFile() ? "a file" : "something special";
}

function reasonOf(thrown: unknown): string {
  if (isErrno(thrown, "EACCES", "EPERM")) return "permission denied";
  return thrown instanceof Error ? thrown.message : String(thrown);
}
