// Whether a disk has room for what is still to be written to it, asked before anything is fetched. What the file
// system needs for itself is not known and not guessed: who gets past this may still find the disk full.
import { statfsSync } from "node:fs";
import { GoshareError } from "../core/errors.js";
import { formatBytes } from "../core/units.js";

/** Throws DISK_FULL if the disk that `directory` is on has fewer than `missingBytes` left for this user. A file system
 * that does not say is taken to have room. */
export function requireSpace(directory: string, missingBytes: number): void {
  const freeBytes = freeSpace(directory);
  if (freeBytes === undefined || freeBytes >= missingBytes) return;
  const room = `there is room for ${formatBytes(freeBytes)} in ${directory}`;
  throw new GoshareError("DISK_FULL", `${room}, but ${formatBytes(missingBytes)} are still to come`, {
    hint: `free ${formatBytes(missingBytes - freeBytes)} more, or choose another folder with --output`,
  });
}

/** Bytes that this user may still write on the disk of `directory`; undefined where its file system does not say. */
export function freeSpace(directory: string): number | undefined {
  try {
    const { blocks, bavail, bsize } = statfsSync(directory);
    // File systems that do not know say that they have no blocks at all.
    return blocks > 0 && bsize > 0 ? bavail * bsize : undefined;
  } catch {
    return undefined;
  }
}
