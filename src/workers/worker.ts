// Runs in each worker thread: hashing, verifying, writing, syncing. Everything is synchronous: a worker does one thing
// at a time, and waits for nothing but the disk and its turn at a file. Never throws: failures are results.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
// The pool passes its `workerData` through; importing that from piscina would load all of piscina into every thread.
import { parentPort, workerData } from "node:worker_threads";
import { errorAt, GoshareError, isErrno } from "../core/errors.js";
import { DIGEST_BYTES } from "../core/ids.js";
import { pageAligned } from "../core/page-aligned.js";
import { hasIdentity, REPLACED_ERRNOS, SOURCE_OPEN_FLAGS } from "../storage/files/file-identity.js";
import { lookAtFiles } from "../storage/files/file-looks.js";
import {
  notConfirmed,
  openForWriting,
  partChanged,
  requireBytes,
  syncOpen,
} from "../storage/part/part-files.js";
import type { WriteRun } from "../storage/part/written-files.js";
import { copyChunks } from "./copy-chunks.js";
import { FileTurns } from "./file-turns.js";
import { splitPaths, unpackEntries, unpackRuns } from "./packed-runs.js";
import {
  DIGEST_ENCODING,
  type HashTask,
  LOADED,
  type SumTask,
  type SyncTask,
  type TaskFailure,
  type TaskResult,
  type TaskSuccess,
  type VerifyTask,
  type WorkerSetUp,
  type WorkerTask,
  type WriteTask,
} from "./tasks.js";

const { slots, fileTurns }: WorkerSetUp = workerData;
const slotBytes = slots === undefined ? new Uint8Array(0) : new Uint8Array(slots);
const turns = new FileTurns(fileTurns);

/** Bytes read and hashed at a time: small enough to stay in the core's cache. */
const READ_BYTES = 256 * 1024;
/** Follows no link, and never waits for the writer of a pipe. */
const READ_FLAGS = SOURCE_OPEN_FLAGS | fs.constants.O_NOFOLLOW;
const readBuffer = pageAligned(READ_BYTES);

// Not before whoever loads this module has been given it.
queueMicrotask(() => parentPort?.postMessage(LOADED));

export default function runTask(task: WorkerTask): TaskResult {
  try {
    switch (task.kind) {
      case "look":
        return { ...done(0), looks: lookAtFiles(splitPaths(task.paths)) };
      case "hash":
        return hashChunks(task);
      case "write":
        return writeChunks(task);
      case "verify":
        return verifyChunks(task);
      case "copy":
        return copyChunks(task);
      case "sum":
        return sumFiles(task);
      case "sync":
        return syncFiles(task);
    }
  } catch (thrown) {
    return failure(thrown);
  }
}

function done(bytes: number, wrongChunks: readonly number[] = []): TaskSuccess {
  return { ok: true, bytes, wrongChunks };
}

function failure(thrown: unknown): TaskFailure {
  const { code, message } = GoshareError.from(thrown);
  return { ok: false, code, message };
}

function changedSource(message: string): GoshareError {
  return new GoshareError("SOURCE_CHANGED", message);
}

function hashChunks(task: HashTask): TaskResult {
  const open = new OpenFiles((file) => {
    const { path, fileIndex } = task.files[file] ?? { path: "", fileIndex: -1 };
    const fd = fs.openSync(path, READ_FLAGS);
    const beforeClose = () => assertUnchanged(fd, path, task.identities, fileIndex);
    return { fd, afterOpening: () => undefined, beforeClose };
  });
  let bytes = 0;
  try {
    for (const { chunkIndex, runs } of task.chunks) {
      const hash = createHash("sha256");
      for (const { file, fileOffset, length } of runs) {
        bytes += hashSource(hash, () => open.fd(file), task.files[file]?.path ?? "", fileOffset, length);
      }
      task.digests.set(hash.digest(), chunkIndex * DIGEST_BYTES);
    }
    open.close();
  } finally {
    open.abandon();
  }
  return done(bytes);
}

/** Hashes a whole run of a source file. If there is no file in its place any more, the source was changed. */
function hashSource(
  hash: ReturnType<typeof createHash>,
  open: () => number,
  path: string,
  fileOffset: number,
  length: number,
): number {
  let bytes: number;
  try {
    bytes = hashRun(hash, open(), fileOffset, length);
  } catch (thrown) {
    if (!isErrno(thrown, ...REPLACED_ERRNOS)) throw errorAt(thrown, path);
    throw changedSource(`${path} is no longer the same file`);
  }
  if (bytes < length) throw changedSource(`${path} became shorter while it was being read`);
  return bytes;
}

function assertUnchanged(fd: number, path: string, identities: BigInt64Array, fileIndex: number): void {
  if (!hasIdentity(identities, fileIndex, fs.fstatSync(fd, { bigint: true }))) {
    throw changedSource(`${path} was changed while it was being read`);
  }
}

function verifyChunks(task: VerifyTask): TaskResult {
  const open = new OpenFiles((file) => {
    const { path, size } = task.files[file] ?? { path: "", size: 0 };
    const fd = fs.openSync(path, READ_FLAGS);
    return { fd, afterOpening: () => assertNoLonger(fd, size), beforeClose: () => undefined };
  });
  const wrongChunks: number[] = [];
  let bytes = 0;
  try {
    for (const { chunkIndex, runs, digest } of task.chunks) {
      try {
        const hash = createHash("sha256");
        for (const { file, fileOffset, length } of runs)
          bytes += hashRun(hash, open.fd(file), fileOffset, length);
        if (hash.digest(DIGEST_ENCODING) !== digest) wrongChunks.push(chunkIndex);
      } catch {
        // What cannot be read counts as missing.
        wrongChunks.push(chunkIndex);
      }
    }
  } finally {
    open.abandon();
  }
  return done(bytes, wrongChunks);
}

