// From a complete part folder to the final name: makes empty files and directories, links and everything durable, then
// claims the name, never replacing what has it unless that is wanted. Runs only when every chunk was verified. A crash
// at any point leaves either the part folder or the target whole; claimed-target.ts tells a half-made claim from
// somebody else's file.
import * as fs from "node:fs";
import * as path from "node:path";
import { errorAt, GoshareError, isErrno, NO_LINKS_ERRNOS } from "../../core/errors.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { Entries } from "../../manifest/manifest.js";
import { flushFileSystem } from "../files/flush-file-system.js";
import { isEmptyTarget, putBackReplaced } from "../part/claimed-target.js";
import { makeFolders, openForWriting, syncDirectory } from "../part/part-files.js";
import type { PartFolder, SyncFiles } from "../part/part-folder.js";
import { replacedPath } from "../part/part-paths.js";
import { requireReplaceable } from "../part/taken-name.js";
import type { SyncedEntry } from "../part/written-files.js";

/** Puts the finished download of these entries under its final name and removes the part folder. If what was replaced
 * cannot be removed, it stays there and the reason is returned. Throws TARGET_EXISTS or a disk error; then the part
 * folder stays. */
export async function commit(
  part: PartFolder,
  entries: Entries,
  syncFiles: SyncFiles,
): Promise<GoshareError | undefined> {
  try {
    await finishContent(part, entries, syncFiles);
    await part.requireOwnPlace();
    part.beginCommitting();
    claimOrLeave(part);
    return finishCommit(part);
  } catch (thrown) {
    throw errorAt(thrown, part.partPath);
  }
}

/** Makes a claimed name durable and cleans up; called alone if an earlier run got as far as the claim. Returns the same
 * as `commit`. */
export function finishCommit(part: PartFolder): GoshareError | undefined {
  syncDirectory(path.dirname(part.targetPath));
  return part.remove();
}

async function finishContent(part: PartFolder, entries: Entries, syncFiles: SyncFiles): Promise<void> {
  const flushing = flushFileSystem(part.contentPath, entries.files.length);
  const turn = new LoopTurn();
  const directories = new Set<string>([part.contentPath]);
  for (const file of entries.files) {
    addParents(directories, part, file.path);
    if (file.size === 0)
      fs.closeSync(openForWriting(part.filePath(file.path), file.executable, fs.constants.O_TRUNC));
    if (turn.isOver) await turn.yield();
  }
  for (const directory of entries.emptyDirectories) {
    makeFolders(part.filePath(directory));
    addParents(directories, part, `${directory}/.`);
    if (turn.isOver) await turn.yield();
  }
  await flushing;
  await part.makeDurable(writtenFiles(part, entries), syncFiles);
  // Links come last: nothing is written through them any more.
  for (const { path: linkPath, target } of entries.symbolicLinks) {
    addParents(directories, part, linkPath);
    makeLink(target, part.filePath(linkPath));
    if (turn.isOver) await turn.yield();
  }
  const bottomUp = [...directories].sort((a, b) => b.length - a.length);
  const folders = bottomUp.map((folder) => ({ path: folder }));
  await part.makeDurable(folders, syncFiles);
}

function* writtenFiles(part: PartFolder, entries: Entries): Iterable<SyncedEntry> {
  for (const { path: filePath, size } of entries.files)
    yield { path: part.filePath(filePath), fileBytes: size };
}

/** Every directory above `entryPath`, up to the content folder. */
function addParents(directories: Set<string>, part: PartFolder, entryPath: string): void {
  let parent = path.dirname(part.filePath(entryPath));
  while (!directories.has(parent) && parent.length > part.contentPath.length) {
    directories.add(parent);
    parent = path.dirname(parent);
  }
}

function makeLink(target: string, linkPath: string): void {
  makeFolders(path.dirname(linkPath));
  try {
    fs.symlinkSync(target, linkPath);
  } catch (thrown) {
    // An earlier commit may have got this far.
    if (!isErrno(thrown, "EEXIST") || fs.readlinkSync(linkPath) !== target) throw thrown;
  }
}

