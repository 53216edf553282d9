// What --help prints, from the definitions of the commands and the option table. clipanion's own help neither
// wraps lines nor says what an option takes.
import type { Definition } from "clipanion";
import { OPTIONS } from "../option-table.js";
import { settingFor } from "../settings/setting-table.js";
import { fold } from "./fold.js";
import { type Palette, plainPalette } from "./palette.js";

const INDENT = "  ";
const MAX_NAME = 24;
/** A narrower text beside a name is hard to read. */
const MIN_TEXT = 24;

/** All commands with what they do; lines of at most `columns` characters. */
export function generalHelp(
  version: string,
  definitions: readonly Definition[],
  columns: number,
  palette: Palette,
): string {
  const rows = definitions.map((definition) => [usageOf(definition), definition.description ?? ""] as const);
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return [
    ...fold(`goshare ${version} sends files and folders straight from machine to machine.`, columns, 0),
    "",
    ...rows.flatMap(([usage, text]) => row(usage, text, width, columns, palette)),
    "",
    ...fold(
      "goshare COMMAND --help says more about a command; goshare --version prints the version.",
      columns,
      0,
    ),
    ...fold(
      "goshare config shows the settings, from the environment and from your settings file.",
      columns,
      0,
    ),
    "",
  ].join("\n");
}

/** One command with its options; lines of at most `columns` characters, except for examples. */
export function commandHelp(definition: Definition, columns: number, palette: Palette): string {
  const heading = (text: string) => ["", palette.strong(text)];
  const usage = `${palette.strong(usageOf(definition))}   ${(definition.description ?? "").trim()}`;
  const lines = [...fold(usage, columns), ""];
  lines.push(...fold((definition.details ?? "").replaceAll(/\s+/g, " ").trim(), columns, 0));
  lines.push(...heading("Options"));
  const rows = definition.options.map(
    (option) => [optionNames(option.definition), optionText(option)] as const,
  );
  const width = Math.max(...rows.map(([name]) => name.length).filter((length) => length <= MAX_NAME));
  lines.push(...rows.flatMap(([name, text]) => row(name, text, width, columns, plainPalette)));
  lines.push(...heading("Examples"));
  for (const [what, example] of definition.examples ?? [])
    lines.push(...fold(`${INDENT}${what.trim()}:`, columns), `${INDENT}  ${example}`);
  return `${lines.join("\n")}\n`;
}

/** A name and what it means beside it; below it if the name is longer than `width`, or there is little room. */
function row(
  name: string,
  text: string,
  width: number,
  columns: number,
  palette: Palette,
): readonly string[] {
  const beside = INDENT.length + width + INDENT.length;
  const isNarrow = columns - beside < MIN_TEXT;
  const left = isNarrow ? 2 * INDENT.length : beside;
  const [first = "", ...more] = fold(" ".repeat(left) + text.trim(), columns, left);
  if (isNarrow || name.length > width) return [INDENT + palette.strong(name), first, ...more];
  return [INDENT + palette.strong(name.padEnd(width)) + INDENT + first.trimStart(), ...more];
}

/** Arguments of which there may be any number, even none: clipanion has no names for them. */
const ANY_NUMBER: Readonly<Record<string, string>> = {
  "goshare download": "WHAT…",
  "goshare resume": "[NAME…]",
  "goshare discard": "NAME…",
};

/** "goshare share PATH…", "goshare status [DIR…]". */
export function usageOf(definition: Definition): string {
  return definition.usage
    .replaceAll(/<([^>]*)>( \.\.\.)?/g, (_all, name: string, more?: string) => name + (more ? "…" : ""))
    .replace(/ \.\.\.$/, ` ${ANY_NUMBER[definition.path] ?? "[DIR…]"}`);
}

/** What the option does, and the variable that sets it, if there is one. */
function optionText({ definition, description = "" }: Definition["options"][number]): string {
  const variable = settingFor(definition.split(" ", 1)[0] ?? "", description)?.variable;
  return variable === undefined ? description.trim() : `${description.trim()} [${variable}]`;
}

/** "-q, --quiet" or "--output DIR". */
function optionNames(definition: string): string {
  const names = definition.split(" ", 1)[0] ?? "";
  const value = Object.values(OPTIONS).find((option) => option.names === names)?.value;
  return names.replace(",", ", ") + (value === undefined ? "" : ` ${value}`);
}
