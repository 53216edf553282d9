// Whether and how text is coloured. Few colours, and none that carries meaning alone.
import type { Readable, Writable } from "node:stream";

export const COLOR_MODES = ["auto", "always", "never"] as const;
export type ColorMode = (typeof COLOR_MODES)[number];

export interface Palette {
  strong(text: string): string;
  error(text: string): string;
  warning(text: string): string;
}

const wrap = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;
const same = (text: string) => text;

export const plainPalette: Palette = { strong: same, error: same, warning: same };
const colored: Palette = { strong: wrap(1, 22), error: wrap(31, 39), warning: wrap(33, 39) };

export function paletteFor(stream: Writable, mode: ColorMode, env: Readonly<NodeJS.ProcessEnv>): Palette {
  return wantsColor(stream, mode, env) ? colored : plainPalette;
}

/** `auto` follows NO_COLOR and FORCE_COLOR (no-color.org, force-color.org), then asks whether the stream is a
 * terminal. */
export function wantsColor(stream: Writable, mode: ColorMode, env: Readonly<NodeJS.ProcessEnv>): boolean {
  if (mode !== "auto") return mode === "always";
  if (isSet(env["NO_COLOR"])) return false;
  if (isSet(env["FORCE_COLOR"])) return env["FORCE_COLOR"] !== "0";
  return isTerminal(stream) && env["TERM"] !== "dumb";
}

export function isTerminal(stream: Readable | Writable): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}

/** Cells in a line of the terminal, now; 80 where it does not say. */
export function columnsOf(stream: Writable): number {
  return "columns" in stream && typeof stream.columns === "number" && stream.columns > 0
    ? stream.columns
    : 80;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
