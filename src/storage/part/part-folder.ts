// A download on its way: `.NAME.goshare-part` beside its target, with the files at their final relative paths, the
// manifest, the journal and a lock. The workers write chunks; this room says where, keeps the descriptors, and
// remembers what is there. It touches the target only to put back what an interrupted commit had moved aside; commit.ts
// does the rest.
import * as fs from "node:fs";
import * as path from "node:path";
import type { Bitfield } from "../../core/bitfield.js";
import { errorAt, GoshareError } from "../../core/errors.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { ChunkSegment } from "../../manifest/layout.js";
import type { FileEntry, Manifest, ManifestRoot } from "../../manifest/manifest.js";
import type { Selection } from "../../manifest/selection.js";
import type { ChunkPlace } from "./chunk-place.js";
import { hasReplaced, isEmptyTarget, isOwnTarget, putBackReplaced, storeClaim } from "./claimed-target.js";
import { emptyPart } from "./empty-part.js";
import type { JournalClaims } from "./journal.js";
import { type Lock, type LockWait, lockPart } from "./lock.js";
import { type PartClaims, readClaims } from "./part-claims.js";
import {
  isGone,
  isThere,
  makeFolders,
  makeOwnFolder,
  openForWriting,
  readIfThere,
  removeIfEmpty,
  removeTree,
  requireBytes,
  syncDirectory,
  writeOwnFile,
} from "./part-files.js";
import { PartJournal } from "./part-journal.js";
import { contentPath, PART_NAMES, type PartPaths, partPaths, replacedPath } from "./part-paths.js";
import { type PartSelection, writePartSelection } from "./part-selection.js";
import { pauseMark } from "./pause-mark.js";
import { freePaths, type IfTaken, keptPaths, requireReplaceable } from "./taken-name.js";
import { manifestFile, type SyncedEntry, type WriteRun, WrittenFiles } from "./written-files.js";

/** Makes files and folders durable, many at a time; rejects on failure, with PART_CHANGED if a size is wrong. */
export type SyncFiles = (entries: Iterable<SyncedEntry>) => Promise<void>;

const DISPLACED_HINT =
  "if it was moved, run the same command with --output for the folder it is in now: what is verified is kept";

export class PartFolder implements ChunkPlace {
  readonly root: ManifestRoot;
  /** Absolute path of the final file or folder. */
  readonly targetPath: string;
  /** Absolute path of the part folder. */
  readonly partPath: string;
  /** Where the share's files are: the folder itself, or the folder that holds the one file. */
  readonly contentPath: string;
  /** What an earlier run claims to have written. */
  readonly claims: JournalClaims;
  /** Whether an earlier run was stopped after it had put the finished share under its final name: only cleaning up is
   * left. */
  readonly isClaimed: boolean;
  /** Whether the commit replaces what has the final name. */
  readonly replaces: boolean;
  readonly #lock: Lock;
  readonly #journal: PartJournal;
  readonly #written = new WrittenFiles(true);
  /** Files that have been given their final size. */
  readonly #sized = new Set<FileEntry>();
  #isClosed = false;

  private constructor(
    root: ManifestRoot,
    paths: PartPaths,
    claims: JournalClaims,
    isClaimed: boolean,
    replaces: boolean,
    lock: Lock,
    journal: PartJournal,
  ) {
    this.root = root;
    this.isClaimed = isClaimed;
    this.replaces = replaces;
    this.targetPath = paths.target;
    this.partPath = paths.part;
    this.contentPath = contentPath(paths.part);
    this.claims = claims;
    this.#lock = lock;
    this.#journal = journal;
  }

