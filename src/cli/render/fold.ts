// Lines that are too long for a terminal, broken between words: a terminal breaks them anywhere. Where nobody looks at a
// terminal nothing is broken. Knows no event.
import type { Writable } from "node:stream";
import { columnsOf, isTerminal } from "./palette.js";
import { cellWidth } from "./printable.js";

const CONTINUED_CELLS = 2;

/** A command at the end of a text stands on a line of its own where it does not fit, unbroken: it is to be copied. */
const COMMAND_AT_END = /\brun: (goshare .*)$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a palette writes takes no cell
const COLOUR = /\u001b\[\d+m/g;

/** One line as it is written to `stream`. `hangingCells`: before what does not fit into the first line. */
export function folded(stream: Writable, text: string, hangingCells?: number): string {
  return isTerminal(stream) ? fold(text, columnsOf(stream), hangingCells).join("\n") : text;
}

/** `text` as lines of at most `columns` cells, but for words that are longer, which have lines of their own. */
export function fold(text: string, columns: number, hangingCells = hangingOf(text)): readonly string[] {
  const lines: string[] = [];
  let line = "";
  const begin = (word: string) => {
    if (line !== "") lines.push(line);
    line = cellsOf(word) > columns - hangingCells ? word : " ".repeat(hangingCells) + word;
  };
  for (const [gap, word] of words(text)) {
    if (line === "" && lines.length === 0) line = gap + word;
    else if (cellsOf(line) + gap.length + cellsOf(word) <= columns) line += gap + word;
    else begin(word);
  }
  return [...lines, line];
}

/** As far in as the line itself, and never where another line could begin. */
function hangingOf(text: string): number {
  return Math.max(CONTINUED_CELLS, text.length - text.trimStart().length);
}

/** Each with the blanks before it. */
function* words(text: string): Generator<readonly [gap: string, word: string]> {
  const command = COMMAND_AT_END.exec(text)?.[1];
  const before = command === undefined ? text : text.slice(0, -command.length - 1);
  for (const [, gap = "", word = ""] of before.matchAll(/( *)([^ ]+)/g)) yield [gap, word];
  if (command !== undefined) yield [" ", command];
}

function cellsOf(text: string): number {
  return cellWidth(text.replace(COLOUR, ""));
}
