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
  const [first, ...others] = [...names, ...unsupportedLinks(entries, part)];
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
