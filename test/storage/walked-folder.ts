// Folders to be walked, and what a walk has found in them.
import * as fs from "node:fs";
import * as path from "node:path";
import { type SourceTree, walkSource } from "../../src/storage/source/source-tree.js";

export const never: AbortSignal = new AbortController().signal;

export const walk = (givenPath: string): Promise<SourceTree> => walkSource(givenPath, () => undefined, never);

export const pathsOf = (tree: SourceTree): readonly string[] => tree.files.map((entry) => entry.path);

/** Makes folders named "share" with empty files of the given names in them, each in a folder that `scratch` gives. */
export function folderMaker(scratch: () => string) {
  return (...names: readonly (string | Buffer)[]): string => {
    const folder = path.join(scratch(), "share");
    fs.mkdirSync(folder);
    for (const name of names)
      fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]), "");
    return folder;
  };
}
