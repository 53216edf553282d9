// What a user wants to share: which files, empty directories and links there are, under which names, and each file's
// identity. Follows only a link that was itself named, opens no file.
import * as fs from "node:fs";
import * as path from "node:path";
import { GoshareError } from "../../core/errors.js";
import type { ShareKind } from "../../manifest/manifest.js";
import { nameProblem } from "../../manifest/names.js";
import { identityArray, lastingIdentity } from "../files/file-identity.js";
import { isExecutable, type LookAtFiles, lookAtFiles } from "../files/file-looks.js";
import { type FolderTree, FolderWalk, readable, type WalkProgress } from "./folder-walk.js";

/** What is to be shared, before anything in it is looked at. */
export interface SourceRoot {
  /** Absolute; for a file the file itself, for a folder the folder. */
  readonly rootPath: string;
  readonly name: string;
  readonly kind: ShareKind;
}

export type SourceTree = SourceRoot & FolderTree;

/** The absolute path of a file of a share. */
export function sourcePath(rootPath: string, kind: ShareKind, filePath: string): string {
  return kind === "file" ? rootPath : `${rootPath}/${filePath}`;
}

/** What `givenPath` names, which may itself be a link. Throws SOURCE_UNREADABLE or SOURCE_UNSUPPORTED, naming it. */
export function sourceRoot(givenPath: string): SourceRoot {
  const absolute = path.resolve(givenPath);
  const name = path.basename(absolute);
  if (name === "") {
    throw new GoshareError(
      "SOURCE_UNSUPPORTED",
      `${givenPath} cannot be shared: the root of a disk has no name`,
      {
        hint: "share a folder in it",
      },
    );
  }
  const problem = nameProblem(name);
  if (problem !== undefined) {
    throw new GoshareError("SOURCE_UNSUPPORTED", `${givenPath} cannot be shared under its name: ${problem}`, {
      hint: "rename it, or share the folder it is in",
    });
  }
  const stats = readable(givenPath, () => fs.statSync(absolute));
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new GoshareError("SOURCE_UNSUPPORTED", `${givenPath} is neither a file nor a folder`, {
      hint: "only files and folders can be shared",
    });
  }
  const { R_OK, X_OK } = fs.constants;
  readable(givenPath, () => fs.accessSync(absolute, stats.isFile() ? R_OK : R_OK | X_OK));
  const rootPath = readable(givenPath, () => fs.realpathSync(absolute));
  return { rootPath, name, kind: stats.isFile() ? "file" : "folder" };
}

/** Everything under `givenPath`, without entries whose paths within the folder are `isExcluded`, and what is below
 * them. `look` finds what the entries of a folder are. Throws as sourceRoot does, or LIMIT_EXCEEDED. */
export async function walkSource(
  givenPath: string,
  onProgress: WalkProgress,
  signal: AbortSignal,
  isExcluded: (path: string) => boolean = () => false,
  look: LookAtFiles = async (paths) => lookAtFiles(paths),
): Promise<SourceTree> {
  const root = sourceRoot(givenPath);
  if (root.kind === "file") return singleFile(givenPath, root);
  const walk = new FolderWalk(root.rootPath, isExcluded, look);
  await walk.run(onProgress, signal);
  return { ...root, ...walk.result() };
}

function singleFile(givenPath: string, root: SourceRoot): SourceTree {
  const stats = readable(givenPath, () => fs.statSync(root.rootPath, { bigint: true }));
  const identities = identityArray(1);
  identities.set(lastingIdentity(root.rootPath, stats));
  return {
    ...root,
    files: [{ path: root.name, size: Number(stats.size), executable: isExecutable(stats) }],
    identities,
    emptyDirectories: [],
    symbolicLinks: [],
    skipped: [],
  };
}
