// Single files and folders of a part folder: reads, makes and opens them without ever following a link, which may have
// been planted and point anywhere. Does not know what is in them.
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { DISK_HINTS, errorAt, GoshareError, isErrno, UNSUPPORTED_ERRNOS } from "../../core/errors.js";
import { PART_NAMES } from "./part-paths.js";

/** Mode of goshare's own files. */
const OWN_FILE_MODE = 0o600;

export const PART_CHANGED_HINT =
  "find out what writes there, then run the same command again; what is right is kept";

/** Makes a folder and those above it. Not by Node's `recursive`, which reports ENOENT if a disk is full or
 * read-only. */
export function makeFolders(folderPath: string, mode?: number): void {
  try {
    makeFolder(folderPath, mode);
  } catch (thrown) {
    if (!isErrno(thrown, "ENOENT")) throw thrown;
    // If the parent is there, another thread has made it since, or the file system has no room for folders, like /proc.
    const parent = path.dirname(folderPath);
    if (!fs.existsSync(parent)) makeFolders(parent);
    makeFolder(folderPath, mode);
  }
}

function makeFolder(folderPath: string, mode: number | undefined): void {
  try {
    fs.mkdirSync(folderPath, mode);
  } catch (thrown) {
    if (!isFolder(folderPath)) throw noFolder(folderPath, thrown);
  }
}

function isFolder(folderPath: string): boolean {
  try {
    return fs.statSync(folderPath).isDirectory();
  } catch {
    return false;
  }
}

/** The error to throw for `thrown`; another one if something that is no folder is in the way. */
function noFolder(folderPath: string, thrown: unknown): unknown {
  if (!isErrno(thrown, "EEXIST", "ENOTDIR")) return thrown;
  // The path leads through a file, so there is nothing to look at.
  const parent = path.dirname(folderPath);
  if (isErrno(thrown, "ENOTDIR") && parent !== folderPath && !isFolder(parent))
    return noFolder(parent, thrown);
  return new GoshareError("DISK_FAILED", `${folderPath} is not a folder`, {
    hint: "choose another folder with --output, or move away what is there",
    cause: thrown,
  });
}

/** Makes a folder, or finds one of this user; throws PART_UNUSABLE for anything else. */
export function makeOwnFolder(folderPath: string, mode?: number): void {
  if (fs.lstatSync(folderPath, { throwIfNoEntry: false }) === undefined) makeFolders(folderPath, mode);
  refuseForeign(folderPath);
}

/** Whether a real folder of this user is there, and no link: otherwise someone else could change files under us. */
export function isOwnFolder(folderPath: string): boolean {
  const stats = fs.lstatSync(folderPath);
  if (!stats.isDirectory() || process.getuid === undefined) return stats.isDirectory();
  return stats.uid === process.getuid() || stats.uid === ownerOfNewFile(folderPath);
}

/** The owner that the file system shows for a file that this user makes there: some know no owners (FAT), or number
 * them as another machine does (sshfs, CIFS, NFS for root). Undefined if no file can be made. */
function ownerOfNewFile(folderPath: string): number | undefined {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
  // A name that is removed with the folder if this process is killed now.
  const trial = path.join(folderPath, `${PART_NAMES.lock}.${randomUUID()}`);
  try {
    const fd = fs.openSync(trial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWN_FILE_MODE);
    try {
      return fs.fstatSync(fd).uid;
    } finally {
      fs.closeSync(fd);
      fs.unlinkSync(trial);
    }
  } catch {
    return undefined;
  }
}

function refuseForeign(partPath: string): void {
  if (isOwnFolder(partPath)) return;
  throw new GoshareError("PART_UNUSABLE", `${partPath} is not a folder of this user`, {
    hint: `remove ${partPath}, or choose another folder with --output`,
  });
}

/** Writes a file of goshare's own, whole; `flush` makes it durable. */
export function writeOwnFile(filePath: string, content: Uint8Array | string, flush = false): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let fd: number;
  try {
    // A named pipe does not wait for a reader.
    fd = fs.openSync(filePath, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | (O_NONBLOCK ?? 0), OWN_FILE_MODE);
  } catch (thrown) {
    throw isErrno(thrown, "EISDIR", "ELOOP", "ENXIO") ? noFile(filePath) : errorAt(thrown, filePath);
  }
  try {
    requireFile(fd, filePath);
    fs.writeFileSync(fd, content);
    if (flush) fs.fsyncSync(fd);
  } catch (thrown) {
    throw errorAt(thrown, filePath);
  } finally {
    fs.closeSync(fd);
  }
}

/** Throws PART_UNUSABLE if something else is in the place of one of goshare's own files. */
export function requireFile(fd: number, filePath: string): void {
  if (!fs.fstatSync(fd).isFile()) throw noFile(filePath);
}

function noFile(filePath: string): GoshareError {
  return new GoshareError("PART_UNUSABLE", `${filePath} is not a file`, {
    hint: `remove ${path.dirname(filePath)}, or choose another folder with --output`,
  });
}

