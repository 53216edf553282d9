// Where a download's part folder stands and what the things in it are called. Looks at no disk.
import * as path from "node:path";
import { MAX_COMPONENT_BYTES } from "../manifest/limits.js";
import type { ManifestRoot } from "../manifest/manifest.js";

/** Names in a part folder. */
export const PART_NAMES = {
  root: "root",
  body: "body",
  content: "content",
  journal: "journal",
  lock: "lock",
  pause: "pause",
  ticket: "ticket",
} as const;

const SUFFIX = ".goshare-part";

export interface PartPaths {
  readonly target: string;
  readonly part: string;
}

/** Long names are cut so that the part folder's own name fits; the content id then keeps them apart. */
export function partPaths(outputDirectory: string, root: ManifestRoot): PartPaths {
  const directory = path.resolve(outputDirectory);
  const plain = `.${root.name}${SUFFIX}`;
  if (Buffer.byteLength(plain) <= MAX_COMPONENT_BYTES) {
    return { target: path.join(directory, root.name), part: path.join(directory, plain) };
  }
  let cut = root.name;
  while (Buffer.byteLength(cut) > MAX_COMPONENT_BYTES - 40) cut = [...cut].slice(0, -1).join("");
  return {
    target: path.join(directory, root.name),
    part: path.join(directory, `.${cut}.${root.contentId.slice(0, 16)}${SUFFIX}`),
  };
}

/** Whether something of this name may be a part folder. */
export function isPartName(name: string): boolean {
  return name.startsWith(".") && name.endsWith(SUFFIX) && name.length > SUFFIX.length + 1;
}

export function contentPath(partPath: string): string {
  return path.join(partPath, PART_NAMES.content);
}
