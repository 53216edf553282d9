// From a complete part folder to the final name: empty files and directories, links, everything durable, then
// the name is claimed without ever replacing what is there, unless that is wanted. Runs only when every chunk was
// verified. A crash at any point leaves either the part folder or the target whole; claimed-target.ts tells a half-made
// claim from somebody else's file.
import * as fs from "node:fs";
import * as path from "node:path";
import { errorAt, GoshareError, isErrno } from "../core/errors.js";
import { LoopTurn } from "../core/loop-turn.js";
import type { Entries } from "../manifest/manifest.js";
import { isEmptyTarget, putBackReplaced } from "./claimed-target.js";
import { flushFileSystem } from "./flush-file-system.js";
import { makeFolders, openForWriting, syncDirectory } from "./part-files.js";
import type { PartFolder, SyncFiles } from "./part-folder.js";
import { replacedPath } from "./part-paths.js";
import { requireReplaceable } from "./taken-name.js";
import type { SyncedEntry } from "./written-files.js";

/** Puts the finished download of these entries under its final name; the part folder is gone afterwards, but for what was
 * replaced, if that cannot be removed: then why is returned. Throws TARGET_EXISTS or a disk error, and then the part
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

/** Makes a claimed name durable and cleans up; by itself where an earlier run got as far as the claim. Returns what `commit`
 * does. */
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
  // Links come last, and nothing is written through them any more.
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

/** Takes the final name. Node's `rename` would replace a file silently, so a file is linked and a folder is
 * first made empty: both fail if somebody else was there before. */
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
    if (!isErrno(thrown, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EEXIST")) throw thrown;
    // No hard links on this disk: an empty file of our own is claimed, and then replaced.
    claimByMaking(part, () => fs.closeSync(fs.openSync(targetPath, "wx")));
    renameOverEmpty(own, targetPath, () => {
      if (isEmptyTarget("file", targetPath)) fs.unlinkSync(targetPath);
    });
  }
}

/** Some file systems (rclone, servers on Windows) rename nothing over what is there, be it empty: where it still is, that
 * goes first. A run that is stopped in between leaves the name free for the next. */
function renameOverEmpty(ownPath: string, targetPath: string, removeEmpty: () => void): void {
  try {
    fs.renameSync(ownPath, targetPath);
  } catch (thrown) {
    if (!isErrno(thrown, "EEXIST", "EPERM", "EACCES", "EBUSY")) throw thrown;
    removeEmpty();
    fs.renameSync(ownPath, targetPath);
  }
}

/** Takes the final name from what has it. A file is replaced in one step; a folder is moved aside, which the next run
 * undoes if this one is stopped before the other has its name. */
function replace(part: PartFolder, target: fs.Stats): void {
  const { root, partPath, targetPath, contentPath } = part;
  requireReplaceable(root, targetPath, target);
  if (root.kind === "file") return fs.renameSync(part.filePath(root.name), targetPath);
  const aside = replacedPath(partPath);
  // It has been asked for already that this one goes.
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

/** Makes an empty target. Where an earlier run may have done so, one that is there already will do. */
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
