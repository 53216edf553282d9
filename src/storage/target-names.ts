// Whether this machine's disk can hold every name of a share, asked before anything of it is written. The
// answer is about this receiver only; the manifest is fine.
import { existsSync } from "node:fs";
import * as path from "node:path";
import { GoshareError } from "../core/errors.js";
import type { Manifest } from "../manifest/manifest.js";
import { unsupportedNames } from "../manifest/names.js";
import type { PartFolder } from "./part-folder.js";

/** Throws TARGET_NAME_UNSUPPORTED with the first of the names that cannot be written here. */
export function refuseUnsupportedNames(manifest: Manifest, part: PartFolder): void {
  const [first, ...others] = unsupportedNames(allPaths(manifest), process.platform, ignoresCase(part));
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  throw new GoshareError(
    "TARGET_NAME_UNSUPPORTED",
    `this disk cannot hold ${JSON.stringify(first.path)}: it ${first.problem}${more}`,
    { hint: "download to another disk with --output, or ask the sharer to rename it" },
  );
}

function* allPaths(manifest: Manifest): Iterable<string> {
  for (const file of manifest.files) yield file.path;
  yield* manifest.emptyDirectories;
  for (const link of manifest.symbolicLinks) yield link.path;
}

/** The journal is there under its own name; if it is there under another case too, case does not count. */
function ignoresCase(part: PartFolder): boolean {
  return existsSync(path.join(part.partPath, "JOURNAL"));
}
