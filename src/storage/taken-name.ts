// What a download does where something has its name already: refuse, replace it, or end under another name. Decides and
// looks; changes nothing.
import type * as fs from "node:fs";
import * as path from "node:path";
import { GoshareError } from "../core/errors.js";
import { MAX_ROOT_BYTES } from "../manifest/limits.js";
import type { ManifestRoot } from "../manifest/manifest.js";
import { isJournalOf, maxJournalBytes } from "./journal.js";
import { isThere, readAtMost } from "./part-files.js";
import { allPartPaths, PART_NAMES, type PartPaths, partPaths } from "./part-paths.js";

export type IfTaken = "refuse" | "replace" | "rename";

/** The paths of a download by its own name, or by the one that an earlier run has chosen for it. */
export function keptPaths(outputDirectory: string, root: ManifestRoot): PartPaths {
  for (const paths of allPartPaths(outputDirectory, root)) if (isPartOf(root, paths.part)) return paths;
  return partPaths(outputDirectory, root);
}

/** The first paths that nothing has. Throws TARGET_EXISTS if there are none. */
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

/** By its root, or by its journal, which is there longer where a run was stopped while it cleaned up. */
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

/** Throws TARGET_EXISTS unless `stats` are those of something that a share of this kind may replace: a file a file, a
 * folder a folder, and either a link. Whoever wants more than that has more likely named the wrong place. */
export function requireReplaceable({ kind }: ManifestRoot, targetPath: string, stats: fs.Stats): void {
  if (stats.isSymbolicLink() || (kind === "file" ? stats.isFile() : stats.isDirectory())) return;
  const other = stats.isFile() ? "a file" : stats.isDirectory() ? "a folder" : "neither file nor folder";
  throw new GoshareError("TARGET_EXISTS", `${targetPath} is ${other}, and would be replaced with a ${kind}`, {
    hint: "move it away, or choose another folder with --output",
  });
}
