// A file or folder that is repaired in place. Only wrong chunks are ever written: large files get them in place; small
// files of a folder, which share a chunk, are written into goshare's own folder in it and replace those that differ. So
// whenever it is stopped, what was right is still there, and what was repaired need not be fetched again. Never removes
// what is not in the share, and touches nothing outside the target.
import * as fs from "node:fs";
import * as path from "node:path";
import { errorAt, GoshareError, isErrno, UNSUPPORTED_ERRNOS } from "../../core/errors.js";
import type { ChunkSegment } from "../../manifest/layout.js";
import type { FileEntry, Manifest } from "../../manifest/manifest.js";
import type { ChunkPlace } from "../part/chunk-place.js";
import { type Lock, type LockWait, lockPart } from "../part/lock.js";
import { makeFolders, openForWriting, removeIfEmpty } from "../part/part-files.js";
import type { SyncFiles } from "../part/part-folder.js";
import { repairPath } from "../part/part-paths.js";
import { manifestFile, type WriteRun, WrittenFiles } from "../part/written-files.js";
import { sourcePath } from "../source/source-tree.js";
import type { TargetComparison } from "./target-comparison.js";

const CONTENT = "content";
/** The name under which a link is made before it takes its place. */
const NEW_LINK = "link";

/** Holds what is written before it takes its place. In the target itself, so it is on the same disk, and a user that
 * may write there may repair. */
interface OwnFolder {
  readonly path: string;
  readonly lock: Lock;
}

export class RepairTarget implements ChunkPlace {
  readonly #rootPath: string;
  readonly #manifest: Manifest;
  /** Undefined for a file: it shares no chunk, and another repair at the same time writes the same bytes. */
  readonly #own: OwnFolder | undefined;
  readonly #written = new WrittenFiles(false);
  /** Absolute paths of what was changed, to be made durable. */
  readonly #changed = new Set<string>();

  private constructor(rootPath: string, manifest: Manifest, own: OwnFolder | undefined) {
    this.#rootPath = rootPath;
    this.#manifest = manifest;
    this.#own = own;
  }

  /** Throws TARGET_EXISTS if something else is in the place of a file, folder or link that is to be repaired,
   * TARGET_BUSY, a disk error, or what ends `wait`. */
  static async open(
    rootPath: string,
    manifest: Manifest,
    comparison: TargetComparison,
    wait: LockWait = {},
  ): Promise<RepairTarget> {
    refuseOtherKinds(rootPath, manifest, comparison);
    if (manifest.root.kind === "file") return new RepairTarget(rootPath, manifest, undefined);
    const folder = repairPath(rootPath, manifest.root);
    try {
      const lock = await lockPart({ part: folder, target: rootPath }, wait, repairedBy(rootPath));
      return new RepairTarget(rootPath, manifest, { path: folder, lock });
    } catch (thrown) {
      const error = errorAt(thrown, folder);
      const { code, message, hint } = error;
      if (code !== "PERMISSION_DENIED") throw error;
      throw new GoshareError(code, message, {
        hint: `a repair writes into the folder it repairs: ${hint}`,
        cause: thrown,
      });
    }
  }

