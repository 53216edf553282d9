// The moving picture of the README: `pnpm record-terminal` runs goshare in two real terminals, one above the other, and
// draws what stood in them into docs/goshare.svg. Needs tmux. Nothing in the picture is made up; what is typed is typed
// by this program.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { render } from "svg-term";
import { GIB } from "../src/core/units.js";
import { fastFolder } from "./fast-folder.js";
import { writeRandomFile } from "./sample-data.js";

const PICTURE = fileURLToPath(new URL("../../docs/goshare.svg", import.meta.url));
const MAIN = fileURLToPath(new URL("../src/program/main.js", import.meta.url));

const COLUMNS = 92;
const ROWS = 11;
const FILE_NAME = "checkpoint.bin";
const FILE_BYTES = 4 * GIB;
const FRAME_MS = 100;
const KEY_MS = 45;
const READ_MS = 1_500;
const LIMIT_MS = 60_000;

const run = promisify(execFile);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One terminal of a tmux server of its own. */
class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(socket: string, folder: string, profile: string): Promise<Terminal> {
    const terminal = new Terminal(socket);
    await terminal.#tmux(
      ...["new-session", "-d", "-x", `${COLUMNS}`, "-y", `${ROWS}`, "-c", folder],
      ...["bash", "--noprofile", "--rcfile", profile],
    );
    await terminal.#tmux("set-option", "status", "off");
    return terminal;
  }

  /** As somebody types it, key by key; all at once as somebody pastes it. */
  async type(text: string, pasted = ""): Promise<void> {
    for (const key of text) {
      await this.#tmux("send-keys", "-l", key);
      await wait(KEY_MS);
    }
    if (pasted !== "") await this.#tmux("send-keys", "-l", pasted);
    await wait(4 * KEY_MS);
    await this.#tmux("send-keys", "Enter");
  }

  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  /** Its lines with their colours. */
  async lines(): Promise<readonly string[]> {
    const text = await this.#tmux("capture-pane", "-e", "-p");
    return text.split("\n").slice(0, ROWS);
  }

  /** The first match of `pattern` in what stands there, which lines are joined that were only broken. */
  async until(pattern: RegExp): Promise<string> {
    const deadlineMs = performance.now() + LIMIT_MS;
    while (performance.now() < deadlineMs) {
      const found = pattern.exec(await this.#tmux("capture-pane", "-p", "-J"));
      if (found !== null) return found[0];
      await wait(FRAME_MS);
    }
    throw new Error(`${pattern} did not appear in:\n${await this.#tmux("capture-pane", "-p")}`);
  }

  async close(): Promise<void> {
    await this.#tmux("kill-server").catch(() => undefined);
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("tmux", ["-L", this.#socket, "-f", "/dev/null", ...args]);
    return stdout;
  }
}

/** What two terminals showed, as asciicast v2 (docs.asciinema.org): a whole screen whenever something has changed. */
class Recording {
  readonly #lines: string[];
  readonly #startedMs = performance.now();
  #shown = "";

  constructor() {
    this.#lines = [JSON.stringify({ version: 2, width: COLUMNS, height: 2 * ROWS + 1 })];
  }

  async frame(upper: Terminal, lower: Terminal): Promise<void> {
    const border = `\u001b[2m${"─".repeat(COLUMNS)}\u001b[0m`;
    const lines = [...(await upper.lines()), border, ...(await lower.lines())];
    const screen = lines.map((line) => `${line}\u001b[0m`).join("\r\n");
    if (screen === this.#shown) return;
    this.#shown = screen;
    this.#add(`\u001b[H\u001b[2J${screen}`);
  }

  /** The last picture stays for so long. */
  hold(ms: number): void {
    this.#add("", ms);
  }

  #add(output: string, afterMs = 0): void {
    const seconds = (performance.now() - this.#startedMs + afterMs) / 1000;
    this.#lines.push(JSON.stringify([seconds, "o", output]));
  }

  toString(): string {
    return this.#lines.join("\n");
  }
}

async function record(folder: string): Promise<string> {
  const profile = join(folder, "profile");
  const program = `goshare() { "${process.execPath}" "${MAIN}" "$@"; }`;
  const settings = `PS1='$ '; export GOSHARE_TRACKER= XDG_STATE_HOME='${folder}/state'`;
  await writeFile(profile, `${program}\n${settings}\n`);
  const [here, there] = [join(folder, "here"), join(folder, "there")];
  for (const place of [here, there]) await mkdir(place);
  await writeRandomFile(join(here, FILE_NAME), FILE_BYTES, new AbortController().signal);

  const socket = `goshare-${process.pid}`;
  const upper = await Terminal.open(`${socket}-1`, here, profile);
  const lower = await Terminal.open(`${socket}-2`, there, profile);
  const recording = new Recording();
  let isOver = false;
  const filming = (async () => {
    while (!isOver) {
      await recording.frame(upper, lower);
      await wait(FRAME_MS);
    }
  })();
  try {
    await upper.type(`goshare share ${FILE_NAME} --once`);
    const ticket = await upper.until(/goshare1[a-z0-9]{60,}/);
    await wait(READ_MS);
    await lower.type("goshare download ", ticket);
    await lower.until(/complete and verified/);
    await upper.until(/stopped/);
    await wait(READ_MS);
  } finally {
    isOver = true;
    await filming;
    await upper.close();
    await lower.close();
  }
  recording.hold(3 * READ_MS);
  return recording.toString();
}

const folder = await mkdtemp(join(await fastFolder(3 * FILE_BYTES), "goshare-picture-"));
try {
  await writeFile(PICTURE, render(await record(folder), { window: true, cursor: false }));
} finally {
  await rm(folder, { recursive: true, force: true });
}
