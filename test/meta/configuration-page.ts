// docs/configuration.md, from the table of settings. Run by hand to write it: `node dist/test/meta/write-docs.js`.
import { SETTINGS } from "../../src/cli/settings/setting-table.js";

export function configurationPage(): string {
  const rows = SETTINGS.map(
    ({ name, variable, option, defaultText }) =>
      `| \`${name}\` | \`${variable}\` | \`${option.names.replace(",", "`, `")}\` | ${withoutDefault(option.description)} | ${defaultText} |`,
  );
  return [
    "# Configuration",
    "",
    "Generated from `src/cli/settings/setting-table.ts` by `pnpm write-docs`; a test compares them.",
    "",
    "What is typed on a command line goes before an environment variable, that before the user's file, and that before",
    "the default. `goshare config` shows what holds and where it comes from.",
    "",
    "The file is `$XDG_CONFIG_HOME/goshare/config.toml`, where `XDG_CONFIG_HOME` is `~/.config` if it is not set; on",
    "Windows `%APPDATA%\\goshare\\config.toml`. It is [TOML](https://toml.io):",
    "",
    "```toml",
    ...SETTINGS.map(({ name, example }) => `${name} = ${example}`),
    "```",
    "",
    "Each setting holds for every command that has the option. Unknown names and values that the option would not take",
    "are refused (exit code 2), with the file and the line. Relative paths start at the folder a command is run in, and a",
    "`~` at the beginning of a path is the home directory. Tickets are no settings: who has one can download. Where the",
    "file may not be read nothing is done (exit code 6); where its folder may not be looked into, as with the `HOME` of",
    "another user, a warning says that nothing is read of it.",
    "",
    "| In the file | In the environment | Option | Meaning | Default |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "In the environment several trackers have commas between them, and a switch is `true` or `false`. A variable that is",
    "empty counts as not set. On the command line `--no-quiet` undoes a setting, like every switch.",
    "",
  ].join("\n");
}

function withoutDefault(description: string): string {
  return description.replace(/ \(default [^)]*\)$/, "").replaceAll("|", "\\|");
}
