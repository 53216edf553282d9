// Whether this machine's disk can hold every name of a share, checked before anything of it is written. The answer is
// about this receiver only; the manifest is fine.
import { existsSync } from "node:fs";
import * as path from "node:path";
import { GoshareError } from "../core/errors.js";
import type { Entries } from "../manifest/manifest.js";
import { unsupportedNames } from "../manifest/names.js";
import type { PartFolder } from "./part-folder.js";

/** Throws TARGET_NAME_UNSUPPORTED with the first of the names that cannot be written here. */
export function refuseUnsupportedNames(entries: Entries, part: PartFolder): void {
  const [first, ...others] = unsupportedNames(allPaths(entries), process.platform, ignoresCase(part));
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  throw new GoshareError(
    "TARGET_NAME_UNSUPPORTED",
    `this disk cannot hold ${JSON.stringify(first.path)}: it ${first.problem}${more}`,
    { hint: "download to another disk with --output, or ask the sharer to rename it" },
  );
}

function* allPaths(entries: Entries): Iterable<string> {
  for (const file of entries.files) yield file.path;
  yield* entries.emptyDirectories;
  for (const link of entries.symbolicLinks) yield link.path;
}

/** The journal exists under its own name; if it is also found in another case, the disk ignores case. */
function ignoresCase(part: PartFolder): boolean {
  return existsSync(path.join(part.partPath, "JOURNAL"));
}
