// What shows that a file has changed without reading it: device, inode, size, and the times of the last change of
// content and of inode, in nanoseconds. Identities of many files are in one shared array, five numbers each, so that
// worker threads see them without copies.
import { type BigIntStats, constants, statfsSync } from "node:fs";

/** Numbers per file: dev, ino, size, mtimeNs, ctimeNs. */
export const IDENTITY_FIELDS = 5;
const NUMBER_FIELD = 1;
export const SIZE_FIELD = 2;

/** How a source file is opened: if a pipe is in its place by now, opening it must not wait for a writer. */
export const SOURCE_OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The errors of opening or reading a source file that is gone, or that something else has replaced. */
export const REPLACED_ERRNOS = ["ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENXIO", "ESPIPE"] as const;

/** An array with room for the identities of `fileCount` files, shared between threads. */
export function identityArray(fileCount: number): BigInt64Array {
  const bytes = fileCount * IDENTITY_FIELDS * BigInt64Array.BYTES_PER_ELEMENT;
  return new BigInt64Array(new SharedArrayBuffer(bytes));
}

/** Five numbers in the order of IDENTITY_FIELDS. */
export function identityOf(stats: BigIntStats): readonly bigint[] {
  // dev and ino are unsigned 64-bit numbers; signed ones compare just as well.
  return [
    BigInt.asIntN(64, stats.dev),
    BigInt.asIntN(64, stats.ino),
    stats.size,
    stats.mtimeNs,
    stats.ctimeNs,
  ];
}

/** What statfs calls the file systems that give a file an inode number when it is looked up, and another one after the
 * kernel, short of memory, has forgotten it: FUSE (sshfs and others), FAT, exFAT, CIFS. */
const NUMBERED_ANEW: readonly number[] = [0x6573_5546, 0x4d44, 0x2011_bab0, 0xff53_4d42, 0xfe53_4d42];
/** Stands for an inode number that says nothing. */
const ANY_NUMBER = 0n;

/** By device. */
const numberedAnew = new Map<bigint, boolean>();

/** The identity of what is at `filePath`, which still holds after its file system has given it another inode number. */
export function lastingIdentity(filePath: string, stats: BigIntStats): readonly bigint[] {
  let isNumberedAnew = numberedAnew.get(stats.dev);
  if (isNumberedAnew === undefined) {
    isNumberedAnew = NUMBERED_ANEW.includes(fileSystemType(filePath));
    numberedAnew.set(stats.dev, isNumberedAnew);
  }
  const identity = identityOf(stats);
  return isNumberedAnew ? identity.with(NUMBER_FIELD, ANY_NUMBER) : identity;
}

function fileSystemType(filePath: string): number {
  try {
    return statfsSync(filePath).type >>> 0;
  } catch {
    return 0;
  }
}

/** Whether file `fileIndex` of `identities` is what `stats` describe. */
export function hasIdentity(identities: BigInt64Array, fileIndex: number, stats: BigIntStats): boolean {
  const at = fileIndex * IDENTITY_FIELDS;
  return identityOf(stats).every((value, field) => {
    const known = identities[at + field];
    return known === value || (field === NUMBER_FIELD && known === ANY_NUMBER);
  });
}