function sumFiles(task: SumTask): TaskResult {
  let bytes = 0;
  const sums = task.paths.map((path) => {
    let fd: number | undefined;
    try {
      fd = fs.openSync(path, READ_FLAGS);
      const hash = createHash("sha256");
      let at = 0;
      for (let count = -1; count !== 0; at += count) {
        count = hashRun(hash, fd, at, READ_BYTES);
        Atomics.add(task.bytesRead, 0, BigInt(count));
      }
      bytes += at;
      return hash.digest("hex");
    } catch {
      return "";
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  });
  return { ...done(bytes), sums };
}

function assertNoLonger(fd: number, size: number): void {
  if (fs.fstatSync(fd).size > size) throw new Error(`longer than ${size} bytes`);
}

/** Returns the bytes read: fewer than `length` at the end of the file. */
function hashRun(
  hash: ReturnType<typeof createHash>,
  fd: number,
  fileOffset: number,
  length: number,
): number {
  let at = 0;
  while (at < length) {
    const count = fs.readSync(fd, readBuffer, 0, Math.min(READ_BYTES, length - at), fileOffset + at);
    if (count === 0) break;
    hash.update(readBuffer.subarray(0, count));
    at += count;
  }
  return at;
}

function writeChunks(task: WriteTask): TaskResult {
  const wrongChunks: number[] = [];
  let bytes = 0;
  const begunMs = performance.now();
  let writeMs = 0;
  for (const [place, { slotOffset, length, digest, runs }] of task.chunks.entries()) {
    const chunk = slotBytes.subarray(slotOffset, slotOffset + length);
    if (createHash("sha256").update(chunk).digest(DIGEST_ENCODING) !== digest) {
      wrongChunks.push(place);
      continue;
    }
    const hashedMs = performance.now();
    for (const run of unpackRuns(runs)) {
      try {
        writeRun(run, chunk);
      } catch (thrown) {
        throw errorAt(thrown, run.path);
      }
    }
    writeMs += performance.now() - hashedMs;
    bytes += length;
  }
  const hashMs = performance.now() - begunMs - writeMs;
  return { ...done(bytes, wrongChunks), spent: { hashMs, writeMs } };
}

function writeRun(run: WriteRun, chunk: Uint8Array): void {
  const { fd, path, fileBytes } = run;
  if (fd !== undefined) {
    if (fileBytes !== undefined) requireBytes(fd, path, fileBytes);
    turns.take(fd, () => writeAll(fd, run, chunk));
    return;
  }
  const ownFd = openForWriting(run.path, run.executable, fs.constants.O_TRUNC);
  try {
    writeAll(ownFd, run, chunk);
  } finally {
    fs.closeSync(ownFd);
  }
}

function writeAll(fd: number, run: WriteRun, chunk: Uint8Array): void {
  let at = 0;
  while (at < run.length) {
    at += fs.writeSync(fd, chunk, run.chunkOffset + at, run.length - at, run.fileOffset + at);
  }
}

function syncFiles(task: SyncTask): TaskResult {
  for (const { path, fileBytes } of unpackEntries(task.entries)) {
    const fd = openWritten(path, fileBytes);
    try {
      if (fileBytes !== undefined) requireBytes(fd, path, fileBytes);
      syncFile(fd, path);
    } finally {
      fs.closeSync(fd);
    }
  }
  return done(0);
}

/** If something else stands in the place of a file that was written, the error says so. */
function openWritten(path: string, fileBytes: number | undefined): number {
  try {
    return fs.openSync(path, READ_FLAGS);
  } catch (thrown) {
    if (fileBytes === undefined || !isErrno(thrown, ...REPLACED_ERRNOS)) throw thrown;
    throw partChanged(path, "is no longer there", thrown);
  }
}

function syncFile(fd: number, path: string): void {
  try {
    syncOpen(fd);
  } catch (thrown) {
    throw notConfirmed(thrown, path);
  }
}

interface OpenFile {
  readonly fd: number;
  /** Throws if the file cannot be used. */
  afterOpening(): void;
  /** Throws if what was read does not count. */
  beforeClose(): void;
}

/** The one file of a task that is open; tasks read files one after another. */
class OpenFiles {
  readonly #openFile: (file: number) => OpenFile;
  #current: (OpenFile & { readonly file: number }) | undefined;

  constructor(openFile: (file: number) => OpenFile) {
    this.#openFile = openFile;
  }

  fd(file: number): number {
    if (this.#current?.file === file) return this.#current.fd;
    this.close();
    const opened = { file, ...this.#openFile(file) };
    this.#current = opened;
    try {
      opened.afterOpening();
    } catch (thrown) {
      this.abandon();
      throw thrown;
    }
    return opened.fd;
  }

  /** Checks the open file for the last time, and closes it whatever that says. */
  close(): void {
    try {
      this.#current?.beforeClose();
    } finally {
      this.abandon();
    }
  }

  /** Closes the open file without a check, and only once: even if that fails, another file may have its number by now.
   * */
  abandon(): void {
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined) fs.closeSync(current.fd);
  }
}
