// Removes a part folder that nobody wants to go on with. Takes its lock first, so that what a running process holds is
// never touched, and removes nothing that goshare has not put there.
import * as fs from "node:fs";
import * as path from "node:path";
import { GoshareError, isErrno } from "../core/errors.js";
import { putBackReplaced } from "./claimed-target.js";
import { lockPart } from "./lock.js";
import { isOwnFolder, removeIfEmpty } from "./part-files.js";
import { PART_NAMES } from "./part-paths.js";

/** What may go. The journal goes last but for what it is to be read by, so that a run that is stopped here is still
 * understood by the next. */
const REMOVED_NAMES = [
  ...[
    PART_NAMES.outdated,
    PART_NAMES.pause,
    PART_NAMES.content,
    PART_NAMES.body,
    PART_NAMES.ticket,
    PART_NAMES.root,
  ],
  ...[PART_NAMES.journal, PART_NAMES.selection],
] as const;

/** What a run that was killed left of a file that it wrote. */
const HALF_WRITTEN = ".new";

/** Throws TARGET_BUSY where a process downloads there, PART_UNUSABLE where something else is in it, or a disk error;
 * then all of it stays. */
export async function discardPart(partPath: string, targetPath: string): Promise<void> {
  // Taking the lock would make the folder.
  if (fs.lstatSync(partPath, { throwIfNoEntry: false }) === undefined) return;
  if (!isOwnFolder(partPath)) throw unusable(`${partPath} is not a folder of this user`, partPath);
  const lock = await lockPart({ part: partPath, target: targetPath });
  try {
    putBackReplaced({ part: partPath, target: targetPath });
    const foreign = fs.readdirSync(partPath).find((name) => !isOurs(name));
    if (foreign !== undefined)
      throw unusable(`${partPath} holds ${JSON.stringify(foreign)} besides`, partPath);
    const halfWritten = fs.readdirSync(partPath).filter((name) => name.endsWith(HALF_WRITTEN));
    for (const name of [...halfWritten, ...REMOVED_NAMES])
      fs.rmSync(path.join(partPath, name), { recursive: true, force: true });
  } catch (thrown) {
    // Somebody else has removed the folder.
    if (!isErrno(thrown, "ENOENT")) throw thrown;
  } finally {
    lock.release();
  }
  removeIfEmpty(partPath);
}

/** Beside the names themselves there may be what is about to be renamed to one: "lock.TOKEN", "pause.new". */
function isOurs(name: string): boolean {
  const [first = ""] = name.split(".");
  return first === PART_NAMES.lock || REMOVED_NAMES.some((known) => known === first);
}

function unusable(message: string, partPath: string): GoshareError {
  return new GoshareError("PART_UNUSABLE", message, {
    hint: `look into it, and remove ${partPath} yourself`,
  });
}
