// Completion for bash 3.2 and newer. Writes a script; runs nothing.
import { shellQuote } from "../shell-quote.js";
import type { CompletedCommand, Completion } from "./completed-commands.js";

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  return `# Completion of goshare for bash. To have it in every shell, put this into ~/.bashrc:
#   source <(goshare completion bash)
_goshare_reply() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}

_goshare_files() {
  compopt -o filenames 2>/dev/null
  _goshare_reply < <(compgen -f -- "$1")
}

_goshare_folders() {
  compopt -o filenames 2>/dev/null
  _goshare_reply < <(compgen -d -- "$1")
}

_goshare_manifests() {
  compopt -o filenames 2>/dev/null
  _goshare_reply < <(compgen -d -- "$1"; compgen -f -X '!*.goshare' -- "$1")
}

_goshare() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local command="" word options="" place=0 takes_value=0 only_arguments=0 i
  COMPREPLY=()
  # "--output=DIR" is three words here.
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" && $COMP_CWORD -ge 2 ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == "=" ]]; then takes_value=1; continue; fi
    if ((takes_value)); then takes_value=0; continue; fi
    if [[ $word == "--" ]]; then only_arguments=1; continue; fi
    if [[ $word == -* && $only_arguments -eq 0 ]]; then
      case $word in
        ${valueOptions(commands).join(" | ")}) [[ \${COMP_WORDS[i + 1]} == "=" ]] || takes_value=1 ;;
      esac
      continue
    fi
    if [[ -z $command ]]; then command=$word; else place=$((place + 1)); fi
  done
  if ((!only_arguments)); then
    case $prev in
${valueCases(commands)}
    esac
  fi
  case $command in
    "")
      options=${shellQuote("--help --version")}
      [[ $cur == -* ]] || options=${shellQuote(commands.map(({ name }) => name).join(" "))}
      _goshare_reply < <(compgen -W "$options" -- "$cur")
      return
      ;;
${commands.map(commandCase).join("\n")}
  esac
}

complete -F _goshare goshare
`;
}

function valueOptions(commands: readonly CompletedCommand[]): readonly string[] {
  const taking = commands.flatMap(({ options }) => options.filter(({ takes }) => takes !== undefined));
  return [...new Set(taking.flatMap(({ names }) => names))];
}

/** An option takes the same in every command; options that take the same stand together. */
function valueCases(commands: readonly CompletedCommand[]): string {
  const byReply = new Map<string, Set<string>>();
  for (const { options } of commands) {
    for (const { names, takes } of options) {
      if (takes === undefined) continue;
      const group = byReply.get(reply(takes)) ?? new Set();
      byReply.set(reply(takes), group);
      for (const name of names) group.add(name);
    }
  }
  return [...byReply]
    .map(([text, names]) => `      ${[...names].join(" | ")}) ${text}; return ;;`)
    .join("\n");
}

function commandCase({ name, options, takes }: CompletedCommand): string {
  const names = options.flatMap((option) => option.names).join(" ");
  const places = takes.map((what, place) => {
    const pattern = place === takes.length - 1 ? "*" : String(place);
    return `        ${pattern}) ${reply(what)} ;;`;
  });
  return `    ${name})
      if [[ $cur == -* ]] && ((!only_arguments)); then
        _goshare_reply < <(compgen -W ${shellQuote(names)} -- "$cur")
        return
      fi
      ${places.length === 0 ? ":" : `case $place in\n${places.join("\n")}\n      esac`}
      ;;`;
}

function reply(what: Completion): string {
  if (what === "nothing") return ":";
  if (typeof what === "string") return `_goshare_${what} "$cur"`;
  return `_goshare_reply < <(compgen -W ${shellQuote(what.join(" "))} -- "$cur")`;
}
