// Whether a disk has room for what is still to be written to it, asked before anything is fetched. What the file system
// needs for itself is neither known nor guessed: a download that passes may still find the disk full.
import { statfsSync } from "node:fs";
import { GoshareError } from "../../core/errors.js";
import { formatBytes } from "../../core/units.js";

/** Throws DISK_FULL if the disk of `directory` has fewer than `missingBytes` left for this user. A file system that
 * does not say is assumed to have room. */
export function requireSpace(directory: string, missingBytes: number): void {
  const freeBytes = freeSpace(directory);
  if (freeBytes === undefined || freeBytes >= missingBytes) return;
  const room = `there is room for ${formatBytes(freeBytes)} in ${directory}`;
  throw new GoshareError("DISK_FULL", `${room}, but ${formatBytes(missingBytes)} are still to come`, {
    hint: `free ${formatBytes(missingBytes - freeBytes)} more, or choose another folder with --output`,
  });
}

/** Bytes that this user may still write on the disk of `directory`; undefined if its file system does not say. */
export function freeSpace(directory: string): number | undefined {
  try {
    const { blocks, bavail, bsize } = statfsSync(directory);
    // File systems that do not know report no blocks at all.
    return blocks > 0 && bsize > 0 ? bavail * bsize : undefined;
  } catch {
    return undefined;
  }
}
