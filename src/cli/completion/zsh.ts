// Completion for zsh 5 and newer. Writes a script; runs nothing.
import type { CompletedCommand, CompletedOption, Completion } from "./completed-commands.js";

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef goshare
# Completion of goshare for zsh. To have it in every shell, put this into ~/.zshrc, after compinit:
#   source <(goshare completion zsh)
_goshare() {
  local curcontext="$curcontext" state line
  local -a commands
  typeset -A opt_args
  commands=(
${commands.map(({ name, description }) => `    ${quote(`${escapeColons(name)}:${description}`)}`).join("\n")}
  )
  _arguments -C '(- *)--help[List the commands]' '(- *)--version[Show the version]' '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands 'goshare command' commands ;;
    rest)
      case $words[1] in
${commands.map(commandCase).join("\n")}
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _goshare ]]; then
  _goshare "$@"
else
  compdef _goshare goshare
fi
`;
}

function commandCase({ name, options, takes }: CompletedCommand): string {
  const specifications = [
    ...options.map(optionSpecification),
    ...takes.map((what, place) => {
      const where = place === takes.length - 1 ? "*" : String(place + 1);
      return quote(`${where}: :${action(what)}`);
    }),
  ];
  return `        ${name})
          _arguments -s -S \\
${specifications.map((text) => `            ${text}`).join(" \\\n")}
          ;;`;
}

/** Offers every option again and again; the command itself refuses those that may not be repeated. */
function optionSpecification({ names, description, takes, value }: CompletedOption): string {
  const text = `[${escapeBrackets(description)}]`;
  const end = takes === undefined ? "" : `:${escapeColons(value)}:${action(takes)}`;
  const assigned = takes === undefined ? "" : "=";
  return names.map((name) => quote(`*${name}${assigned}${text}${end}`)).join(" \\\n            ");
}

function action(what: Completion): string {
  if (what === "files") return "_files";
  if (what === "folders") return "_files -/";
  if (what === "manifests") return '_files -g "*.goshare(-.)"';
  return what === "nothing" ? " " : `(${what.join(" ")})`;
}

function escapeColons(text: string): string {
  return text.replaceAll(":", "\\:");
}

function escapeBrackets(text: string): string {
  return text.replaceAll(/[[\]\\:]/g, "\\$&");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
