// Patterns for paths within a share, as people know them from .gitignore and the shell. Looks at text only.
import picomatch from "picomatch";
import { GoshareError } from "../core/errors.js";

/** Longer ones are no patterns of people, and compiling them takes long. */
const MAX_PATTERN_CHARACTERS = 4096;

/** Whether a path ("a/b.txt") matches one of `patterns`: `*` and `?` within a name, `**` for any folders, `{a,b}` and
 * `[a-z]`. A pattern without a slash matches names in every folder. Throws USAGE for an empty or overlong one. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  for (const pattern of patterns) {
    if (pattern !== "" && pattern.length <= MAX_PATTERN_CHARACTERS) continue;
    const problem = pattern === "" ? "empty" : `longer than ${MAX_PATTERN_CHARACTERS} characters`;
    throw new GoshareError("USAGE", `a pattern is ${problem}`, { hint: "such as '*.tmp' or 'build/**'" });
  }
  if (patterns.length === 0) return () => false;
  // A slash at the end, as many write for folders, must not keep it from matching one.
  const trimmed = patterns.map((pattern) => (/[^/]\/$/.test(pattern) ? pattern.slice(0, -1) : pattern));
  const matches = trimmed.map((pattern) => {
    const isMatch = picomatch(pattern, { dot: true, nonegate: true });
    return pattern.includes("/") ? isMatch : (path: string) => isMatch(path.slice(path.lastIndexOf("/") + 1));
  });
  return (path) => matches.some((isMatch) => isMatch(path));
}