  filePath(filePath: string): string {
    return sourcePath(this.#rootPath, this.#manifest.root.kind, filePath);
  }

  writeRuns(manifest: Manifest, segments: readonly ChunkSegment[]): readonly WriteRun[] {
    return this.#written.runs(
      manifest,
      segments,
      (file, isWhole) => (isWhole ? this.#freshPath(file.path) : undefined) ?? this.filePath(file.path),
      (file, filePath) => openForWriting(filePath, file.executable),
    );
  }

  releaseRuns(manifest: Manifest, segments: readonly ChunkSegment[]): void {
    this.#written.release(manifest, segments);
  }

  record(chunkIndex: number): void {
    for (const { fileIndex, length } of this.#manifest.layout.segments(chunkIndex)) {
      const file = manifestFile(this.#manifest, fileIndex);
      const fresh = file.size === length ? this.#freshPath(file.path) : undefined;
      if (fresh === undefined) this.#changed.add(this.filePath(file.path));
      else this.#replaceIfDifferent(file, fresh);
    }
  }

  /** Every chunk is right: corrects sizes, empty files and folders, links and modes; then makes all durable. */
  async finish(comparison: TargetComparison, syncFiles: SyncFiles): Promise<void> {
    await this.#written.closeWritten();
    for (const [fileIndex, { problem }] of comparison.files) {
      const file = manifestFile(this.#manifest, fileIndex);
      if (problem === "long" || file.size === 0) this.#cut(file);
    }
    const links = new Map(this.#manifest.symbolicLinks.map((link) => [link.path, link.target]));
    for (const { path: entryPath, problem } of comparison.entries) {
      const linkTarget = links.get(entryPath);
      if (linkTarget !== undefined) this.#placeLink(entryPath, linkTarget);
      else if (problem === "missing") this.#makeFolder(this.filePath(entryPath));
    }
    for (const fileIndex of comparison.modes) this.#correctMode(manifestFile(this.#manifest, fileIndex));
    const changedFiles = [...this.#changed].filter((changed) => fs.lstatSync(changed).isFile());
    await syncFiles(changedFiles.map((changed) => ({ path: changed })));
    await syncFiles([...this.#changedFolders()].map((folder) => ({ path: folder })));
  }

  /** Gives up the lock, and removes goshare's own folder. */
  close(): void {
    this.#written.close();
    if (this.#own === undefined) return;
    const { path: folder, lock } = this.#own;
    for (const name of [CONTENT, NEW_LINK]) {
      fs.rmSync(path.join(folder, name), { recursive: true, force: true });
    }
    lock.release();
    removeIfEmpty(folder);
  }

  /** Where a file that one chunk holds whole is written at first; undefined if it is written in place. */
  #freshPath(filePath: string): string | undefined {
    return this.#own && path.join(this.#own.path, CONTENT, filePath);
  }

  /** All folders above changed entries, up to the target, whether or not they are new. */
  #changedFolders(): ReadonlySet<string> {
    const folders = new Set<string>();
    for (const changed of this.#changed) {
      let folder = changed;
      while (folder.length > this.#rootPath.length) {
        folder = path.dirname(folder);
        if (folders.has(folder)) break;
        folders.add(folder);
      }
    }
    return folders;
  }

  #makeFolder(folder: string): void {
    makeFolders(folder);
    this.#changed.add(folder);
  }

  /** Replaces a file of the target by one of goshare's own folder, unless both have the same bytes. */
  #replaceIfDifferent(file: FileEntry, fresh: string): void {
    const target = this.filePath(file.path);
    const stats = fs.lstatSync(target, { throwIfNoEntry: false });
    if (stats?.isFile() === true && stats.size === file.size) {
      if (fs.readFileSync(target).equals(fs.readFileSync(fresh))) {
        fs.rmSync(fresh);
        return;
      }
    }
    // Keeps the permissions that it had.
    if (stats?.isFile() === true && (stats.mode & 0o777) !== (fs.lstatSync(fresh).mode & 0o777))
      fs.chmodSync(fresh, stats.mode & 0o777);
    makeFolders(path.dirname(target));
    fs.renameSync(fresh, target);
    this.#changed.add(target);
  }

  #cut(file: FileEntry): void {
    const target = this.filePath(file.path);
    const fd = openForWriting(target, file.executable);
    try {
      fs.ftruncateSync(fd, file.size);
    } finally {
      fs.closeSync(fd);
    }
    this.#changed.add(target);
  }

  #placeLink(linkPath: string, linkTarget: string): void {
    if (this.#own === undefined) throw new Error("a share that is one file has no links");
    const target = this.filePath(linkPath);
    const fresh = path.join(this.#own.path, NEW_LINK);
    fs.rmSync(fresh, { force: true });
    fs.symlinkSync(linkTarget, fresh);
    makeFolders(path.dirname(target));
    fs.renameSync(fresh, target);
    this.#changed.add(target);
  }

  /** Sets the executable bits: for everyone who may read it, or for nobody. On a disk without modes (FAT) they stay as
   * a download leaves them. */
  #correctMode(file: FileEntry): void {
    const target = this.filePath(file.path);
    const { mode } = fs.lstatSync(target);
    try {
      fs.chmodSync(target, file.executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111);
    } catch (thrown) {
      if (!isErrno(thrown, "EPERM", ...UNSUPPORTED_ERRNOS)) throw thrown;
      return;
    }
    this.#changed.add(target);
  }
}

function repairedBy(rootPath: string): (holder: string) => GoshareError {
  return (holder) =>
    new GoshareError("TARGET_BUSY", `${holder} is already repairing ${rootPath}`, {
      hint: "wait for it or stop it, then run the same command again",
    });
}

/** What is in the way is the user's, and is not removed. */
function refuseOtherKinds(rootPath: string, manifest: Manifest, comparison: TargetComparison): void {
  const inTheWay = [
    ...[...comparison.files].map(([fileIndex, { problem, detail }]) => ({
      ...{ path: manifestFile(manifest, fileIndex).path, problem, detail },
    })),
    ...comparison.entries,
  ].find(({ problem }) => problem === "kind");
  if (inTheWay === undefined) return;
  const place = sourcePath(rootPath, manifest.root.kind, inTheWay.path);
  throw new GoshareError("TARGET_EXISTS", `${place} cannot be repaired: ${inTheWay.detail}`, {
    hint: "move it away and run the same command again",
  });
}
