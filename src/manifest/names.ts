// Names: which paths a manifest may hold, which of them this machine's disk can hold, and their order.
// Never repairs a name and never looks at a disk.
import { characterProblem } from "../core/characters.js";
import { MAX_COMPONENT_BYTES, MAX_LINK_TARGET_BYTES } from "./limits.js";

/** What is wrong with one component of a path (or a share's name) in any manifest, as a phrase such as
 * "is empty" that follows the name; undefined if nothing is. */
export function nameProblem(component: string): string | undefined {
  if (component.includes("/")) return 'holds "/"';
  return componentProblem(component) ?? characterProblem(component);
}

/** What is wrong with a relative path in any manifest; undefined if nothing is. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.startsWith("/")) return "is absolute";
  let start = 0;
  for (;;) {
    const slash = path.indexOf("/", start);
    const problem = componentProblem(slash === -1 ? path.slice(start) : path.slice(start, slash));
    if (problem !== undefined)
      return start === 0 && slash === -1 ? problem : `has a component that ${problem}`;
    if (slash === -1) return characterProblem(path);
    start = slash + 1;
  }
}

function componentProblem(component: string): string | undefined {
  if (component === "") return "is empty";
  if (component === "." || component === "..") return `is "${component}"`;
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (component.length * 3 <= MAX_COMPONENT_BYTES) return undefined;
  const bytes = Buffer.byteLength(component);
  return bytes > MAX_COMPONENT_BYTES ? `takes ${bytes} bytes, more than ${MAX_COMPONENT_BYTES}` : undefined;
}

/** What is wrong with the target of a symbolic link at `path`, as a phrase; undefined if nothing is. Judged by its text
 * alone, and safe to follow: ".." climbs only from the link's own directory, which is a real one, so that no chain of
 * links inside the share leads out of it. */
export function linkProblem(path: string, target: string): string | undefined {
  if (target === "") return "points nowhere";
  if (target.startsWith("/")) return "points to an absolute path";
  if (Buffer.byteLength(target) > MAX_LINK_TARGET_BYTES) return "has a target that is too long";
  let depth = path.split("/").length - 1;
  let hasDescended = false;
  for (const component of target.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") hasDescended = true;
    else if (hasDescended) return 'has ".." after a name in its target';
    else depth -= 1;
    if (depth < 0) return "points outside the share";
  }
  const problem = characterProblem(target);
  return problem === undefined ? undefined : `has a target that ${problem}`;
}

/** The folder of an entry; "" for entries of the root. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The folders that an entry is in, the innermost first, without the root. */
export function foldersAbove(path: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = folderOf(path); folder !== ""; folder = folderOf(folder)) folders.push(folder);
  return folders;
}

/** The order of paths in a manifest, by their UTF-8 bytes: negative, 0 or positive. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const codeA = a.charCodeAt(index);
    const codeB = b.charCodeAt(index);
    if (codeA !== codeB) return utf8Rank(codeA) - utf8Rank(codeB);
  }
  return a.length - b.length;
}

/** Ranks UTF-16 units in the order of the UTF-8 they stand for: surrogates (four bytes) after U+E000 to U+FFFF. */
function utf8Rank(code: number): number {
  return code >= 0xd800 && code <= 0xdfff ? code + 0x10000 : code;
}

/** `entries` in the order of a manifest. */
export function sortEntries<T extends { readonly path: string }>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => comparePaths(a.path, b.path));
}

export interface UnsupportedName {
  readonly path: string;
  /** A phrase that follows the path. */
  readonly problem: string;
}

/** No disk takes longer relative paths, in UTF-8 bytes. */
const MAX_PATH_BYTES = 4095;

/** The paths that a disk of `platform` cannot hold side by side, with the reason. `paths`: those of all files, links
 * and empty directories, each once; none has a pathProblem. */
export function unsupportedNames(
  paths: Iterable<string>,
  platform: NodeJS.Platform,
  caseInsensitive: boolean,
): readonly UnsupportedName[] {
  const fold = folding(platform, caseInsensitive);
  const tree = fold === undefined ? undefined : new FoldedTree(fold);
  const unsupported: UnsupportedName[] = [];
  for (const path of paths) {
    const problem =
      lengthProblem(path) ?? (platform === "win32" ? windowsProblem(path) : undefined) ?? tree?.clash(path);
    if (problem !== undefined) unsupported.push({ path, problem });
  }
  return unsupported;
}

function lengthProblem(path: string): string | undefined {
  if (path.length * 3 <= MAX_PATH_BYTES || Buffer.byteLength(path) <= MAX_PATH_BYTES) return undefined;
  return `is longer than ${MAX_PATH_BYTES} bytes`;
}

function folding(
  platform: NodeJS.Platform,
  caseInsensitive: boolean,
): ((name: string) => string) | undefined {
  // Upper case first unites letters that have several lower forms (ſ, ς).
  if (caseInsensitive) return (name) => name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
  return platform === "darwin" ? (name) => name.normalize("NFC") : undefined;
}

const WINDOWS_CHARACTER = /[<>:"|?*\\]/;
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i;

function windowsProblem(path: string): string | undefined {
  const character = WINDOWS_CHARACTER.exec(path)?.[0];
  if (character !== undefined) return `holds "${character}", which Windows does not allow`;
  for (const component of path.split("/")) {
    if (/[. ]$/.test(component)) return "has a component that ends in a dot or space, which Windows drops";
    if (WINDOWS_DEVICE.test(component)) return `has the component "${component}", a device on Windows`;
  }
  return undefined;
}

/** Directories and files by folded name. Numbered, so that a deep path costs no more than its length. */
class FoldedTree {
  readonly #fold: (name: string) => string;
  readonly #nodes = new Map<string, { readonly id: number; readonly name: string }>();

  constructor(fold: (name: string) => string) {
    this.#fold = fold;
  }

  /** Adds a path; returns the earlier name from which one of its components cannot be told apart. */
  clash(path: string): string | undefined {
    let parent = 0;
    for (const name of path.split("/")) {
      const key = `${parent}/${this.#fold(name)}`;
      let node = this.#nodes.get(key);
      if (node === undefined) {
        node = { id: this.#nodes.size + 1, name };
        this.#nodes.set(key, node);
      } else if (node.name !== name) {
        return `has the component "${name}", which this disk cannot tell from "${node.name}" beside it`;
      }
      parent = node.id;
    }
    return undefined;
  }
}
