// Breaks lines that are too long for a terminal, between words: the terminal itself would break them anywhere. Breaks
// nothing where the stream is no terminal. Knows no event.
import type { Writable } from "node:stream";
import { columnsOf, isTerminal } from "./palette.js";
import { cellWidth } from "./printable.js";

const CONTINUED_CELLS = 2;

/** A command at the end of a text goes on a line of its own if it does not fit, unbroken, since it is to be copied. */
const COMMAND_AT_END = /\brun: (goshare .*)$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a palette writes takes no cell
const COLOUR = /\u001b\[\d+m/g;

/** One line as it is written to `stream`. `hangingCells` indents what does not fit into the first line. */
export function folded(stream: Writable, text: string, hangingCells?: number): string {
  return isTerminal(stream) ? fold(text, columnsOf(stream), hangingCells).join("\n") : text;
}

/** `text` as lines of at most `columns` cells, except for longer words, which have lines of their own. */
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

/** As far in as the line itself, but never at the margin, where another line could begin. */
function hangingOf(text: string): number {
  return Math.max(CONTINUED_CELLS, text.length - text.trimStart().length);
}

/** Each word with the blanks before it. */
function* words(text: string): Generator<readonly [gap: string, word: string]> {
  const command = COMMAND_AT_END.exec(text)?.[1];
  const before = command === undefined ? text : text.slice(0, -command.length - 1);
  for (const [, gap = "", word = ""] of before.matchAll(/( *)([^ ]+)/g)) yield [gap, word];
  if (command !== undefined) yield [" ", command];
}

function cellsOf(text: string): number {
  return cellWidth(text.replace(COLOUR, ""));
}
