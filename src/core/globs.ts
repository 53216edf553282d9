// Which paths a set of patterns means, as in .gitignore: *.jpg means any file of such a name, a/*.jpg only one in that
// place, photos a folder with everything in it, and ! leaves out again. Paths come from strangers, so the time that a
// match takes is bounded by how much is compared, not by how it is nested.
import { Minimatch } from "minimatch";
import { GoshareError } from "./errors.js";

/** `*` also matches names that begin with a dot; # and ! are ordinary characters to the library. */
const OPTIONS = { platform: "linux", dot: true, nocomment: true, nonegate: true } as const;

const MAX_PATTERNS = 256;
const MAX_PATTERN_CHARACTERS = 1024;

/** A set of patterns; the order in which they were given makes no difference. */
export class Globs {
  /** Without repetition, sorted. */
  readonly patterns: readonly string[];
  readonly #wanted: readonly Glob[];
  readonly #unwanted: readonly Glob[];

  /** Throws USAGE for what is no pattern, or for too many of them; `name` is the option that gave them. */
  constructor(patterns: readonly string[], name: string) {
    this.patterns = [...new Set(patterns)].sort();
    if (this.patterns.length > MAX_PATTERNS)
      throw new GoshareError("USAGE", `${name} is given more than ${MAX_PATTERNS} times`);
    const isUnwanted = (pattern: string) => pattern.startsWith("!");
    this.#wanted = this.patterns.filter((one) => !isUnwanted(one)).map((one) => new Glob(one, name));
    this.#unwanted = this.patterns.filter(isUnwanted).map((one) => new Glob(one.slice(1), name));
  }

  /** Whether `path` ("/" between its components) is meant: one of the patterns without "!" matches it, or there are
   * none, and no pattern with "!" does. */
  matches(path: string): boolean {
    const isWanted = this.#wanted.length === 0 || this.#wanted.some((glob) => glob.matches(path));
    return isWanted && !this.#unwanted.some((glob) => glob.matches(path));
  }
}

/** Whether a name in a pattern has a "[" that begins no class: the library would take it literally. */
function hasOpenClass(part: string): boolean {
  return part.replaceAll(/\\.|\[[!^]?\]?[^\]]*\]/gs, "").includes("[");
}

class Glob {
  readonly #minimatch: Minimatch;
  /** Whether the pattern is compared with names alone, wherever they stand. */
  readonly #isOfName: boolean;
  /** What was found for folders, since they come again with every file in them. */
  readonly #folders = new Map<string, boolean>();

  constructor(pattern: string, name: string) {
    const anchored = pattern.replace(/\/+$/, "");
    // "photos/**" means the same as "photos" here: a folder with everything in it.
    const within = anchored.replace(/^\/+/, "").replace(/\/\*\*$/, "");
    if (within === "" || pattern.length > MAX_PATTERN_CHARACTERS) {
      const hint = `it takes a pattern of at most ${MAX_PATTERN_CHARACTERS} characters, for example '*.jpg' or 'photos/**'`;
      throw new GoshareError("USAGE", `${name} ${JSON.stringify(pattern.slice(0, 80))} is not understood`, {
        hint,
      });
    }
    if (within.split("/").some(hasOpenClass)) {
      throw new GoshareError("USAGE", `${name} ${JSON.stringify(pattern)} has a [ without a ]`, {
        hint: "[a-z] is one character from a range; write \\[ for a literal [",
      });
    }
    this.#isOfName = !anchored.includes("/");
    this.#minimatch = new Minimatch(within, OPTIONS);
  }

  /** Whether the pattern means `path`, or a folder that `path` is in. */
  matches(path: string): boolean {
    const end = path.lastIndexOf("/");
    if (end !== -1 && this.#matchesFolder(path.slice(0, end))) return true;
    return this.#minimatch.match(this.#isOfName ? path.slice(end + 1) : path);
  }

  #matchesFolder(path: string): boolean {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const found = this.matches(path);
    this.#folders.set(path, found);
    return found;
  }
}
