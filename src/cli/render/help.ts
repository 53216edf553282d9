// What --help prints, from the definitions of the commands and the option table. clipanion's own help neither
// wraps lines nor says what an option takes.
import type { Definition } from "clipanion";
import { OPTIONS } from "../option-table.js";
import { settingFor } from "../settings/setting-table.js";
import type { Palette } from "./palette.js";

const INDENT = "  ";
const MAX_NAME = 24;

/** All commands, a line each. */
export function generalHelp(version: string, definitions: readonly Definition[], palette: Palette): string {
  const usages = definitions.map(usageOf);
  const width = Math.max(...usages.map((usage) => usage.length));
  const lines = definitions.map(
    ({ description = "" }, i) =>
      `${INDENT}${palette.strong((usages[i] ?? "").padEnd(width))}   ${description.trim()}`,
  );
  return [
    `goshare ${version} sends files and folders straight from machine to machine.`,
    "",
    ...lines,
    "",
    "goshare COMMAND --help says more about a command; goshare --version is the version.",
    "goshare config shows the settings: of the environment, and of a file of yours.",
    "",
  ].join("\n");
}

/** One command with its options; lines of at most `columns` characters. */
export function commandHelp(definition: Definition, columns: number, palette: Palette): string {
  const heading = (text: string) => ["", palette.strong(text)];
  const lines = [`${palette.strong(usageOf(definition))}   ${(definition.description ?? "").trim()}`, ""];
  lines.push(...wrap((definition.details ?? "").replaceAll(/\s+/g, " ").trim(), columns));
  lines.push(...heading("Options"));
  const names = definition.options.map((option) => optionNames(option.definition));
  const width = Math.max(...names.map((name) => name.length).filter((length) => length <= MAX_NAME));
  for (const [i, option] of definition.options.entries()) {
    const name = names[i] ?? "";
    const left = " ".repeat(INDENT.length + width + INDENT.length);
    const [first = "", ...more] = wrap(optionText(option), columns - left.length);
    // A long name has a line of its own, rather than take the room of all texts.
    if (name.length > width) lines.push(INDENT + name, left + first);
    else lines.push(INDENT + name.padEnd(width) + INDENT + first);
    lines.push(...more.map((line) => left + line));
  }
  lines.push(...heading("Examples"));
  for (const [what, example] of definition.examples ?? [])
    lines.push(`${INDENT}${what.trim()}:`, `${INDENT}  ${example}`);
  return `${lines.join("\n")}\n`;
}

/** Arguments of which there may be any number, none included: clipanion has no names for them. */
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

/** What it does, and the variable that sets it where there is one. */
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

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
