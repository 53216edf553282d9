// Leaves out of a folder that is to be shared what goshare has put there itself when something in it was shared: a
// NAME.goshare whose manifest names the NAME beside it. It holds addresses of this machine, and is written anew
// whenever NAME is shared, which would end a share that it is part of. Changes nothing on the disk.
import { stat } from "node:fs/promises";
import { comparePaths, folderOf, foldersAbove } from "../../manifest/names.js";
import { IDENTITY_FIELDS, identityArray } from "../../storage/files/file-identity.js";
import { MANIFEST_FILE_SUFFIX, namedByManifestFile } from "../../storage/manifest-file.js";
import type { SourceTree } from "../../storage/source/source-tree.js";

/** `tree` without the .goshare files of what is beside them; these are among its skipped entries. */
export async function withoutOwnManifestFiles(tree: SourceTree): Promise<SourceTree> {
  const own = await ownManifestFiles(tree);
  if (own.size === 0) return tree;
  const kept = tree.files.flatMap(({ path }, index) => (own.has(path) ? [] : [index]));
  const identities = identityArray(kept.length);
  for (const [at, index] of kept.entries()) {
    const from = index * IDENTITY_FIELDS;
    identities.set(tree.identities.subarray(from, from + IDENTITY_FIELDS), at * IDENTITY_FIELDS);
  }
  const files = tree.files.filter(({ path }) => !own.has(path));
  const paths = [...[...files, ...tree.symbolicLinks].map(({ path }) => path), ...tree.emptyDirectories];
  const filled = new Set(paths.flatMap(foldersAbove));
  const emptied = new Set([...own].map(folderOf).filter((folder) => folder !== "" && !filled.has(folder)));
  const skipped = [...own].map((path) => {
    const why = `it is what goshare wrote when ${neighbourOf(path)} was shared`;
    return { path, why, isLink: false };
  });
  return {
    ...tree,
    files,
    identities,
    emptyDirectories: [...tree.emptyDirectories, ...emptied].sort(comparePaths),
    skipped: [...tree.skipped, ...skipped].sort((a, b) => comparePaths(a.path, b.path)),
  };
}

async function ownManifestFiles({ rootPath, kind, files }: SourceTree): Promise<ReadonlySet<string>> {
  const own = new Set<string>();
  if (kind === "file") return own;
  for (const { path } of files)
    if (path.endsWith(MANIFEST_FILE_SUFFIX) && (await isOwn(`${rootPath}/${path}`))) own.add(path);
  return own;
}

/** Certain, or false: one with another name may have been put there to be shared. */
async function isOwn(absolute: string): Promise<boolean> {
  const neighbour = neighbourOf(absolute);
  try {
    // Most folders have no such file, and most of these have no such neighbour.
    const stats = await stat(neighbour);
    const named = await namedByManifestFile(absolute);
    if (named === undefined || !neighbour.endsWith(`/${named.name}`)) return false;
    return named.kind === "file" ? stats.isFile() : stats.isDirectory();
  } catch {
    return false;
  }
}

function neighbourOf(path: string): string {
  return path.slice(0, -MANIFEST_FILE_SUFFIX.length);
}
