// Leases in a file, whole or not at all: written and read in steps, between which other work has its turn. The lease
// book decides what is in it. Reads no clock of the machine: for each lease the file holds the time it had left.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { endianness } from "node:os";
import type { Clock } from "../../../../core/clock.js";
import { KIB } from "../../../../core/units.js";
import { SOURCE_OPEN_FLAGS } from "../../../../storage/files/file-identity.js";
import { replaceFile } from "../../../../storage/files/replace-file.js";
import { MAX_LEASE_MS } from "../../../limits.js";
import type { LeaseBook } from "../leases/lease-book.js";
import { WordReader, WordWriter } from "../leases/words.js";

/** Header: "goshare leases" and zeros (16 bytes) | version (u8) | 1 for little endian, 2 for big (u8) | 6 zeros | bytes
 * that follow the header (u64) | SHA-256 of them. Then frames: number of words that follow (u32), words. */
const MAGIC = Buffer.from("goshare leases\0\0");
const VERSION = 1;
const LENGTH_AT = 24;
const DIGEST_AT = 32;
const HEADER_BYTES = 64;

/** How much is written or read between two turns of the event loop, plus the rest of the last peer. Loading so much
 * takes 3 to 5 ms. */
const STEP_BYTES = 128 * KIB;

/** Says why a file is no snapshot that can be read here. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** Writes all leases to `filePath`, in place of what is there. */
export async function writeSnapshot(filePath: string, leases: LeaseBook, clock: Clock): Promise<void> {
  await replaceFile(filePath, 0o600, async (handle) => {
    const digest = createHash("sha256");
    const frame = new WordWriter();
    let bytes = 0;
    for (let next: number | undefined = 0; next !== undefined; ) {
      frame.cutTo(0);
      frame.put(0);
      next = leases.dumpFrom(next, STEP_BYTES / 4, clock.nowMs(), frame);
      frame.replace(0, frame.length - 1);
      const written = bytesOf(frame.written);
      digest.update(written);
      await writeAt(handle, written, HEADER_BYTES + bytes);
      bytes += written.length;
    }
    await writeAt(handle, header(bytes, digest.digest()), 0);
  });
}

/** Loads the leases in `filePath`. Throws a SnapshotError, before anything is loaded, if the file is damaged or
 * something else; and what the file system throws. */
export async function readSnapshot(filePath: string, leases: LeaseBook, clock: Clock): Promise<void> {
  const handle = await open(filePath, SOURCE_OPEN_FLAGS);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new SnapshotError("it is not a file");
    const { size } = stats;
    await check(handle, size);
    const count = new Uint32Array(1);
    for (let at = HEADER_BYTES; at < size; ) {
      await readAt(handle, bytesOf(count), at);
      const bytes = 4 * (count[0] ?? 0);
      if (bytes > size - at - 4) throw new SnapshotError("it has a frame that is too long");
      const words = new Uint32Array(bytes / 4);
      await readAt(handle, bytesOf(words), at + 4);
      loadFrame(leases, words, clock.nowMs());
      at += 4 + bytes;
    }
  } finally {
    await handle.close();
  }
}

function loadFrame(leases: LeaseBook, words: Uint32Array, nowMs: number): void {
  try {
    leases.load(new WordReader(words), MAX_LEASE_MS, nowMs);
  } catch (cause) {
    if (cause instanceof RangeError) throw new SnapshotError(cause.message, { cause });
    throw cause;
  }
}

/** Reads all of it once, so that nothing is loaded from a file that is damaged at its end. */
async function check(handle: FileHandle, size: number): Promise<void> {
  const found = Buffer.alloc(HEADER_BYTES);
  if (size < HEADER_BYTES) throw new SnapshotError("it is too short");
  await readAt(handle, found, 0);
  if (!found.subarray(0, MAGIC.length).equals(MAGIC)) throw new SnapshotError("it is something else");
  const ofThisProgram = header(size - HEADER_BYTES, found.subarray(DIGEST_AT));
  if (!found.subarray(0, LENGTH_AT).equals(ofThisProgram.subarray(0, LENGTH_AT)))
    throw new SnapshotError("another version or another kind of machine wrote it");
  if (!found.equals(ofThisProgram)) throw new SnapshotError("it has the wrong length");

  const digest = createHash("sha256");
  const step = Buffer.alloc(STEP_BYTES);
  for (let at = HEADER_BYTES; at < size; at += step.length) {
    const part = step.subarray(0, Math.min(step.length, size - at));
    await readAt(handle, part, at);
    digest.update(part);
  }
  if (!digest.digest().equals(found.subarray(DIGEST_AT))) throw new SnapshotError("it is damaged");
}

function header(bytes: number, digest: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header[MAGIC.length] = VERSION;
  header[MAGIC.length + 1] = endianness() === "LE" ? 1 : 2;
  header.writeBigUInt64LE(BigInt(bytes), LENGTH_AT);
  header.set(digest, DIGEST_AT);
  return header;
}

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** Fills `bytes` from `position` on. */
async function readAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) throw new SnapshotError("it became shorter while it was being read");
    filled += bytesRead;
  }
}
