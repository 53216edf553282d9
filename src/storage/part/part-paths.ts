// Where a download's part folder is and how the things in it are called; and the folder of a repair. Looks at no disk.
import * as path from "node:path";
import { MAX_COMPONENT_BYTES } from "../../manifest/limits.js";
import type { ManifestRoot } from "../../manifest/manifest.js";

/** Names in a part folder. */
export const PART_NAMES = {
  root: "root",
  body: "body",
  content: "content",
  journal: "journal",
  lock: "lock",
  pause: "pause",
  ticket: "ticket",
  /** What is about to take the final name, so that it is recognised there. */
  claim: "claim",
  selection: "selection",
  /** Present if the commit is to replace what has the final name. */
  overwrite: "overwrite",
  /** What had the final name, while the download takes it. */
  replaced: "replaced",
  /** The same once the download has the name: being removed. */
  outdated: "outdated",
} as const;

const SUFFIX = ".goshare-part";
const REPAIR_SUFFIX = ".goshare-repair";
/** Digits of the content id in the name of a repair's folder. */
const REPAIR_ID_DIGITS = 16;
const REPAIR_NAME = new RegExp(`^\\.[0-9a-f]{${REPAIR_ID_DIGITS}}\\${REPAIR_SUFFIX}$`);

export interface PartPaths {
  readonly target: string;
  readonly part: string;
}

/** The most names of one download that differ by a number. */
const MAX_NUMBER = 999;

/** The paths of a download under its own name, or under one with a number from 1. Long names are cut so that the part
 * folder's name fits; the content id then keeps them apart. */
export function partPaths(outputDirectory: string, root: ManifestRoot, number = 0): PartPaths {
  const directory = path.resolve(outputDirectory);
  const name = numberedName(root, number);
  const target = path.join(directory, name);
  const plain = `.${name}${SUFFIX}`;
  if (Buffer.byteLength(plain) <= MAX_COMPONENT_BYTES) return { target, part: path.join(directory, plain) };
  let cut = root.name;
  while (Buffer.byteLength(cut) > MAX_COMPONENT_BYTES - 40) cut = [...cut].slice(0, -1).join("");
  const id = root.contentId.slice(0, 16) + (number === 0 ? "" : `-${number}`);
  return { target, part: path.join(directory, `.${cut}.${id}${SUFFIX}`) };
}

/** Every pair of paths that a download may have, its own name first. */
export function* allPartPaths(outputDirectory: string, root: ManifestRoot): Iterable<PartPaths> {
  for (let number = 0; number <= MAX_NUMBER; number++) yield partPaths(outputDirectory, root, number);
}

/** "film (1).mkv" for "film.mkv", "photos (1)" for a folder; 0 is the name itself. The part before the number is cut if
 * a disk could not hold it all. */
export function numberedName({ name, kind }: Pick<ManifestRoot, "name" | "kind">, number: number): string {
  if (number === 0) return name;
  const extension = kind === "file" ? (/(?<=.)(\.tar)?\.[^. ]{1,16}$/.exec(name)?.[0] ?? "") : "";
  const end = ` (${number})${extension}`;
  const characters = [...name.slice(0, name.length - extension.length)];
  while (Buffer.byteLength(characters.join("") + end) > MAX_COMPONENT_BYTES) characters.pop();
  return characters.join("") + end;
}

/** Whether something with this name may be a part folder. */
export function isPartName(name: string): boolean {
  return name.startsWith(".") && name.endsWith(SUFFIX) && name.length > SUFFIX.length + 1;
}

/** The folder that a repair writes into, in the folder under repair. No share can hold this name of its own repair
 * folder, since its content id follows from its names. */
export function repairPath(rootPath: string, { contentId }: Pick<ManifestRoot, "contentId">): string {
  return path.join(rootPath, `.${contentId.slice(0, REPAIR_ID_DIGITS)}${REPAIR_SUFFIX}`);
}

/** What goshare has not finished in a folder of its own; undefined: the folder is not goshare's. */
export type Unfinished = "download" | "repair";

export function unfinishedOf(name: string): Unfinished | undefined {
  if (isPartName(name)) return "download";
  return REPAIR_NAME.test(name) ? "repair" : undefined;
}

export function contentPath(partPath: string): string {
  return path.join(partPath, PART_NAMES.content);
}

export function replacedPath(partPath: string): string {
  return path.join(partPath, PART_NAMES.replaced);
}
