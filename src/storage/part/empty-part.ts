// What a part folder consists of, and in which order it is removed. Removes nothing that goshare has not put there, nor
// the lock of the process that empties it, nor what had the final name: that may be the only copy of somebody's folder.
import * as fs from "node:fs";
import * as path from "node:path";
import { isErrno } from "../../core/errors.js";
import { removeTree } from "./part-files.js";
import { PART_NAMES } from "./part-paths.js";

const { outdated, pause, content, body, ticket, root, journal, claim, selection, overwrite, lock } =
  PART_NAMES;

/** The journal goes last, except for what is needed to read it, so that the next run still understands a removal that
 * was stopped. The root goes before it: without a journal nothing would say that all of it has its name already. */
const NAMES_IN_ORDER: readonly string[] = [
  ...[outdated, pause, content, body, ticket, overwrite],
  ...[root, journal, claim, selection],
];

/** Removes all but the lock, what is not goshare's, and what `but` names. Throws a disk error. */
export function emptyPart(partPath: string, but: readonly string[] = []): void {
  for (const name of [...halfMade(partPath), ...NAMES_IN_ORDER])
    if (!but.includes(name)) removeTree(path.join(partPath, name));
}

/** The first entry in it that is not goshare's; undefined if there is none. */
export function foreignIn(partPath: string): string | undefined {
  return fs.readdirSync(partPath).find((name) => {
    const [first = ""] = name.split(".");
    return first !== lock && !NAMES_IN_ORDER.includes(first);
  });
}

/** Files "lock.TOKEN" or "pause.new" that a killed run left before it could rename them. */
function halfMade(partPath: string): readonly string[] {
  try {
    return fs.readdirSync(partPath).filter((name) => {
      const [first = "", ...rest] = name.split(".");
      return rest.length > 0 && (first === lock || NAMES_IN_ORDER.includes(first));
    });
  } catch (thrown) {
    // Another process has removed the folder.
    if (isErrno(thrown, "ENOENT")) return [];
    throw thrown;
  }
}
