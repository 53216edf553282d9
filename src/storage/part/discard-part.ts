// Removes a part folder that is no longer wanted. Takes its lock first, so that it never touches what a running process
// holds, and removes nothing that goshare has not put there.
import * as fs from "node:fs";
import { GoshareError, isErrno } from "../../core/errors.js";
import { putBackReplaced } from "./claimed-target.js";
import { emptyPart, foreignIn } from "./empty-part.js";
import { type LockWait, lockPart } from "./lock.js";
import { isOwnFolder, removeIfEmpty } from "./part-files.js";

/** Throws TARGET_BUSY if a process downloads there, PART_UNUSABLE if something else is in it, or a disk error; then all
 * of it stays. Or throws what ends `wait`. */
export async function discardPart(partPath: string, targetPath: string, wait: LockWait = {}): Promise<void> {
  // Taking the lock would make the folder.
  if (fs.lstatSync(partPath, { throwIfNoEntry: false }) === undefined) return;
  if (!isOwnFolder(partPath)) throw unusable(`${partPath} is not a folder of this user`, partPath);
  const lock = await lockPart({ part: partPath, target: targetPath }, wait);
  try {
    putBackReplaced({ part: partPath, target: targetPath });
    const foreign = foreignIn(partPath);
    if (foreign !== undefined) throw unusable(`${partPath} also holds ${JSON.stringify(foreign)}`, partPath);
    emptyPart(partPath);
  } catch (thrown) {
    // Another process has removed the folder.
    if (!isErrno(thrown, "ENOENT")) throw thrown;
  } finally {
    lock.release();
  }
  removeIfEmpty(partPath);
}

function unusable(message: string, partPath: string): GoshareError {
  return new GoshareError("PART_UNUSABLE", message, {
    hint: `check what is in it, and remove ${partPath} yourself`,
  });
}
