// Copies chunks out of older files, in a worker thread: read, hash, compare, and write what is right. Never changes a file
// that it reads.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { errorAt } from "../core/errors.js";
import { MAX_CHUNK_BYTES } from "../manifest/limits.js";
import { SOURCE_OPEN_FLAGS } from "../storage/files/file-identity.js";
import { openForWriting, requireBytes } from "../storage/part/part-files.js";
import { type ChunkCopy, type CopiedRun, type CopyTask, DIGEST_ENCODING, type TaskSuccess } from "./tasks.js";

/** Memory for one chunk, allocated when the first is copied. */
let room: Buffer | undefined;

export function copyChunks(task: CopyTask): TaskSuccess {
  const wrongChunks: number[] = [];
  let bytes = 0;
  for (const copy of task.chunks) {
    const chunk = readChunk(copy, task.files);
    if (chunk === undefined || createHash("sha256").update(chunk).digest(DIGEST_ENCODING) !== copy.digest) {
      wrongChunks.push(copy.chunkIndex);
      continue;
    }
    for (const run of copy.writes) writeRun(run, chunk);
    bytes += chunk.byteLength;
  }
  return { ok: true, bytes, wrongChunks };
}

/** The bytes at the places where the chunk may be; undefined if they cannot be read, or are not all there. */
function readChunk({ runs }: ChunkCopy, files: CopyTask["files"]): Buffer | undefined {
  room ??= Buffer.allocUnsafeSlow(MAX_CHUNK_BYTES);
  let at = 0;
  try {
    for (const { file, fileOffset, length } of runs) {
      const fd = fs.openSync(files[file]?.path ?? "", SOURCE_OPEN_FLAGS);
      try {
        for (const end = at + length, from = fileOffset - at; at < end; ) {
          const count = fs.readSync(fd, room, at, end - at, from + at);
          if (count === 0) return undefined;
          at += count;
        }
      } finally {
        fs.closeSync(fd);
      }
    }
  } catch {
    return undefined;
  }
  return room.subarray(0, at);
}

function writeRun({ path, executable, fileBytes, ...run }: CopiedRun, chunk: Buffer): void {
  try {
    const fd = openForWriting(path, executable);
    try {
      // A small file that an earlier run left may be too long; a large one has its size already.
      if (run.length !== fileBytes) requireBytes(fd, path, fileBytes);
      else if (fs.fstatSync(fd).size !== fileBytes) fs.ftruncateSync(fd, fileBytes);
      for (let done = 0; done < run.length; )
        done += fs.writeSync(fd, chunk, run.chunkOffset + done, run.length - done, run.fileOffset + done);
    } finally {
      fs.closeSync(fd);
    }
  } catch (thrown) {
    throw errorAt(thrown, path);
  }
}
