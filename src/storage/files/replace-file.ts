// Files that are there whole or not at all, whenever the process ends: written under another name, made durable, and
// only then renamed. Never touches files that are not its own.
import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";

const TEMPORARY_NAME = /^\.goshare-[0-9a-f]{12}\.tmp$/;

/** Puts a file at `filePath`, replacing one that is there; `write` writes its content. */
export async function replaceFile(
  filePath: string,
  mode: number,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const name = `.goshare-${randomBytes(6).toString("hex")}.tmp`;
  const temporaryPath = path.join(path.dirname(filePath), name);
  const handle = await open(temporaryPath, "wx", mode);
  try {
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporaryPath, filePath);
  } catch (thrown) {
    await rm(temporaryPath, { force: true });
    throw thrown;
  }
}

/** Removes what killed processes left of `replaceFile`, if it is at least so old: of any age in a folder that is now
 * this process's own. */
export async function removeUnfinished(folderPath: string, minAgeMs = 0): Promise<void> {
  for (const name of await readdir(folderPath)) {
    if (!TEMPORARY_NAME.test(name)) continue;
    const filePath = path.join(folderPath, name);
    if (minAgeMs === 0 || Date.now() - (await lstat(filePath)).mtimeMs >= minAgeMs)
      await rm(filePath, { force: true });
  }
}
