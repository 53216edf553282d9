// Which paths some patterns mean, as in .gitignore: *.jpg is any of that name, a/*.jpg one at that place, photos a folder
// with all in it, and ! takes out again. Paths come from strangers, so the time a match takes is bounded by what is
// compared, not by how it is nested.
import { Minimatch } from "minimatch";
import { GoshareError } from "./errors.js";

/** `*` means names with a dot at their beginning too; # and ! are no more than characters by themselves. */
const OPTIONS = { platform: "linux", dot: true, nocomment: true, nonegate: true } as const;

const MAX_PATTERNS = 256;
const MAX_PATTERN_CHARACTERS = 1024;

/** A set of patterns; in what order they were given makes no difference. */
export class Globs {
  /** Without repetition, sorted. */
  readonly patterns: readonly string[];
  readonly #wanted: readonly Glob[];
  readonly #unwanted: readonly Glob[];

  /** Throws USAGE for what is no pattern, or too many of them; `name` is what gave them. */
  constructor(patterns: readonly string[], name: string) {
    this.patterns = [...new Set(patterns)].sort();
    if (this.patterns.length > MAX_PATTERNS)
      throw new GoshareError("USAGE", `${name} is given more than ${MAX_PATTERNS} times`);
    const isUnwanted = (pattern: string) => pattern.startsWith("!");
    this.#wanted = this.patterns.filter((one) => !isUnwanted(one)).map((one) => new Glob(one, name));
    this.#unwanted = this.patterns.filter(isUnwanted).map((one) => new Glob(one.slice(1), name));
  }

  /** Whether `path` ("/" between its components) is meant: by any of the patterns, all paths if none says what is
   * wanted, and by none that begins with "!". */
  matches(path: string): boolean {
    const isWanted = this.#wanted.length === 0 || this.#wanted.some((glob) => glob.matches(path));
    return isWanted && !this.#unwanted.some((glob) => glob.matches(path));
  }
}

/** Whether a name in a pattern has a "[" that begins no class: the library would take it for itself. */
function hasOpenClass(part: string): boolean {
  return part.replaceAll(/\\.|\[[!^]?\]?[^\]]*\]/gs, "").includes("[");
}

class Glob {
  readonly #minimatch: Minimatch;
  /** Whether it is compared with names, wherever they stand. */
  readonly #isOfName: boolean;
  /** What was found of folders: they come again with every file in them. */
  readonly #folders = new Map<string, boolean>();

  constructor(pattern: string, name: string) {
    const anchored = pattern.replace(/\/+$/, "");
    // All that is in a folder, and the folder: that one makes no difference between them.
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

  /** Whether it means `path` or a folder that it is in. */
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