  /** Opens or makes the part folder in `outputDirectory` for the part of `root` that `select` means (sorted patterns;
   * none: everything). Throws TARGET_EXISTS, TARGET_BUSY, PART_UNUSABLE, a disk error, or what ends `wait`. */
  static async open(
    outputDirectory: string,
    root: ManifestRoot,
    ifTaken: IfTaken = "refuse",
    select: readonly string[] = [],
    wait: LockWait = {},
  ): Promise<PartFolder> {
    const paths = ifTaken === "rename" ? keptPaths(outputDirectory, root) : partPaths(outputDirectory, root);
    try {
      makeFolders(outputDirectory);
      const lock = await lockPart(paths, wait);
      try {
        // First of all, whatever else is wrong there: it may be the only copy of somebody's folder.
        putBackReplaced(paths);
        const claims = readClaims(root, paths.part, select);
        return PartFolder.#openLocked(outputDirectory, root, paths, ifTaken, lock, claims);
      } catch (thrown) {
        const partPath = path.dirname(lock.path);
        try {
          // While this process has the lock: another might put its own things there.
          emptyIfFresh(partPath);
        } catch {
          // What cannot be removed stays; the error that ends the download is the one to report.
        } finally {
          lock.release();
        }
        removeIfEmpty(partPath);
        throw thrown;
      }
    } catch (thrown) {
      throw errorAt(thrown, paths.part);
    }
  }

