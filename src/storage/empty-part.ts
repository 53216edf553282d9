// What a part folder consists of, and in which order it goes. Removes nothing that goshare has not put there, nor the lock
// of whoever empties it, nor what stood under the final name: that may be the only copy of somebody's folder.
import * as fs from "node:fs";
import * as path from "node:path";
import { isErrno } from "../core/errors.js";
import { removeTree } from "./part-files.js";
import { PART_NAMES } from "./part-paths.js";

const { outdated, pause, content, body, ticket, root, journal, claim, selection, overwrite, lock } =
  PART_NAMES;

/** The journal goes last but for what it is to be read by, so that a run that is stopped on the way is still understood
 * by the next. The root goes before it: without a journal nothing would say that all of it has its name already. */
const NAMES_IN_ORDER: readonly string[] = [
  ...[outdated, pause, content, body, ticket, overwrite],
  ...[root, journal, claim, selection],
];

/** Leaves the lock, what is not goshare's, and what is named in `but`. Throws a disk error. */
export function emptyPart(partPath: string, but: readonly string[] = []): void {
  for (const name of [...halfMade(partPath), ...NAMES_IN_ORDER])
    if (!but.includes(name)) removeTree(path.join(partPath, name));
}

/** The first of what is in it besides; undefined if there is nothing. */
export function foreignIn(partPath: string): string | undefined {
  return fs.readdirSync(partPath).find((name) => {
    const [first = ""] = name.split(".");
    return first !== lock && !NAMES_IN_ORDER.includes(first);
  });
}

/** What a run that was killed has left of "lock.TOKEN" or "pause.new", which were to be renamed. */
function halfMade(partPath: string): readonly string[] {
  try {
    return fs.readdirSync(partPath).filter((name) => {
      const [first = "", ...rest] = name.split(".");
      return rest.length > 0 && (first === lock || NAMES_IN_ORDER.includes(first));
    });
  } catch (thrown) {
    // Somebody else has removed the folder.
    if (isErrno(thrown, "ENOENT")) return [];
    throw thrown;
  }
}
