// The findings of commands that look at something, in words. Pure. Everything from outside passes through `printable`
// here, except names in sums, which sha256sum reads back.
import { formatBytes } from "../../core/units.js";
import type { ChunkRun, FindingEvent, Problem } from "../../events/finding-event.js";
import type { Line } from "./line.js";
import type { Palette } from "./palette.js";
import { printable } from "./printable.js";

type Difference = Extract<FindingEvent, { type: "difference" }>;

/** How many of several things one line names. */
const MAX_NAMED = 5;

export function describeFinding(event: FindingEvent, palette: Palette): readonly Line[] {
  switch (event.type) {
    case "difference":
      return describeDifference(event);
    case "verified":
      return describeVerified(event);
    case "fileSum":
      return [{ kind: "result", text: sumLine(event.path, event.sha256), isWhole: true }];
    case "setting":
      return [{ kind: "result", text: settingText(event) }];
    case "checked":
      return describeChecked(event, palette);
    case "completionScript":
      return [{ kind: "result", text: event.script.trimEnd(), isWhole: true }];
    case "discarded":
      return [{ kind: "result", text: `discarded ${printable(event.name)}${freedText(event.bytes)}` }];
  }
}

const WORDS: Record<Problem, string> = {
  missing: "missing",
  kind: "wrong",
  unreadable: "unreadable",
  short: "too short",
  long: "too long",
  content: "wrong",
  unsure: "perhaps wrong",
  target: "wrong",
  mode: "mode",
  extra: "extra",
  unfinished: "unfinished",
};

/** Modes, extra entries and what goshare has not finished are no failures, and need not be seen. */
const HARMLESS: readonly Problem[] = ["mode", "extra", "unfinished"];

function describeDifference(event: Difference): readonly Line[] {
  const { problem, paths } = event;
  const named = paths.slice(0, MAX_NAMED).map(printable).join(", ");
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : "";
  const details = [sizeText(event), printable(event.detail), chunksText(event)];
  const why = details.filter((text) => text !== "").join("; ");
  const text = `${WORDS[problem]}: ${named}${more}${why === "" ? "" : ` (${why})`}`;
  return [{ kind: HARMLESS.includes(problem) ? "note" : "problem", text }];
}

function sizeText({ problem, bytes, bytesExpected }: Difference): string {
  if (problem !== "short" && problem !== "long") return "";
  return `${bytes} bytes instead of ${bytesExpected}`;
}

function chunksText({ problem, chunks, chunksWrong }: Difference): string {
  if (chunksWrong === 0 || problem === "missing" || problem === "kind") return "";
  const shown = chunks.slice(0, MAX_NAMED).map(runText).join(", ");
  const isAll = chunks.slice(0, MAX_NAMED).reduce((sum, { count }) => sum + count, 0) === chunksWrong;
  return isAll
    ? `chunk${chunksWrong === 1 ? "" : "s"} ${shown}`
    : `${chunksWrong} chunks, including ${shown}`;
}

function runText({ first, count }: ChunkRun): string {
  return count === 1 ? String(first) : `${first}-${first + count - 1}`;
}

function describeVerified(event: Extract<FindingEvent, { type: "verified" }>): readonly Line[] {
  const { bytes, bytesRight, chunks, chunksRight, extra } = event;
  const path = printable(event.path);
  const besides = extra === 0 ? "" : `; ${extra} ${extra === 1 ? "extra entry" : "extra entries"}`;
  const chunksWrong = chunks - chunksRight;
  const verdict =
    chunksWrong === 0
      ? `all of ${event.isRight ? "it" : "them"} right`
      : `${chunksWrong} (${formatBytes(bytes - bytesRight)}) wrong or missing`;
  const text = `${path}: ${formatBytes(bytes)} in ${chunks} ${chunks === 1 ? "chunk" : "chunks"}, ${verdict}${besides}`;
  return [{ kind: "note", text }];
}

const VERDICT_CELLS = 8;

function describeChecked(
  event: Extract<FindingEvent, { type: "checked" }>,
  palette: Palette,
): readonly Line[] {
  const { verdict, subject, fix } = event;
  const paint = { ok: palette.strong, skipped: (text: string) => text, ...palette, problem: palette.error }[
    verdict
  ];
  const line = `${paint(verdict.padEnd(VERDICT_CELLS))} ${subject}: ${printable(event.message)}`;
  const hangingCells = VERDICT_CELLS + 1;
  const indent = " ".repeat(hangingCells);
  return [
    { kind: "result", text: line, hangingCells },
    ...(fix === "" ? [] : [{ kind: "result", text: `${indent}${printable(fix)}`, hangingCells } as const]),
  ];
}

function settingText({
  name,
  values,
  defaultValue,
  place,
}: Extract<FindingEvent, { type: "setting" }>): string {
  return values.length === 0
    ? `${name} = ${defaultValue} (default)`
    : `${name} = ${printable(values.join(", "))} (${printable(place)})`;
}

function freedText(bytes: number): string {
  return bytes === 0 ? "" : `: ${formatBytes(bytes)}`;
}

/** A line as GNU sha256sum writes and reads it: a backslash at its beginning says that the name is escaped. */
function sumLine(path: string, sha256: string): string {
  const escaped = path.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `${escaped === path ? "" : "\\"}${sha256}  ${escaped}`;
}
