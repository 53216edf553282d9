import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startFakeCli } from "../support/fake-cli.js";
import { ScratchFolder } from "../support/scratch-folder.js";
import { skipTest } from "../support/skip-test.js";

const scratch = new ScratchFolder();
const cwd = scratch.folder();
writeFileSync(join(cwd, "film of mine.mkv"), "");
writeFileSync(join(cwd, "film.goshare"), "");
mkdirSync(join(cwd, "films"));
test.after(() => scratch.remove());

async function scriptFor(shell: string): Promise<string> {
  const cli = startFakeCli(["completion", shell]);
  assert.is(await cli.exitCode, 0);
  assert.is(cli.stderr(), "");
  const path = join(scratch.folder(), `goshare.${shell}`);
  writeFileSync(path, cli.stdout());
  return path;
}

/** Runs `test` where the shell is installed. */
function inShell(shell: string, title: string, run: () => Promise<void>): void {
  const isThere = spawnSync(shell, ["--version"]).status === 0;
  if (isThere) test(title, run);
  else skipTest(title, `${shell} is not installed`);
}

/** What each of these command lines is completed to, word by word as the shell splits them; the last is completed. */
const WORDS: readonly (readonly [words: readonly string[], completions: readonly string[]])[] = [
  [["sh"], ["share"]],
  [["--v"], ["--version"]],
  [["share", "--up"], ["--upload-limit"]],
  [
    ["share", "film"],
    ["film of mine.mkv", "film.goshare", "films"],
  ],
  [["share", "--json", "film of"], ["film of mine.mkv"]],
  [
    ["verify", "film"],
    ["film.goshare", "films"],
  ],
  [
    ["verify", "film.goshare", "film"],
    ["film of mine.mkv", "film.goshare", "films"],
  ],
  [["download", "--output", "fi"], ["films"]],
  [["download", "--output", "=", "fi"], ["films"]],
  [
    ["download", "--output", "films", "fi"],
    ["film.goshare", "films"],
  ],
  [
    ["download", "--output", "=", "films", "fi"],
    ["film.goshare", "films"],
  ],
  [["download", "--tracker", "fi"], []],
  [["status", "fi"], ["films"]],
  [
    ["share", "--color", "a"],
    ["always", "auto"],
  ],
  [
    ["share", "--color", "="],
    ["always", "auto", "never"],
  ],
  [
    ["completion", ""],
    ["bash", "fish", "zsh"],
  ],
  [["tracker", "fi"], []],
  [["tracker", "st"], ["status"]],
  [["tracker", "status", "fi"], []],
  [["share", "--", "--"], []],
];

inShell("bash", "bash completes commands, options, their values, and files", async () => {
  const script = await scriptFor("bash");
  const body = `set -u; source "$1"; shift; COMP_WORDS=(goshare "$@"); COMP_CWORD=$#; _goshare
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  for (const [words, completions] of WORDS) {
    const argv = ["--norc", "-c", body, "bash", script, ...words];
    const said = execFileSync("bash", argv, { cwd, encoding: "utf8" });
    const found = new Set(said.split("\n").filter((line) => line !== ""));
    assert.equal([...found].sort(), completions, words.join(" "));
  }
});

inShell("bash", "bash lets every command and option that there is be completed", async () => {
  const script = await scriptFor("bash");
  const general = startFakeCli(["--help"]);
  await general.exitCode;
  const commands = [...general.stdout().matchAll(/^ {2}goshare (\w+)/gm)].map((match) => match[1] ?? "");
  assert.ok(commands.length > 5);
  for (const command of commands) {
    const help = startFakeCli([command, "--help"]);
    await help.exitCode;
    const options = [...help.stdout().matchAll(/^ {2}.*?(--[a-z0-9-]+)/gm)].map((match) => match[1] ?? "");
    const body = `source "$1"; COMP_WORDS=(goshare "$2" --); COMP_CWORD=2; _goshare; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync("bash", ["--norc", "-c", body, "bash", script, command], { encoding: "utf8" });
    for (const option of options.filter((one) => help.stdout().includes(`  ${one}`)))
      assert.match(said, new RegExp(`^${option}$`, "m"), `${command} ${option}`);
  }
});

inShell("fish", "fish completes commands, options, their values, and files", async () => {
  const script = await scriptFor("fish");
  for (const [line, completions] of [
    ["goshare sh", ["share"]],
    ["goshare share --upl", ["--upload-limit"]],
    ["goshare share --color a", ["always", "auto"]],
    ["goshare download --output fi", ["films/"]],
    ["goshare completion ", ["bash", "fish", "zsh"]],
  ] as const) {
    const body = `source ${script}; complete -C '${line}'`;
    const said = execFileSync("fish", ["--no-config", "-c", body], { cwd, encoding: "utf8" });
    const found = said.split("\n").flatMap((text) => text.split("\t", 1)[0] || []);
    assert.equal(found.sort(), completions, line);
  }
});

inShell("zsh", "zsh completes commands, options, their values, and files", async () => {
  const script = await scriptFor("zsh");
  const body = `zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z "PS1= PS2= RPS1="
    zpty -w z "autoload -Uz compinit && compinit -u -D && source $1"; shift
    zpty -w z 'show() { print -r -- "<<$BUFFER>>"; BUFFER=; }; zle -N show; bindkey "^X" show; print READY''NOW'
    zpty -r -m z out '*READYNOW*'
    for line in "$@"; do
      zpty -w -n z "$line"$'\\t'$'\\x18'; zpty -r -m z out '*<<*>>*'; print -r -- "\${\${out##*<<}%%>>*}"
    done; zpty -d z`;
  const completed = [
    ["goshare sha", "goshare share "],
    ["goshare share --upl", "goshare share --upload-limit="],
    ["goshare share --color al", "goshare share --color always "],
    ["goshare verify film.g", "goshare verify film.goshare "],
    ["goshare download --output fi", "goshare download --output films/"],
    ["goshare completion f", "goshare completion fish "],
  ] as const;
  const argv = ["-f", "-c", body, "zsh", script, ...completed.map(([line]) => line)];
  const said = execFileSync("zsh", argv, { cwd, encoding: "utf8", timeout: 30_000 });
  assert.is(
    said.trimEnd(),
    completed
      .map(([, line]) => line)
      .join("\n")
      .trimEnd(),
  );
});

test("an unknown shell is refused with those that are known, and --json gives the script as an event", async () => {
  const wrong = startFakeCli(["completion", "tcsh"]);
  assert.is(await wrong.exitCode, 2);
  assert.match(wrong.stderr(), "bash, zsh, fish");
  const json = startFakeCli(["completion", "fish", "--json"]);
  assert.is(await json.exitCode, 0);
  const [script, done] = json.events();
  assert.match(String(script?.["completionScript"]?.["script"]), "complete -c goshare");
  assert.equal(Object.keys(done ?? {}), ["done"]);
});

test.run();
