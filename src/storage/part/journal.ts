// The journal of a part folder: which chunks were verified and written, as an append-only list of numbers. Bytes ⇄
// claims; touches no disk. A journal is only a claim: after anything but a clean pause, what it says is hashed again,
// so that a torn, stale or edited one costs time, never a wrong byte.
import { Bitfield } from "../../core/bitfield.js";
import type { ContentId } from "../../core/ids.js";
import { DIGEST_BYTES } from "../../core/ids.js";
import { MIB } from "../../core/units.js";

const MAGIC = Buffer.from("goshare-journal\n", "latin1");
const VERSION = 1;
const HEADER_BYTES = MAGIC.byteLength + 4 + DIGEST_BYTES + 4;
const RECORD_BYTES = 4;
/** How often every chunk may be claimed, and how much even small shares may claim, before a journal counts as none;
 * none is read beyond MAX_BYTES. */
const MAX_RUNS = 16;
const MIN_RECORDS = 65_536;
const MAX_BYTES = 256 * MIB;
/** Written instead of a chunk number when the commit begins: from then on a target of the same name may be our own,
 * half made. */
const COMMITTING = 0xffff_ffff;
/** Written when a commit fails before it has made anything: what has the name is somebody else's. */
const NOT_COMMITTING = 0xffff_fffe;

export interface JournalClaims {
  readonly held: Bitfield;
  readonly isCommitting: boolean;
  /** Bytes of whole records; what follows is torn, and is cut off before more is appended. */
  readonly wholeBytes: number;
}

export function encodeJournalHeader(contentId: ContentId, chunkCount: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32BE(VERSION, MAGIC.byteLength);
  bytes.write(contentId, MAGIC.byteLength + 4, "hex");
  bytes.writeUInt32BE(chunkCount, HEADER_BYTES - 4);
  return bytes;
}

export function encodeJournalRecords(chunkIndexes: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(chunkIndexes.length * RECORD_BYTES);
  chunkIndexes.forEach((chunkIndex, at) => {
    bytes.writeUInt32BE(chunkIndex, at * RECORD_BYTES);
  });
  return bytes;
}

export function encodeCommitMark(isCommitting: boolean): Buffer {
  return encodeJournalRecords([isCommitting ? COMMITTING : NOT_COMMITTING]);
}

/** The claims of a new journal. */
export function noClaims(chunkCount: number): JournalClaims {
  return { held: new Bitfield(chunkCount), isCommitting: false, wholeBytes: HEADER_BYTES };
}

/** An upper bound of a journal's size: each run over a damaged part folder may claim every chunk again. */
export function maxJournalBytes(chunkCount: number): number {
  return Math.min(MAX_BYTES, HEADER_BYTES + RECORD_BYTES * Math.max(MIN_RECORDS, MAX_RUNS * chunkCount));
}

/** Whether `bytes` are a journal of this content; false for one cut off within its header, which may be one. */
export function isJournalOf(bytes: Uint8Array, contentId: ContentId, chunkCount: number): boolean {
  return encodeJournalHeader(contentId, chunkCount).equals(bytes.subarray(0, HEADER_BYTES));
}

/** What `bytes` claim; undefined if they are a journal of another content. One that was cut off within its header
 * claims nothing; numbers out of range are passed over. */
export function decodeJournal(
  bytes: Uint8Array,
  contentId: ContentId,
  chunkCount: number,
): JournalClaims | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = encodeJournalHeader(contentId, chunkCount);
  const common = Math.min(HEADER_BYTES, view.byteLength);
  if (!view.subarray(0, common).equals(header.subarray(0, common))) return undefined;
  if (common < HEADER_BYTES) return noClaims(chunkCount);
  const held = new Bitfield(chunkCount);
  let isCommitting = false;
  let at = HEADER_BYTES;
  for (; at + RECORD_BYTES <= view.byteLength; at += RECORD_BYTES) {
    const record = view.readUInt32BE(at);
    if (record === COMMITTING || record === NOT_COMMITTING) isCommitting = record === COMMITTING;
    else if (record < chunkCount) held.add(record);
  }
  return { held, isCommitting, wholeBytes: at };
}
