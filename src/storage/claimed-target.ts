// Whether what stands under the final name of a download is its own, put there by a run that was stopped; and what such
// a run had moved out of the way, put back.
import * as fs from "node:fs";
import * as path from "node:path";
import type { ManifestRoot } from "../manifest/manifest.js";
import { isThere } from "./part-files.js";
import { contentPath, type PartPaths, replacedPath } from "./part-paths.js";

/** Whether the target is what an earlier run put there: a folder was moved away from the part folder, a file is
 * linked in both places, or was moved where a disk has no hard links. */
export function isOwnTarget(root: ManifestRoot, paths: PartPaths): boolean {
  const target = fs.lstatSync(paths.target, { throwIfNoEntry: false });
  if (target === undefined) return false;
  const content = contentPath(paths.part);
  if (root.kind === "folder") return target.isDirectory() && !fs.existsSync(content);
  const own = fs.lstatSync(path.join(content, root.name), { throwIfNoEntry: false });
  if (own === undefined) return target.isFile() && target.size === root.totalSize;
  return own.dev === target.dev && own.ino === target.ino;
}

/** Whether the target is nothing yet: an empty folder or file, as a claim begins with. */
export function isEmptyTarget(targetPath: string): boolean {
  const stats = fs.lstatSync(targetPath);
  return stats.isDirectory() ? fs.readdirSync(targetPath).length === 0 : stats.isFile() && stats.size === 0;
}

/** Whether a run that was stopped has moved something out of the way that has no name any more. */
export function hasReplaced(partPath: string): boolean {
  return isThere(replacedPath(partPath));
}

/** What was to be replaced is there again, if the run that replaced it was stopped before something else had the name. */
export function putBackReplaced({ part, target }: PartPaths): void {
  if (hasReplaced(part) && !isThere(target)) fs.renameSync(replacedPath(part), target);
}
