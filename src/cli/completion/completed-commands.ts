// What can be completed on a command line: commands, their options and what these take, from the definitions that also
// make --help. Knows no shell.
import type { Definition } from "clipanion";
import { OPTIONS } from "../option-table.js";
import { COLOR_MODES } from "../render/palette.js";
import { SHELLS } from "./shells.js";

/** What may stand in a place. */
export type Completion = "files" | "folders" | "manifests" | "nothing" | readonly string[];

export interface CompletedOption {
  /** "-q", "--quiet". */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined for switches. */
  readonly takes: Completion | undefined;
  /** What stands for the value in help. */
  readonly value: string;
}

export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** Of each argument; the last may be repeated. */
  readonly takes: readonly Completion[];
}

/** What completes a value or an argument, by the word that stands for it in help. */
const BY_WORD: Readonly<Record<string, Completion>> = {
  PATH: "files",
  FILE: "files",
  NAME: "files",
  DIR: "folders",
  WHAT: "manifests",
  WHEN: COLOR_MODES,
  SHELL: SHELLS,
};

/** `usageOf` says how a command is called: "goshare verify WHAT PATH". The second word of a command of two words is
 * offered as an argument of the command that is the first word. */
export function completedCommands(
  definitions: readonly Definition[],
  usageOf: (definition: Definition) => string,
): readonly CompletedCommand[] {
  const all = completedAlone(definitions, usageOf);
  return all.flatMap((command) => {
    if (command.name.includes(" ")) return [];
    const longer = all.filter(({ name }) => name.startsWith(`${command.name} `));
    if (longer.length === 0) return [command];
    const seconds = longer.map(({ name }) => name.slice(command.name.length + 1));
    return [{ ...command, takes: [seconds, ...command.takes, "nothing"] }];
  });
}

function completedAlone(
  definitions: readonly Definition[],
  usageOf: (definition: Definition) => string,
): readonly CompletedCommand[] {
  return definitions.map((definition) => ({
    name: definition.path.replace(/^goshare /, ""),
    description: (definition.description ?? "").trim(),
    options: [...definition.options.map(completedOption), HELP],
    takes: wordsOf(usageOf(definition), definition.path).map(completionOf),
  }));
}

const HELP: CompletedOption = {
  names: ["-h", "--help"],
  description: "Show help for the command",
  takes: undefined,
  value: "",
};

function completedOption(option: Definition["options"][number]): CompletedOption {
  const names = option.definition.split(" ", 1)[0] ?? "";
  const { value = "" } = Object.values(OPTIONS).find((one) => one.names === names) ?? {};
  const takes = value === "" ? undefined : completionOf(value);
  return { names: names.split(","), description: (option.description ?? "").trim(), takes, value };
}

function completionOf(word: string): Completion {
  return BY_WORD[word] ?? "nothing";
}

function wordsOf(usage: string, path: string): readonly string[] {
  const rest = usage.slice(path.length).replaceAll(/[[\]…]/g, "");
  return rest.split(" ").filter((word) => word !== "");
}
