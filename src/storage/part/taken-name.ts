// What a download does if something has its name already: refuse, replace it, or take another name. Looks and decides;
// changes nothing.
import type * as fs from "node:fs";
import * as path from "node:path";
import { GoshareError } from "../../core/errors.js";
import { MAX_ROOT_BYTES } from "../../manifest/limits.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import { mountPointBelow } from "../files/mounted-below.js";
import { isJournalOf, maxJournalBytes } from "./journal.js";
import { isThere, readAtMost } from "./part-files.js";
import { allPartPaths, PART_NAMES, type PartPaths, partPaths } from "./part-paths.js";

export type IfTaken = "refuse" | "replace" | "rename";

/** The paths of a download under its own name, or under the one that an earlier run has chosen for it. */
export function keptPaths(outputDirectory: string, root: ManifestRoot): PartPaths {
  for (const paths of allPartPaths(outputDirectory, root)) if (isPartOf(root, paths.part)) return paths;
  return partPaths(outputDirectory, root);
}

/** The first paths whose name is free. Throws TARGET_EXISTS if there are none. */
export function freePaths(outputDirectory: string, root: ManifestRoot): PartPaths {
  let last = "";
  for (const { target, part } of allPartPaths(outputDirectory, root)) {
    if (!isThere(target) && !isThere(part)) return { target, part };
    last = target;
  }
  throw new GoshareError("TARGET_EXISTS", `every name up to ${last} is taken`, {
    hint: "choose another folder with --output",
  });
}

/** Judged by its root, or by its journal, which stays longer if a run was stopped while it cleaned up. */
function isPartOf(root: ManifestRoot, partPath: string): boolean {
  const { contentId, chunkCount } = root;
  try {
    const stored = readAtMost(path.join(partPath, PART_NAMES.root), MAX_ROOT_BYTES);
    if (stored !== undefined) return stored.equals(root.bytes);
    const journal = readAtMost(path.join(partPath, PART_NAMES.journal), maxJournalBytes(chunkCount));
    return journal !== undefined && isJournalOf(journal, contentId, chunkCount);
  } catch {
    return false;
  }
}

/** Throws TARGET_EXISTS unless `stats` are of something that a share of this kind may replace: a file for a file, a
 * folder with nothing mounted in it for a folder, and a link for either. To want more is more likely a mistake in the
 * place. */
export function requireReplaceable({ kind }: ManifestRoot, targetPath: string, stats: fs.Stats): void {
  if (stats.isDirectory() && kind === "folder") return requireNothingMounted(targetPath);
  if (stats.isSymbolicLink() || (kind === "file" && stats.isFile())) return;
  const other = stats.isFile() ? "a file" : stats.isDirectory() ? "a folder" : "neither file nor folder";
  throw new GoshareError("TARGET_EXISTS", `${targetPath} is ${other}, and would be replaced with a ${kind}`, {
    hint: "move it away, or choose another folder with --output",
  });
}

/** Replaced means removed in the end, and with it all that is on a disk that is mounted in the folder. */
function requireNothingMounted(targetPath: string): void {
  const mountPoint = mountPointBelow(targetPath);
  if (mountPoint === undefined) return;
  const problem = `${targetPath} cannot be replaced: something is mounted at ${mountPoint}`;
  throw new GoshareError("TARGET_EXISTS", problem, {
    hint: "unmount it, or choose another folder with --output",
  });
}
