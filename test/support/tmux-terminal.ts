// A real terminal of a given size: one pane of a tmux server of its own, with a shell in it that knows `goshare`. Its
// screen can be read. Its server is ended through its own socket, and no server outlives this process.
import { execFile, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { programProblem } from "./installed-program.js";

const MAIN = fileURLToPath(new URL("../../src/program/main.js", import.meta.url));

const LOOK_EVERY_MS = 50;
const LIMIT_MS = 60_000;

const run = promisify(execFile);

/** Why there can be no terminal here; undefined if there can. Throws if there can be none although GOSHARE_REQUIRE_TMUX
 * says that there is one. */
export function tmuxProblem(): string | undefined {
  return programProblem("tmux", "-V", "GOSHARE_REQUIRE_TMUX");
}

const open = new Set<TmuxTerminal>();
let opened = 0;
process.once("exit", () => {
  for (const terminal of open) terminal.close();
});

export interface TerminalSetting {
  readonly columns: number;
  readonly rows: number;
  /** Where the shell is, and keeps what it needs. Made if it does not exist. */
  readonly folder: string;
  /** What the shell reads at its start, such as `export NO_COLOR=1`. */
  readonly profile?: string;
}

export class TmuxTerminal {
  readonly #socket: string;
  /** The path of that socket, which a server leaves behind when it ends. */
  #socketPath = "";

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Resolves when the shell waits for a command. */
  static async open({ columns, rows, folder, profile = "" }: TerminalSetting): Promise<TmuxTerminal> {
    opened += 1;
    const terminal = new TmuxTerminal(`goshare-${process.pid}-${opened}`);
    await mkdir(folder, { recursive: true });
    const profilePath = join(folder, ".profile-of-this-terminal");
    const settings = [
      `goshare() { "${process.execPath}" "${MAIN}" "$@"; }`,
      // Tests run without colours; a person at a terminal has them.
      "unset NO_COLOR FORCE_COLOR GOSHARE_TRACKER GOSHARE_TICKET",
      `export XDG_STATE_HOME='${folder}/.state' XDG_CONFIG_HOME='${folder}/.config'`,
      "PS1='$ '",
      profile,
    ];
    await writeFile(profilePath, `${settings.join("\n")}\n`);
    open.add(terminal);
    await terminal.#tmux(
      ...["new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "-c", folder],
      ...["bash", "--noprofile", "--rcfile", profilePath],
    );
    await terminal.#tmux("set-option", "status", "off");
    terminal.#socketPath = (await terminal.#tmux("display-message", "-p", "#{socket_path}")).trim();
    await terminal.until(/^\$ $/m);
    return terminal;
  }

  /** Enters `text` as if it had been typed or pasted, all at once. */
  async paste(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  /** "Enter", "C-c". */
  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  async command(text: string): Promise<void> {
    await this.paste(text);
    await this.press("Enter");
  }

  /** Resolves when the screen shows nothing but the shell's prompt, so that what is waited for next cannot be something
   * old. */
  async clear(): Promise<void> {
    await this.command("clear");
    await this.until(/^\$ \n*$/);
  }

  async resize(columns: number): Promise<void> {
    await this.#tmux("resize-window", "-x", `${columns}`);
  }

  async isCursorShown(): Promise<boolean> {
    return (await this.#tmux("display-message", "-p", "#{cursor_flag}")).trim() === "1";
  }

  /** What the screen shows, line by line. */
  async screen(): Promise<readonly string[]> {
    return this.#lines("capture-pane", "-p");
  }

  /** The same with its colours. */
  async colouredScreen(): Promise<readonly string[]> {
    return this.#lines("capture-pane", "-p", "-e");
  }

  /** All lines since the terminal was opened, as they were written: lines that the terminal broke are joined again. */
  async written(): Promise<readonly string[]> {
    return this.#lines("capture-pane", "-p", "-J", "-S", "-");
  }

  /** All lines of the screen since the terminal was opened. */
  async scrolled(): Promise<readonly string[]> {
    return this.#lines("capture-pane", "-p", "-S", "-");
  }

  /** The first match of `pattern` in what has been written, once it is there. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const deadlineMs = performance.now() + LIMIT_MS;
    for (;;) {
      const found = pattern.exec((await this.written()).join("\n"));
      if (found !== null) return found;
      if (performance.now() > deadlineMs)
        throw new Error(`${pattern} did not appear in:\n${(await this.scrolled()).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** Ends its server at once. */
  close(): void {
    open.delete(this);
    spawnSync("tmux", serverArguments(this.#socket, ["kill-server"]), { timeout: 10_000 });
    if (this.#socketPath !== "") rmSync(this.#socketPath, { force: true });
  }

  async #lines(...args: readonly string[]): Promise<readonly string[]> {
    return (await this.#tmux(...args)).split("\n");
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("tmux", serverArguments(this.#socket, args), { timeout: 20_000 });
    return stdout;
  }
}

function serverArguments(socket: string, args: readonly string[]): string[] {
  return ["-u", "-L", socket, "-f", "/dev/null", ...args];
}
