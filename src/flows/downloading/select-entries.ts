// Which part of its share a download takes: everything, or what the user's patterns match. Fetches nothing.
import { GoshareError } from "../../core/errors.js";
import type { Manifest } from "../../manifest/manifest.js";
import { Selection } from "../../manifest/selection.js";

/** Parsed patterns. */
export interface Wanted {
  /** Sorted; none: everything. */
  readonly patterns: readonly string[];
  readonly matches: ((path: string) => boolean) | undefined;
}

/** Throws USAGE for an invalid pattern. Loads the pattern library only if there are patterns. */
export async function readPatterns(select: readonly string[]): Promise<Wanted> {
  if (select.length === 0) return { patterns: [], matches: undefined };
  const { Globs } = await import("../../core/globs.js");
  const globs = new Globs(select, "--select");
  return { patterns: globs.patterns, matches: (path) => globs.matches(path) };
}

/** Throws USAGE if nothing in the share matches. */
export function selectEntries(manifest: Manifest, { patterns, matches }: Wanted): Selection {
  const selection = new Selection(manifest, matches);
  if (matches === undefined || !selection.isEmpty) return selection;
  const named = patterns.map((pattern) => `--select ${JSON.stringify(pattern)}`).join(" ");
  throw new GoshareError("USAGE", `nothing in ${manifest.root.name} matches ${named}`, {
    hint: "to see what there is, run goshare inspect WHAT",
  });
}
