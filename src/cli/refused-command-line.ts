// Why a command line is refused, in words: clipanion says it for programmers, and where any number of arguments may stand
// beside an option not even that. Looks at the words alone; runs nothing.
import type { Definition } from "clipanion";
import { GoshareError } from "../core/errors.js";
import { usageOf } from "./render/help.js";

/** Names that differ by more are not what was meant. */
const MAX_TYPING_ERRORS = 2;
const MAX_SUGGESTIONS = 3;

interface KnownOption {
  readonly names: readonly string[];
  readonly takesValue: boolean;
}

/** The error for `argv`. `definition`: of the command that it names, if it names one. `said`: what clipanion says. */
export function refusedCommandLine(
  argv: readonly string[],
  definitions: readonly Definition[],
  definition: Definition | undefined,
  said: string,
): GoshareError {
  if (definition === undefined) return unknownCommand(argv[0] ?? "", definitions);
  const [message, suggestions] = refusal(argv, definition, said);
  return usageError(message, suggestions, `${definition.path} --help`);
}

function unknownCommand(name: string, definitions: readonly Definition[]): GoshareError {
  const names = definitions.map(({ path }) => path.split(" ")[1] ?? "");
  const near = nearest(name, [...new Set(names)]).map((one) => `goshare ${one}`);
  return usageError(`there is no command ${JSON.stringify(name)}`, near, "goshare --help");
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
    if (option.takesValue && value === undefined && index === argv.length - 1)
      return [`${name} says nothing: a value has to follow it`, []];
  }
  if (said.startsWith("Not enough positional")) return [`something is missing: ${usageOf(definition)}`, []];
  if (said.startsWith("Extraneous positional")) return [`that is too much: ${usageOf(definition)}`, []];
  return [said.replace(/[.:]$/, ""), []];
}

/** Of "-q,--quiet" or "--output #0". */
function knownOption({ definition }: Definition["options"][number]): KnownOption {
  const [names = "", value] = definition.split(" ");
  return { names: names.split(","), takesValue: value !== undefined };
}

/** Of a short option the long ones that begin like it. */
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

/** How many letters have to be put in, taken out or changed to get from one word to the other. */
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
