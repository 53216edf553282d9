// The files of a download as places to read from: in its part folder while it runs, afterwards under the final name.
// Remembers the identities of finished files, so that changed ones are never served. Never writes.
import * as fs from "node:fs";
import { GoshareError } from "../../core/errors.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { Selection } from "../../manifest/selection.js";
import { IDENTITY_FIELDS, identityArray, lastingIdentity } from "../files/file-identity.js";
import type { PartFolder } from "../part/part-folder.js";
import type { SourceFiles } from "../source/share-source.js";
import { sourcePath } from "../source/source-tree.js";

/** Files that are still being written. */
export function partFiles(part: PartFolder): SourceFiles {
  const { kind, name } = part.root;
  return { rootPath: kind === "file" ? part.filePath(name) : part.contentPath, identities: undefined };
}

/** Files that were verified and are now at `targetPath`. Files that were not selected have no identity, so that nothing
 * is ever taken for them. */
export async function finishedFiles(targetPath: string, selection: Selection): Promise<SourceFiles> {
  const { files, root } = selection.manifest;
  const identities = identityArray(files.length);
  const turn = new LoopTurn();
  try {
    for (const [fileIndex, file] of files.entries()) {
      if (turn.isOver) await turn.yield();
      if (!selection.hasFile(fileIndex)) continue;
      const filePath = sourcePath(targetPath, root.kind, file.path);
      const stats = fs.lstatSync(filePath, { bigint: true });
      identities.set(lastingIdentity(filePath, stats), fileIndex * IDENTITY_FIELDS);
    }
  } catch (thrown) {
    throw GoshareError.from(thrown);
  }
  return { rootPath: targetPath, identities };
}
