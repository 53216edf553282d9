// Text for terminals: everything that comes from elsewhere (names, agents, messages, paths) passes through
// `printable` before it is written, and is measured and cut here. Never writes.

// Controls, direction marks and other invisible characters, line separators, halves of surrogate pairs. The two joiners
// that scripts and emoji use do no harm and stay.
const NOT_PRINTABLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` with everything that could steer a terminal, break the line or hide written as `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(NOT_PRINTABLE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

const TAKES_NO_CELL = /^[\p{M}\u200c\u200d]$/u;
const TAKES_TWO_CELLS =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])$/u;

function cellsOf(character: string): number {
  if (TAKES_NO_CELL.test(character)) return 0;
  return TAKES_TWO_CELLS.test(character) ? 2 : 1;
}

/** Terminal cells that printable text takes. */
export function cellWidth(text: string): number {
  let cells = 0;
  for (const character of text) cells += cellsOf(character);
  return cells;
}

/** `text` in at most `cells` cells; what does not fit is cut from its middle, since the end of a file's name
 * says as much as its beginning. */
export function fitCells(text: string, cells: number): string {
  if (cellWidth(text) <= cells) return text;
  if (cells < 1) return "";
  const characters = [...text];
  const headCells = Math.ceil((cells - 1) / 2);
  return `${takeCells(characters, headCells)}…${takeCells(characters.reverse(), cells - 1 - headCells, true)}`;
}

function takeCells(characters: readonly string[], cells: number, reversed = false): string {
  const taken: string[] = [];
  let used = 0;
  for (const character of characters) {
    used += cellsOf(character);
    if (used > cells) break;
    taken.push(character);
  }
  return (reversed ? taken.reverse() : taken).join("");
}
