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
    "An option on the command line takes precedence over an environment variable, that over your settings file, and that",
    "over the default. `goshare config` shows what is in effect and where it comes from.",
    "",
    "The file is `$XDG_CONFIG_HOME/goshare/config.toml`, where `XDG_CONFIG_HOME` defaults to `~/.config`; on",
    "Windows `%APPDATA%\\goshare\\config.toml`. It is [TOML](https://toml.io):",
    "",
    "```toml",
    ...SETTINGS.map(({ name, example }) => `${name} = ${example}`),
    "```",
    "",
    "Each setting applies to every command that has the option. Unknown names, and values that the option would not",
    "accept, are refused (exit code 2), with the file and the line. Relative paths start at the folder that a command is",
    "run in, and a `~` at the beginning of a path is the home directory. A ticket cannot be a setting: anyone who has one",
    "can download. If the file cannot be read, nothing is done (exit code 6); if its folder cannot be accessed, as with",
    "the `HOME` of another user, a warning says that no settings are read from it.",
    "",
    "| In the file | In the environment | Option | Meaning | Default |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "In the environment, several trackers are separated by commas, and a switch is `true` or `false`. An empty variable",
    "counts as not set. On the command line, `--no-quiet` undoes a setting, and likewise for every switch.",
    "",
  ].join("\n");
}

function withoutDefault(description: string): string {
  return description.replace(/ \(default [^)]*\)$/, "").replaceAll("|", "\\|");
}
