// Which part of its share a part folder is for. Written into it before anything of the share: a run with another
// selection would commit what it was not asked for, or take for whole what is not. Never looks at the share itself.
import * as fs from "node:fs";
import * as path from "node:path";
import { GoshareError } from "../../core/errors.js";
import { MIB } from "../../core/units.js";
import { readAtMost, writeOwnFile } from "./part-files.js";
import { PART_NAMES } from "./part-paths.js";

/** Patterns from a command line take less. */
const MAX_BYTES = MIB;

export interface PartSelection {
  /** Sorted; none: everything. */
  readonly patterns: readonly string[];
  /** How many chunks the selection takes; undefined: all. */
  readonly chunks: number | undefined;
}

const EVERYTHING: PartSelection = { patterns: [], chunks: undefined };

/** What the part folder is for; undefined if that can no longer be read. */
export function readPartSelection(partPath: string): PartSelection | undefined {
  try {
    const bytes = readAtMost(path.join(partPath, PART_NAMES.selection), MAX_BYTES);
    if (bytes === undefined) return EVERYTHING;
    const parsed: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const { patterns, chunks } = { patterns: undefined, chunks: undefined, ...parsed };
    return isTexts(patterns) && isCount(chunks) ? { patterns, chunks } : undefined;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export function writePartSelection(partPath: string, { patterns, chunks }: PartSelection): void {
  const filePath = path.join(partPath, PART_NAMES.selection);
  if (patterns.length === 0) fs.rmSync(filePath, { force: true });
  else writeOwnFile(filePath, JSON.stringify({ patterns, chunks }));
}

/** Whether both mean the same. */
export function isSelectionOf(stored: PartSelection | undefined, patterns: readonly string[]): boolean {
  return stored !== undefined && JSON.stringify(stored.patterns) === JSON.stringify(patterns);
}

/** The error if they do not. */
export function otherSelection(partPath: string, stored: PartSelection | undefined): GoshareError {
  const patterns = stored?.patterns.map((pattern) => `--select ${JSON.stringify(pattern)}`).join(" ");
  const what = stored === undefined ? "another selection" : patterns === "" ? "the whole share" : patterns;
  return new GoshareError("PART_UNUSABLE", `${partPath} was left by a download of ${what}`, {
    hint: `finish that one first, or remove ${partPath} and run this command again`,
  });
}
