// Whether this machine's disk can hold every name of a share, checked before anything of it is written. The answer is
// about this receiver only; the manifest is fine.
import * as fs from "node:fs";
import * as path from "node:path";
import { GoshareError, isErrno, NO_LINKS_ERRNOS } from "../../core/errors.js";
import type { Entries } from "../../manifest/manifest.js";
import { type UnsupportedName, unsupportedNames } from "../../manifest/names.js";
import type { PartFolder } from "../part/part-folder.js";
import { PART_NAMES } from "../part/part-paths.js";

/** Throws TARGET_NAME_UNSUPPORTED with the first of the names that cannot be written here. */
export function refuseUnsupportedNames(entries: Entries, part: PartFolder): void {
  const names = unsupportedNames(allPaths(entries), process.platform, ignoresCase(part));
  const [first, ...others] = [...names, ...tooLong(entries, part), ...unsupportedLinks(entries, part)];
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  throw new GoshareError(
    "TARGET_NAME_UNSUPPORTED",
    `this disk cannot hold ${JSON.stringify(first.path)}: it ${first.problem}${more}`,
    {
      hint: "download to another disk with --output, leave it out with --select, or ask the sharer to rename it",
    },
  );
}

function* allPaths(entries: Entries): Iterable<string> {
  for (const file of entries.files) yield file.path;
  yield* entries.emptyDirectories;
  for (const link of entries.symbolicLinks) yield link.path;
}

/** The journal exists under its own name; if it is also found in another case, the disk ignores case. */
function ignoresCase(part: PartFolder): boolean {
  return fs.existsSync(path.join(part.partPath, "JOURNAL"));
}

/** The longest path and the path with the longest name, where the disk refuses to look for them: some take names of
 * 143 bytes, and the part folder is a part of every path. */
function tooLong(entries: Entries, part: PartFolder): readonly UnsupportedName[] {
  const path = { entry: "", bytes: 0 };
  const name = { entry: "", bytes: 0, text: "" };
  for (const entry of allPaths(entries)) {
    // No character takes more than three bytes for each of its code units.
    if (entry.length * 3 <= Math.min(path.bytes, name.bytes)) continue;
    const bytes = Buffer.byteLength(entry);
    if (bytes > path.bytes) Object.assign(path, { entry, bytes });
    for (const text of entry.split("/")) {
      const nameBytes = Buffer.byteLength(text);
      if (nameBytes > name.bytes) Object.assign(name, { entry, bytes: nameBytes, text });
    }
  }
  const problems: UnsupportedName[] = [];
  if (isTooLong(part.filePath(path.entry))) problems.push({ path: path.entry, problem: "is too long there" });
  else if (isTooLong(part.filePath(name.text)))
    problems.push({ path: name.entry, problem: "has a name that is too long" });
  return problems;
}

function isTooLong(filePath: string): boolean {
  try {
    fs.lstatSync(filePath, { throwIfNoEntry: false });
  } catch (thrown) {
    return isErrno(thrown, "ENAMETOOLONG");
  }
  return false;
}

/** All links, where one cannot be made: FAT and many network file systems know none. */
function unsupportedLinks({ symbolicLinks }: Entries, part: PartFolder): readonly UnsupportedName[] {
  if (symbolicLinks.length === 0) return [];
  const trial = path.join(part.partPath, `${PART_NAMES.content}.link`);
  try {
    fs.symlinkSync(PART_NAMES.content, trial);
  } catch (thrown) {
    if (isErrno(thrown, ...NO_LINKS_ERRNOS))
      return symbolicLinks.map((link) => ({
        path: link.path,
        problem: "is a link, of which it knows nothing",
      }));
    // What else is wrong shows when something is written.
  } finally {
    fs.rmSync(trial, { force: true });
  }
  return [];
}
