// The terminal as cli-progress draws on it. Whoever types there, or another program, moves the cursor whenever it likes,
// so nothing ever jumps back to where it was: what is drawn stands in the line the cursor is in, and the cursor is at the
// beginning of that line afterwards, where it stays when a narrower window breaks the line. It is never hidden, since a
// process that is stopped or killed could not show it again.
import type { Writable } from "node:stream";
import { columnsOf } from "./palette.js";

const CLEAR_FROM_HERE = "\u001b[J";

/** What cli-progress calls of a terminal, by its names. */
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