/** Opens a file of the part folder for writing, never through a link; makes missing folders on the way. */
export function openForWriting(filePath: string, executable: boolean, extraFlags = 0): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
  const flags = O_RDWR | O_CREAT | O_NOFOLLOW | extraFlags;
  const mode = executable ? 0o777 : 0o666;
  try {
    return fs.openSync(filePath, flags, mode);
  } catch (thrown) {
    if (!isErrno(thrown, "ENOENT")) throw thrown;
    makeFolders(path.dirname(filePath));
    return fs.openSync(filePath, flags, mode);
  }
}

/** Throws PART_CHANGED for a file that goshare made this large, if something else has cut it, lengthened it or replaced
 * it by something that is no file. */
export function requireBytes(fd: number, filePath: string, fileBytes: number): void {
  const stats = fs.fstatSync(fd);
  if (!stats.isFile()) throw partChanged(filePath, "is not a file any more");
  if (stats.size !== fileBytes)
    throw partChanged(filePath, `has ${stats.size} bytes instead of ${fileBytes}`);
}

/** The error that something else has changed the download; `what` is what happened to `filePath`. */
export function partChanged(filePath: string, what: string, cause?: unknown): GoshareError {
  const message = `${filePath} ${what}: something else has changed it`;
  return new GoshareError("PART_CHANGED", message, { hint: PART_CHANGED_HINT, cause });
}

/** What was written to `filePath` may not be on the disk. */
export function notConfirmed(thrown: unknown, filePath: string): GoshareError {
  const { message } = errorAt(thrown, filePath);
  return new GoshareError("SYNC_FAILED", `the disk did not confirm what was written: ${message}`, {
    hint: DISK_HINTS.SYNC_FAILED,
    cause: thrown,
  });
}

/** Whether anything has this name, a link that leads nowhere included. */
export function isThere(somePath: string): boolean {
  return fs.lstatSync(somePath, { throwIfNoEntry: false }) !== undefined;
}

/** Whether it is certain that nothing has this name; false if that cannot be looked at. */
export async function isGone(somePath: string): Promise<boolean> {
  try {
    await fs.promises.lstat(somePath);
    return false;
  } catch (thrown) {
    return isErrno(thrown, "ENOENT", "ENOTDIR");
  }
}

/** Makes names in a directory durable. */
export function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, fs.constants.O_RDONLY);
  try {
    syncOpen(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Makes what is open durable. Some file systems (9p, VirtualBox shared folders) cannot do that for folders and say so:
 * then it is up to them when a name in one is on the disk. */
export function syncOpen(fd: number): void {
  try {
    fs.fsyncSync(fd);
  } catch (thrown) {
    const isUnknownHere = isErrno(thrown, "EINVAL", ...UNSUPPORTED_ERRNOS);
    if (!isUnknownHere || !fs.fstatSync(fd).isDirectory()) throw thrown;
  }
}

/** The content of a file, if one is there and has the expected size. */
export function readIfThere(filePath: string, expectedBytes?: number): Buffer | undefined {
  const stats = fs.lstatSync(filePath, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) return undefined;
  if (expectedBytes !== undefined && stats.size !== expectedBytes) return undefined;
  return fs.readFileSync(filePath);
}

/** The content of a file, never of a link's target; undefined if there is none. Throws PART_UNUSABLE, before reading,
 * for anything but a file of at most `maxBytes`. */
export function readAtMost(filePath: string, maxBytes: number): Buffer | undefined {
  const name = path.basename(filePath);
  const found = fs.lstatSync(filePath, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new GoshareError("PART_UNUSABLE", `its ${name} is not a file`);
  // Whatever may have replaced it meanwhile: follows no link, and does not wait for the writer of a named pipe.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const fd = fs.openSync(filePath, O_RDONLY | O_NOFOLLOW | (O_NONBLOCK ?? 0));
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) throw new GoshareError("PART_UNUSABLE", `its ${name} is not a file`);
    if (stats.size > maxBytes) {
      throw new GoshareError("PART_UNUSABLE", `its ${name} has ${stats.size} bytes, more than ${maxBytes}`);
    }
    // The file may grow while it is read: takes only as much as was measured.
    const bytes = Buffer.alloc(stats.size);
    let filled = 0;
    while (filled < bytes.byteLength) {
      const count = fs.readSync(fd, bytes, filled, bytes.byteLength - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    fs.closeSync(fd);
  }
}

export function removeIfEmpty(directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch {
    // The folder holds an earlier download, which stays.
  }
}

/** Removes a file, or a folder with all that is in it, even if folders in it are read-only. */
export function removeTree(treePath: string): void {
  try {
    fs.rmSync(treePath, { recursive: true, force: true });
  } catch (thrown) {
    if (!isErrno(thrown, "EACCES", "EPERM")) throw thrown;
    openFolders(treePath);
    fs.rmSync(treePath, { recursive: true, force: true });
  }
}

function openFolders(folderPath: string): void {
  if (!fs.lstatSync(folderPath).isDirectory()) return;
  fs.chmodSync(folderPath, 0o700);
  for (const name of fs.readdirSync(folderPath)) openFolders(path.join(folderPath, name));
}
