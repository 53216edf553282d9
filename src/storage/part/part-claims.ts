// What a part folder claims, for a run that wants to go on with it: of what it is a download, and which chunks an
// earlier run has written. Believes nothing; the caller decides about that.
import * as fs from "node:fs";
import * as path from "node:path";
import { GoshareError } from "../../core/errors.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import { decodeJournal, type JournalClaims, noClaims } from "./journal.js";
import { readIfThere } from "./part-files.js";
import { contentPath, PART_NAMES } from "./part-paths.js";
import { isSelectionOf, otherSelection, readPartSelection } from "./part-selection.js";

export interface PartClaims extends JournalClaims {
  /** Whether those are all chunks that are to be there. */
  readonly areAll: boolean;
}

/** What an earlier run claims to have written, and whether those are all chunks. Throws PART_UNUSABLE if that was for
 * something else, or removes its content if it claims nothing. */
export function readClaims(root: ManifestRoot, partPath: string, select: readonly string[]): PartClaims {
  const { contentId, chunkCount } = root;
  const stored = readIfThere(path.join(partPath, PART_NAMES.journal));
  const claims = stored === undefined ? noClaims(chunkCount) : decodeJournal(stored, contentId, chunkCount);
  if (claims === undefined) {
    throw new GoshareError("PART_UNUSABLE", `${partPath} was left by the download of another share`, {
      hint: `finish that one, or remove ${partPath} and run this command again`,
    });
  }
  const selection = readPartSelection(partPath);
  if (!isSelectionOf(selection, select)) {
    if (claims.held.count > 0 || claims.isCommitting) throw otherSelection(partPath, selection);
    fs.rmSync(contentPath(partPath), { recursive: true, force: true });
  }
  return { ...claims, areAll: claims.held.count === (selection?.chunks ?? chunkCount) };
}
