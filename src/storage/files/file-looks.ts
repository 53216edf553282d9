// What is at many paths, looked at together, so that several threads can do it at once: on a disk of another machine
// every look waits. Opens nothing, follows no link, and never throws.
import * as fs from "node:fs";
import { IDENTITY_FIELDS, lastingIdentity } from "./file-identity.js";

/** What is at a path. Something else: none of the others, or it cannot be looked at. */
export const [SOMETHING_ELSE, PLAIN_FILE, EXECUTABLE_FILE, FOLDER] = [0, 1, 2, 3] as const;

export interface FileLooks {
  /** For each path one of the four kinds. */
  readonly kinds: Uint8Array;
  /** The identity of each file (file-identity.ts), in the order of the paths. */
  readonly identities: BigInt64Array;
}

/** `lookAtFiles`, in this thread or in others. */
export type LookAtFiles = (paths: readonly string[]) => Promise<FileLooks>;

const OWNER_EXECUTE = 0o100n;

export function lookAtFiles(paths: readonly string[]): FileLooks {
  const kinds = new Uint8Array(paths.length);
  const identities = new BigInt64Array(paths.length * IDENTITY_FIELDS);
  for (const [index, path] of paths.entries()) {
    try {
      const stats = fs.lstatSync(path, { bigint: true });
      if (stats.isDirectory()) kinds[index] = FOLDER;
      if (!stats.isFile()) continue;
      kinds[index] = isExecutable(stats) ? EXECUTABLE_FILE : PLAIN_FILE;
      identities.set(lastingIdentity(path, stats), index * IDENTITY_FIELDS);
    } catch {
      // A caller that wants to know why looks again.
    }
  }
  return { kinds, identities };
}

export function isExecutable(stats: fs.BigIntStats): boolean {
  return (stats.mode & OWNER_EXECUTE) !== 0n;
}
