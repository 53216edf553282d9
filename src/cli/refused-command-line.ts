// Why a command line is refused, in words: clipanion says it for programmers, and not even that where a command takes
// any number of arguments besides options. Looks at the words alone; runs nothing.
import type { Definition } from "clipanion";
import { GoshareError } from "../core/errors.js";
import { usageOf } from "./render/help.js";

/** Names that differ by more than this are not what was meant. */
const MAX_TYPING_ERRORS = 2;
const MAX_SUGGESTIONS = 3;

const HELP = "goshare --help";
/** How clipanion's message about too many arguments begins. */
const EXTRANEOUS = "Extraneous positional";

interface KnownOption {
  readonly names: readonly string[];
  readonly takesValue: boolean;
}

/** The error for `argv`. `definition` is that of the command that it names, if it names one; `said` is what clipanion
 * says. */
export function refusedCommandLine(
  argv: readonly string[],
  definitions: readonly Definition[],
  definition: Definition | undefined,
  said: string,
): GoshareError {
  if (definition === undefined) return unknownCommand(argv[0] ?? "", definitions);
  const within = commandsWithin(argv, definition, definitions);
  if (said.startsWith(EXTRANEOUS) && within.length > 0)
    return usageError(`there is no command ${JSON.stringify(argv.slice(0, 2).join(" "))}`, within, HELP);
  const [message, suggestions] = refusal(argv, definition, said);
  return usageError(message, suggestions, `${definition.path} --help`);
}

/** Throws USAGE if an argument or the value of an option in `argv` is empty: that is what a shell leaves of a variable
 * that is not set, and it would mean the folder that the process is in. */
export function requireNothingEmpty(argv: readonly string[], definition: Definition): void {
  const options = definition.options.map(knownOption);
  const end = argv.indexOf("--");
  for (const [index, word] of argv.entries()) {
    const mayBeOption = end === -1 || index < end;
    if (word !== "" && !(mayBeOption && /^--[\w-]+=$/.test(word))) continue;
    const name = word === "" ? (argv[index - 1] ?? "") : word.slice(0, -1);
    const isValue =
      mayBeOption && options.some(({ names, takesValue }) => takesValue && names.includes(name));
    const what = isValue ? `the value of ${name}` : `an argument of ${definition.path}`;
    throw new GoshareError("USAGE", `${what} is empty`, {
      hint: `is a variable not set? see: ${definition.path} --help`,
    });
  }
}

/** Throws USAGE for an option such as --output=~/films: shells put the home directory for a "~" only at the beginning of
 * a word, and a folder called "~" is hardly what was meant. */
export function requireHomeReplaced(argv: readonly string[]): void {
  const end = argv.indexOf("--");
  for (const word of end === -1 ? argv : argv.slice(0, end)) {
    const { name, path } = /^(?<name>--[\w-]+)=(?:file:)?(?<path>~(?:\/.*)?)$/s.exec(word)?.groups ?? {};
    if (name === undefined || path === undefined) continue;
    throw new GoshareError("USAGE", `the shell has not replaced the "~" in ${word}`, {
      hint: `write "$HOME" instead, or ./${path} if that is its name`,
    });
  }
}

/** The error for an `argv` that begins with an option: settings are inserted after the name of the command, so the name
 * has to come first. */
export function optionBeforeCommand([first = ""]: readonly string[]): GoshareError {
  const shown = JSON.stringify(first);
  const near = first === "-V" ? ["--version"] : nearest(first, ["--version", "--help"]);
  if (near.length > 0) return usageError(`there is no option ${shown}`, near, HELP);
  return new GoshareError("USAGE", `${shown} comes before the command`, {
    hint: "options go after it: goshare COMMAND OPTIONS; see: goshare --help",
  });
}

function unknownCommand(name: string, definitions: readonly Definition[]): GoshareError {
  const names = definitions.map(({ path }) => path.split(" ")[1] ?? "");
  const near = nearest(name, [...new Set(names)]).map((one) => `goshare ${one}`);
  return usageError(`there is no command ${JSON.stringify(name)}`, near, HELP);
}

/** Of the commands whose first word is this command, those that the second word of `argv` may mean. */
function commandsWithin(
  [, second = ""]: readonly string[],
  { path }: Definition,
  definitions: readonly Definition[],
): readonly string[] {
  const all = definitions.map((one) => one.path).filter((one) => one.startsWith(`${path} `));
  return nearest(
    second,
    all.map((one) => one.slice(path.length + 1)),
  ).map((one) => `${path} ${one}`);
}

function usageError(message: string, suggestions: readonly string[], help: string): GoshareError {
  const meant = suggestions.length === 0 ? "" : `did you mean ${suggestions.join(" or ")}? `;
  return new GoshareError("USAGE", message, { hint: `${meant}see: ${help}` });
}

/** What is wrong, and what may have been meant. */
function refusal(argv: readonly string[], definition: Definition, said: string): [string, readonly string[]] {
  const options = definition.options.map(knownOption);
  const end = argv.indexOf("--");
  const words = end === -1 ? argv : argv.slice(0, end);
  for (const [index, word] of words.entries()) {
    if (!/^-./.test(word)) continue;
    const [name = "", value] = word.split(/=(.*)/s);
    const option = options.find(({ names }) => names.includes(name));
    if (option === undefined) {
      // A value may look like an option.
      if (options.some(({ names, takesValue }) => takesValue && names.includes(words[index - 1] ?? "")))
        continue;
      return [`there is no option ${JSON.stringify(name)}`, suggestedOptions(name, options)];
    }
    if (value !== undefined && !option.takesValue) return [`${name} takes no value`, []];
    if (!option.takesValue || value !== undefined) continue;
    const next = argv[index + 1];
    if (next === undefined || options.some(({ names }) => names.includes(next)))
      return [`${name} needs a value`, []];
    if (/^-./.test(next))
      return [`${next} looks like an option, not like the value of ${name}`, [`${name}=${next}`]];
  }
  if (said.startsWith("Not enough positional")) return [`missing argument: ${usageOf(definition)}`, []];
  if (said.startsWith(EXTRANEOUS)) return [`too many arguments: ${usageOf(definition)}`, []];
  return [said.replace(/[.:]$/, ""), []];
}

/** Reads "-q,--quiet" or "--output #0". */
function knownOption({ definition }: Definition["options"][number]): KnownOption {
  const [names = "", value] = definition.split(" ");
  return { names: names.split(","), takesValue: value !== undefined };
}

/** For a short option, the long ones that begin with its letter. */
function suggestedOptions(name: string, options: readonly KnownOption[]): readonly string[] {
  const long = options.flatMap(({ names }) => names.filter((one) => one.startsWith("--")));
  if (!name.startsWith("--") && name.length === 2)
    return long.filter((one) => one.startsWith(`-${name}`)).slice(0, MAX_SUGGESTIONS);
  return nearest(name, long);
}

function nearest(word: string, known: readonly string[]): readonly string[] {
  const isNear = (one: string) =>
    (one.startsWith(word) && word.length > 3) || typingErrors(word, one) <= MAX_TYPING_ERRORS;
  return known.filter(isNear).slice(0, MAX_SUGGESTIONS);
}

/** How many letters have to be inserted, removed or changed to get from one word to the other. */
function typingErrors(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    let left = index + 1;
    const next = [left];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      left = Math.min(replaced, left + 1, (row[column + 1] ?? 0) + 1);
      next.push(left);
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
