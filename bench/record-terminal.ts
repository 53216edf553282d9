// The moving picture of the README: `pnpm record-terminal` runs goshare in two real terminals, one above the other, and
// draws what they showed into docs/goshare.svg. Needs tmux. Nothing in the picture is made up; only the typing is done
// by this program.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { render } from "svg-term";
import { GIB } from "../src/core/units.js";
import { TmuxTerminal } from "../test/support/tmux-terminal.js";
import { fastFolder } from "./fast-folder.js";
import { writeRandomFile } from "./sample-data.js";

const PICTURE = fileURLToPath(new URL("../../docs/goshare.svg", import.meta.url));

const COLUMNS = 92;
const ROWS = 11;
const FILE_NAME = "checkpoint.bin";
const FILE_BYTES = 4 * GIB;
const FRAME_MS = 100;
const KEY_MS = 45;
const READ_MS = 1_500;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Types `text` key by key, as a person would; enters `pasted` all at once. */
async function type(terminal: TmuxTerminal, text: string, pasted = ""): Promise<void> {
  for (const key of text) {
    await terminal.paste(key);
    await wait(KEY_MS);
  }
  if (pasted !== "") await terminal.paste(pasted);
  await wait(4 * KEY_MS);
  await terminal.press("Enter");
}

/** What two terminals showed, as asciicast v2 (docs.asciinema.org): a whole screen whenever something has changed. */
class Recording {
  readonly #lines: string[];
  readonly #startedMs = performance.now();
  #shown = "";

  constructor() {
    this.#lines = [JSON.stringify({ version: 2, width: COLUMNS, height: 2 * ROWS + 1 })];
  }

  async frame(upper: TmuxTerminal, lower: TmuxTerminal): Promise<void> {
    const border = `\u001b[2m${"─".repeat(COLUMNS)}\u001b[0m`;
    const lines = [
      ...(await upper.colouredScreen()).slice(0, ROWS),
      border,
      ...(await lower.colouredScreen()).slice(0, ROWS),
    ];
    const screen = lines.map((line) => `${line}\u001b[0m`).join("\r\n");
    if (screen === this.#shown) return;
    this.#shown = screen;
    this.#add(`\u001b[H\u001b[2J${screen}`);
  }

  /** Keeps the last picture for this long. */
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
  const size = { columns: COLUMNS, rows: ROWS };
  const here = join(folder, "here");
  const upper = await TmuxTerminal.open({ ...size, folder: here });
  const lower = await TmuxTerminal.open({ ...size, folder: join(folder, "there") });
  await writeRandomFile(join(here, FILE_NAME), FILE_BYTES, new AbortController().signal);
  const recording = new Recording();
  let isOver = false;
  const filming = (async () => {
    while (!isOver) {
      await recording.frame(upper, lower);
      await wait(FRAME_MS);
    }
  })();
  try {
    await type(upper, `goshare share ${FILE_NAME} --once`);
    const [ticket] = await upper.until(/goshare1[a-z0-9]{60,}/);
    await wait(READ_MS);
    await type(lower, "goshare download ", ticket);
    await lower.until(/complete and verified/);
    await upper.until(/stopped/);
    await wait(READ_MS);
  } finally {
    isOver = true;
    await filming;
    upper.close();
    lower.close();
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
