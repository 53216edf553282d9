// Completion for fish 3 and newer. Writes a script; runs nothing.
import type { CompletedCommand, CompletedOption, Completion } from "./completed-commands.js";

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = [
    "# Completion of goshare for fish. To have it in every shell:",
    "#   mkdir -p ~/.config/fish/completions",
    "#   goshare completion fish > ~/.config/fish/completions/goshare.fish",
    "complete -c goshare -f",
    "complete -c goshare -n __fish_use_subcommand -l help -d 'List the commands'",
    "complete -c goshare -n __fish_use_subcommand -l version -d 'Show the version'",
    ...commands.flatMap(commandLines),
    "",
  ];
  return lines.join("\n");
}

function commandLines({ name, description, options, takes }: CompletedCommand): readonly string[] {
  const within = `complete -c goshare -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
  // fish does not count arguments: whatever any of them may be is offered for all.
  const offered = [...new Set(takes.map(argumentsOf))].filter((text) => text !== "");
  return [
    `complete -c goshare -n __fish_use_subcommand -a ${quote(name)} -d ${quote(description)}`,
    ...options.map(
      (option) => `${within} ${optionNames(option)}${valueText(option)} -d ${quote(option.description)}`,
    ),
    ...offered.map((text) => `${within} ${text}`),
  ];
}

function optionNames({ names }: CompletedOption): string {
  return names
    .map((name) => (name.startsWith("--") ? `-l ${quote(name.slice(2))}` : `-s ${quote(name.slice(1))}`))
    .join(" ");
}

function valueText({ takes }: CompletedOption): string {
  if (takes === undefined) return "";
  return takes === "nothing" ? " -x" : ` -r ${argumentsOf(takes)}`;
}

function argumentsOf(what: Completion): string {
  if (what === "files" || what === "manifests") return "-F";
  if (what === "folders") return "-f -a '(__fish_complete_directories)'";
  return what === "nothing" ? "" : `-f -a ${quote(what.join(" "))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
