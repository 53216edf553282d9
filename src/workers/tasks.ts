// What the event loop asks of the worker threads, and what they answer. Everything here crosses threads by
// structured clone: plain data only; large arrays are shared, not copied.
import type { ErrorCode } from "../core/errors.js";
import type { FileLooks } from "../storage/files/file-looks.js";
import type { PackedEntries, PackedRuns } from "./packed-runs.js";

/** A SHA-256 digest as a text of 32 characters, one for each byte: quicker to hand over and to compare than bytes. */
export type ChunkDigest = string;
/** Also called latin1. */
export const DIGEST_ENCODING = "binary";

/** A run of bytes of one file. */
export interface ReadRun {
  /** Index into the task's `files`. */
  readonly file: number;
  readonly fileOffset: number;
  readonly length: number;
}

export interface ChunkRead {
  readonly chunkIndex: number;
  readonly runs: readonly ReadRun[];
}

/** Reads and hashes chunks of a source; digests go to `digests`, 32 bytes at each chunk's place. Fails if a
 * file is not what it was when the tree was walked. */
export interface HashTask {
  readonly kind: "hash";
  readonly files: readonly { readonly path: string; readonly fileIndex: number }[];
  readonly chunks: readonly ChunkRead[];
  /** Shared with the event loop: the identities of all files of the tree. */
  readonly identities: BigInt64Array;
  /** Shared with the event loop. */
  readonly digests: Uint8Array;
}

/** A chunk in a slot, and where it belongs. */
export interface ChunkWrite {
  /** Where the chunk begins in the shared slots. */
  readonly slotOffset: number;
  readonly length: number;
  readonly digest: ChunkDigest;
  readonly runs: PackedRuns;
}

/** Hashes chunks in slots, and writes those whose digests are right. The result's `wrongChunks` are places in
 * `chunks`. */
export interface WriteTask {
  readonly kind: "write";
  readonly chunks: readonly ChunkWrite[];
}

/** Reads chunks that were written earlier and says which are right. None is right in a file that is longer than it
 * should be: the excess would be committed with it. */
export interface VerifyTask {
  readonly kind: "verify";
  /** `size`: of the file in the share, in bytes; infinite where the file may be longer. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  readonly chunks: readonly (ChunkRead & { readonly digest: ChunkDigest })[];
}

/** Where a run of a copied chunk goes. */
export interface CopiedRun {
  readonly path: string;
  readonly executable: boolean;
  /** Of the whole file, in bytes. */
  readonly fileBytes: number;
  readonly fileOffset: number;
  readonly chunkOffset: number;
  readonly length: number;
}

export interface ChunkCopy extends ChunkRead {
  readonly digest: ChunkDigest;
  readonly writes: readonly CopiedRun[];
}

/** Reads chunks where they may be, and writes those that are right where they belong. `wrongChunks` are the others. */
export interface CopyTask {
  readonly kind: "copy";
  readonly files: readonly { readonly path: string }[];
  readonly chunks: readonly ChunkCopy[];
}

/** Hashes whole files. The result's `sums` are hex, in the order of `paths`; empty for what cannot be read. */
export interface SumTask {
  readonly kind: "sum";
  readonly paths: readonly string[];
  /** Shared with the event loop: one number, the bytes read by all tasks so far. */
  readonly bytesRead: BigInt64Array;
}

/** Makes files and folders durable. */
export interface SyncTask {
  readonly kind: "sync";
  readonly entries: PackedEntries;
}

/** Looks at files. The result is `looks`. */
export interface LookTask {
  readonly kind: "look";
  /** Joined as in PackedRuns; at least one. */
  readonly paths: string;
}

export type WorkerTask = LookTask | HashTask | WriteTask | VerifyTask | CopyTask | SumTask | SyncTask;

/** Workers return what went wrong as data, since error classes do not survive the way between threads. */
export interface TaskFailure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface TaskSuccess {
  readonly ok: true;
  readonly bytes: number;
  readonly wrongChunks: readonly number[];
  /** Of a LookTask. */
  readonly looks?: FileLooks;
  /** Of a SumTask. */
  readonly sums?: readonly string[];
  /** Of a WriteTask: what it spent its time on. */
  readonly spent?: { readonly hashMs: number; readonly writeMs: number };
}

export type TaskResult = TaskSuccess | TaskFailure;

/** What every worker is given when it starts. */
export interface WorkerSetUp {
  /** Room for chunks on their way from a socket to the disk; absent where none arrive. */
  readonly slots: SharedArrayBuffer | undefined;
  /** Of `FileTurns`. */
  readonly fileTurns: SharedArrayBuffer;
}

/** What a worker thread says once all its code is loaded. */
export const LOADED = "loaded";