  static #openLocked(
    outputDirectory: string,
    root: ManifestRoot,
    locked: PartPaths,
    ifTaken: IfTaken,
    lock: Lock,
    claims: PartClaims,
  ): PartFolder {
    const isClaimed = claims.isCommitting && claims.areAll && isOwnTarget(locked);
    let paths = locked;
    const target = fs.lstatSync(locked.target, { throwIfNoEntry: false });
    // What an earlier run moved out of the way is lost with this part folder: only a run that may replace it goes on.
    const wouldLose = ifTaken !== "replace" && hasReplaced(locked.part);
    const isOwnClaim =
      target !== undefined && claims.isCommitting && !wouldLose && isEmptyTarget(root.kind, locked.target);
    if (target !== undefined && !isClaimed && !isOwnClaim) {
      if (ifTaken === "refuse" || wouldLose) throw targetExists(locked.target);
      if (ifTaken === "replace") requireReplaceable(root, locked.target, target);
      else {
        paths = freePaths(outputDirectory, root);
        fs.renameSync(locked.part, paths.part);
        lock.moved(path.join(paths.part, PART_NAMES.lock));
      }
    }
    const replaces = ifTaken === "replace";
    writeOwnFile(path.join(paths.part, PART_NAMES.root), root.bytes);
    const overwritePath = path.join(paths.part, PART_NAMES.overwrite);
    if (replaces) writeOwnFile(overwritePath, "");
    else fs.rmSync(overwritePath, { force: true });
    if (!isClaimed) makeOwnFolder(contentPath(paths.part));
    const journal = new PartJournal(path.join(paths.part, PART_NAMES.journal), root, claims);
    return new PartFolder(root, paths, claims, isClaimed, replaces, lock, journal);
  }

  /** Stores what this download is for, before anything of it is written. */
  storeSelection(selection: PartSelection): void {
    writePartSelection(this.partPath, selection);
  }

  filePath(filePath: string): string {
    return `${this.contentPath}/${filePath}`;
  }

  /** The body that an earlier run stored, if any; not checked. */
  storedBody(): Uint8Array | undefined {
    return readIfThere(path.join(this.partPath, PART_NAMES.body), this.root.bodySize);
  }

  /** Stores a body that is not in the root, so that a resumed download need not fetch it. */
  storeBody(body: Uint8Array): void {
    writeOwnFile(path.join(this.partPath, PART_NAMES.body), body);
  }

  /** Stores a ticket that is enough to go on with, for commands that ask what is here. */
  storeTicket(ticket: string): void {
    writeOwnFile(path.join(this.partPath, PART_NAMES.ticket), ticket);
  }

  writeRuns(manifest: Manifest, segments: readonly ChunkSegment[]): readonly WriteRun[] {
    return this.#written.runs(
      manifest,
      segments,
      (file) => this.filePath(file.path),
      (file, filePath) => this.#openSized(file, filePath),
    );
  }

  /** Gives the files with bytes of `chunks` their final size, before any of these chunks counts as right: if one is
   * smaller later, something else has cut it. To be called before `takePauseMark`, which tells whether it was
   * needed. */
  async sizeFiles({ manifest }: Selection, chunks: Iterable<number>, signal: AbortSignal): Promise<void> {
    const turn = new LoopTurn();
    for (const chunkIndex of chunks) {
      for (const { fileIndex, length } of manifest.layout.segments(chunkIndex)) {
        if (turn.isOver) {
          await turn.yield();
          signal.throwIfAborted();
        }
        const file = manifestFile(manifest, fileIndex);
        // A file that a chunk holds whole is written whole.
        if (length !== file.size && !this.#sized.has(file)) this.#size(file, this.filePath(file.path));
      }
    }
  }

  /** A file that has its size is not opened: there may be nothing left to write, and it may be read-only. */
  #size(file: FileEntry, filePath: string): void {
    const stats = fs.lstatSync(filePath, { throwIfNoEntry: false });
    if (stats?.isFile() === true && stats.size === file.size) this.#sized.add(file);
    else fs.closeSync(this.#openSized(file, filePath));
  }

  /** Opens a file and gives it its final size the first time: if it is smaller later, something else has cut it. */
  #openSized(file: FileEntry, filePath: string): number {
    const fd = openForWriting(filePath, file.executable);
    try {
      if (this.#sized.has(file)) requireBytes(fd, filePath, file.size);
      else if (fs.fstatSync(fd).size !== file.size) fs.ftruncateSync(fd, file.size);
      this.#sized.add(file);
      return fd;
    } catch (thrown) {
      fs.closeSync(fd);
      throw errorAt(thrown, filePath);
    }
  }

  releaseRuns(manifest: Manifest, segments: readonly ChunkSegment[]): void {
    this.#written.release(manifest, segments);
  }

  record(chunkIndex: number): void {
    this.#journal.record(chunkIndex);
  }

  /** Why this folder is no longer where it was, or is another run's by now; undefined if all is well. Otherwise what is
   * written by its path goes elsewhere, or nowhere. Looks for a file that is made only with the folder itself.
   * Asynchronous, so that a disk that does not answer stops nothing else. */
  async displacement(): Promise<GoshareError | undefined> {
    if (this.#isClosed) return undefined;
    const [isMissing, isTaken] = await Promise.all([
      isGone(path.join(this.partPath, PART_NAMES.root)),
      this.#lock.isTaken(),
    ]);
    if (this.#isClosed || (!isMissing && !isTaken)) return undefined;
    if (isMissing) {
      const message = `${this.partPath} is gone: it was moved or removed during the download`;
      return new GoshareError("PART_CHANGED", message, { hint: DISPLACED_HINT });
    }
    const hint = "wait for it or stop it, and run the same command again; what is right is kept";
    return new GoshareError("PART_CHANGED", `${this.partPath} now belongs to another run`, { hint });
  }

  /** Rejects with PART_CHANGED if this folder is no longer where it was: nothing in it may be reported then. */
  async requireOwnPlace(): Promise<void> {
    const displacement = await this.displacement();
    if (displacement !== undefined) throw displacement;
  }

  flushJournal(): void {
    this.#journal.flush();
  }

  /** From now on a target with our name may be our own. */
  beginCommitting(): void {
    storeClaim(this.root, this.partPath);
    this.#journal.markCommitting(true);
  }

  /** What has the name is somebody else's, and counts as that from now on, whatever happens to it or here. */
  endCommitting(): void {
    this.#journal.markCommitting(false);
  }

  /** Makes files and folders durable by `syncFiles`. If the disk does not confirm it (SYNC_FAILED), everything written
   * so far is given up: the kernel drops what it could not write but goes on showing it, so that hashing or syncing it
   * again would succeed and mean nothing. */
  async makeDurable(entries: Iterable<SyncedEntry>, syncFiles: SyncFiles): Promise<void> {
    await this.requireOwnPlace();
    await this.#written.requireInPlace();
    try {
      await this.#written.closeWritten();
      await syncFiles(entries);
    } catch (thrown) {
      if (thrown instanceof GoshareError && thrown.code === "SYNC_FAILED") this.#giveUpContent();
      throw thrown;
    }
  }

  #giveUpContent(): void {
    this.#written.close();
    try {
      this.#journal.giveUp(this.claims.isCommitting);
      fs.rmSync(this.contentPath, { recursive: true, force: true });
    } catch {
      // On such a disk nothing is sure; what is reported is that it failed.
    }
  }

  /** Whether an earlier run paused cleanly and nothing has touched its files since: then its claims need no second
   * look. This uses up the mark. */
  async takePauseMark(manifest: Manifest): Promise<boolean> {
    const markPath = path.join(this.partPath, PART_NAMES.pause);
    const mark = readIfThere(markPath)?.toString("latin1");
    fs.rmSync(markPath, { force: true });
    return mark !== undefined && mark === (await this.#mark(manifest, this.claims.held));
  }

  /** Leaves everything so that the next run can trust it. The files must already be on the disk (fsync). */
  async pause(manifest: Manifest, held: Bitfield): Promise<void> {
    this.flushJournal();
    this.#journal.sync();
    const markPath = path.join(this.partPath, PART_NAMES.pause);
    try {
      writeOwnFile(`${markPath}.new`, await this.#mark(manifest, held), true);
      fs.renameSync(`${markPath}.new`, markPath);
    } catch (thrown) {
      fs.rmSync(`${markPath}.new`, { force: true });
      throw thrown;
    }
    syncDirectory(this.partPath);
  }

  #mark(manifest: Manifest, held: Bitfield): Promise<string> {
    return pauseMark(manifest, held, (filePath) => this.filePath(filePath));
  }

  /** Closes what is open and gives up the lock. Removes the folder if nothing in it is worth keeping. */
  close(): void {
    if (this.#isClosed) return;
    try {
      this.flushJournal();
    } catch {
      // A lost claim costs time; the lock must be given up all the same.
    }
    this.#isClosed = true;
    this.#written.close();
    this.#journal.close();
    try {
      const isKept = !this.#journal.isEmpty || this.claims.isCommitting || hasReplaced(this.partPath);
      if (isKept) this.#lock.release();
      else this.#removeAll();
    } catch {
      // What stays behind takes room, and a lock soon counts for nothing; the error that ends the download is the one
      // to report.
    }
  }

  /** The download is committed: removes everything here. Returns why something replaced is still there, if so. */
  remove(): GoshareError | undefined {
    this.#written.close();
    this.#journal.close();
    this.#isClosed = true;
    const problem = this.#removeReplaced();
    this.#removeAll(problem === undefined ? [] : [PART_NAMES.outdated]);
    return problem;
  }

  #removeReplaced(): GoshareError | undefined {
    const outdatedPath = path.join(this.partPath, PART_NAMES.outdated);
    try {
      removeTree(outdatedPath);
      if (!hasReplaced(this.partPath)) return undefined;
      // Under another name, which no run puts back: half of it must not be taken for all of it.
      fs.renameSync(replacedPath(this.partPath), outdatedPath);
      removeTree(outdatedPath);
      return undefined;
    } catch (thrown) {
      return errorAt(thrown, outdatedPath);
    }
  }

  /** The lock goes last, and the folder only if it is then empty: another process may have it by now. If one has its
   * lock at this path, nothing is removed. */
  #removeAll(but: readonly string[] = []): void {
    try {
      if (!this.#lock.isTakenNow) emptyPart(this.partPath, but);
    } finally {
      this.#lock.release();
    }
    removeIfEmpty(this.partPath);
  }
}

/** Removes all of a part folder that could not be begun, for want of room for instance. */
function emptyIfFresh(partPath: string): void {
  const journal = fs.lstatSync(path.join(partPath, PART_NAMES.journal), { throwIfNoEntry: false });
  if (journal !== undefined && journal.size > 0) return;
  removeIfEmpty(contentPath(partPath));
  if (isThere(contentPath(partPath))) return;
  emptyPart(partPath);
}

/** The error of a download that may not replace what has its name. */
export function targetExists(targetPath: string): GoshareError {
  return new GoshareError("TARGET_EXISTS", `${targetPath} is already there`, {
    hint: "move it away, add --overwrite or --rename, or choose another folder with --output",
  });
}
