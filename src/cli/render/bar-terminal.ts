// The terminal as cli-progress draws on it. Whoever types there, or another program, may move the cursor at any time,
// so nothing ever jumps back to where it was: everything is drawn in the line that the cursor is in, and leaves the
// cursor at the beginning of that line, where it stays when a narrower window breaks the line. It is never hidden,
// since a process that is stopped or killed could not show it again.
import type { Writable } from "node:stream";
import { columnsOf } from "./palette.js";

const CLEAR_FROM_HERE = "\u001b[J";

/** What cli-progress calls on a terminal, by the names that it uses. */
export class BarTerminal {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(line: string): void {
    this.#stream.write(`\r${line}${CLEAR_FROM_HERE}\r`);
  }

  clearLine(): void {
    this.write("");
  }

  isTTY(): boolean {
    return true;
  }

  getWidth(): number {
    return columnsOf(this.#stream);
  }

  cursorSave(): void {}
  cursorRestore(): void {}
  cursorTo(): void {}
  clearRight(): void {}
}
