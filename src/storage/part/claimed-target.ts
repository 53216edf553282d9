// Tells whether what has the final name of a download is its own, put there by a run that was stopped; and puts back
// what such a run had moved out of the way.
import * as fs from "node:fs";
import * as path from "node:path";
import type { ManifestRoot, ShareKind } from "../../manifest/manifest.js";
import { identityOf } from "../files/file-identity.js";
import { isThere, readIfThere, writeOwnFile } from "./part-files.js";
import { contentPath, PART_NAMES, type PartPaths, replacedPath } from "./part-paths.js";

/** Remembers what is about to take the final name. Moved there or linked, it stays the same file or folder. */
export function storeClaim({ kind, name }: ManifestRoot, partPath: string): void {
  const content = contentPath(partPath);
  const own = placeOnDisk(kind === "folder" ? content : path.join(content, name));
  writeOwnFile(path.join(partPath, PART_NAMES.claim), own ?? "", true);
}

/** Whether the target is what an earlier run put there. Never guessed from other things that are there or missing: it
 * may be somebody else's. */
export function isOwnTarget({ part, target }: PartPaths): boolean {
  const claim = readIfThere(path.join(part, PART_NAMES.claim));
  return claim !== undefined && claim.toString("latin1") === placeOnDisk(target);
}

function placeOnDisk(somePath: string): string | undefined {
  const stats = fs.lstatSync(somePath, { bigint: true, throwIfNoEntry: false });
  // Not the inode number alone, which a disk reuses as soon as a file is gone; and without the ctime, which changes
  // when it takes the name.
  return stats && `${identityOf(stats).slice(0, -1).join(" ")}\n`;
}

/** Whether the target holds nothing yet: an empty folder or file, as the claim for this kind begins with. */
export function isEmptyTarget(kind: ShareKind, targetPath: string): boolean {
  const stats = fs.lstatSync(targetPath);
  if (kind === "file") return stats.isFile() && stats.size === 0;
  return stats.isDirectory() && fs.readdirSync(targetPath).length === 0;
}

/** Whether a stopped run has moved something out of the way that still lacks its name. */
export function hasReplaced(partPath: string): boolean {
  return isThere(replacedPath(partPath));
}

/** Puts back what was to be replaced, if the run that replaced it was stopped before something else had the name. */
export function putBackReplaced({ part, target }: PartPaths): void {
  if (hasReplaced(part) && !isThere(target)) fs.renameSync(replacedPath(part), target);
}
