// Patterns for what is left out of a share, as people know them from .gitignore and the shell. Looks at text only.
import { Globs } from "../../core/globs.js";

/** Tells whether one of `patterns` matches a path ("a/b.txt"): `*` and `?` within a name, `**` for any folders, `{a,b}`
 * and `[a-z]`. A pattern without a slash is a name in any folder. Throws USAGE for an empty or overlong one. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  // What is left out is not taken back: a "!" is just a character of a name.
  const literal = patterns.map((pattern) => (pattern.startsWith("!") ? `\\${pattern}` : pattern));
  const globs = new Globs(literal, "--exclude");
  return (path) => globs.matches(path);
}