function claimOrLeave(part: PartFolder): void {
  try {
    claim(part);
  } catch (thrown) {
    if (thrown instanceof GoshareError && thrown.code === "TARGET_EXISTS") part.endCommitting();
    throw thrown;
  }
}

/** Takes the final name. Node's `rename` would replace a file silently, so a file is linked, and an empty folder is
 * made first: both fail if something else has the name. */
function claim(part: PartFolder): void {
  const { root, targetPath } = part;
  const target = part.replaces ? fs.lstatSync(targetPath, { throwIfNoEntry: false }) : undefined;
  if (target !== undefined) return replace(part, target);
  if (root.kind === "folder") {
    claimByMaking(part, () => fs.mkdirSync(targetPath));
    return renameOverEmpty(part.contentPath, targetPath, () => fs.rmdirSync(targetPath));
  }
  const own = part.filePath(root.name);
  try {
    fs.linkSync(own, targetPath);
  } catch (thrown) {
    if (isErrno(thrown, "EEXIST") && !part.claims.isCommitting) throw targetExists(targetPath);
    if (!isErrno(thrown, "EMLINK", "EEXIST", ...NO_LINKS_ERRNOS)) throw thrown;
    // No hard links on this disk: claims the name with an empty file of our own, and then replaces that.
    claimByMaking(part, () => fs.closeSync(fs.openSync(targetPath, "wx")));
    renameOverEmpty(own, targetPath, () => {
      if (isEmptyTarget("file", targetPath)) fs.unlinkSync(targetPath);
    });
  }
}

/** Some file systems (rclone, servers on Windows) rename nothing over what is there, be it empty: where it still is,
 * that goes first. A run that is stopped in between leaves the name free for the next. */
function renameOverEmpty(ownPath: string, targetPath: string, removeEmpty: () => void): void {
  try {
    fs.renameSync(ownPath, targetPath);
  } catch (thrown) {
    if (!isErrno(thrown, "EEXIST", "EPERM", "EACCES", "EBUSY")) throw thrown;
    removeEmpty();
    fs.renameSync(ownPath, targetPath);
  }
}

/** Takes the final name from what has it. A file is replaced in one step. A folder is moved aside; the next run undoes
 * that if this one is stopped before the new folder has the name. */
function replace(part: PartFolder, target: fs.Stats): void {
  const { root, partPath, targetPath, contentPath } = part;
  requireReplaceable(root, targetPath, target);
  if (root.kind === "file") return fs.renameSync(part.filePath(root.name), targetPath);
  const aside = replacedPath(partPath);
  // This one was already meant to be removed.
  fs.rmSync(aside, { recursive: true, force: true });
  moveAside(targetPath, aside);
  try {
    fs.renameSync(contentPath, targetPath);
  } catch (thrown) {
    putBackReplaced({ part: partPath, target: targetPath });
    throw isErrno(thrown, "EEXIST", "ENOTEMPTY", "ENOTDIR") ? targetExists(targetPath) : thrown;
  }
}

function moveAside(targetPath: string, aside: string): void {
  try {
    fs.renameSync(targetPath, aside);
  } catch (thrown) {
    if (!isErrno(thrown, "EBUSY", "EXDEV")) throw thrown;
    const isMount = isErrno(thrown, "EBUSY");
    const why = isMount ? "a disk is mounted there" : "it is on another disk or layer, and cannot be moved";
    throw new GoshareError("TARGET_EXISTS", `${targetPath} cannot be replaced: ${why}`, {
      hint: "choose another folder with --output",
      cause: thrown,
    });
  }
}

/** Makes an empty target. If an earlier run may have done so, one that is already there will do. */
function claimByMaking({ root, targetPath, claims }: PartFolder, make: () => void): void {
  try {
    make();
  } catch (thrown) {
    if (!isErrno(thrown, "EEXIST")) throw thrown;
    if (!claims.isCommitting || !isEmptyTarget(root.kind, targetPath)) throw targetExists(targetPath);
  }
}

function targetExists(targetPath: string): GoshareError {
  return new GoshareError("TARGET_EXISTS", `${targetPath} appeared while it was being downloaded`, {
    hint: "move it away and run the same command again, or add --overwrite or --rename; nothing is fetched twice",
  });
}
