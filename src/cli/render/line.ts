// What an event is told as. Types only.
export interface Line {
  /** note: for the person who watches; result: what the command was run for; problem: never left out. */
  readonly kind: "note" | "result" | "problem";
  readonly text: string;
  /** How far to indent, in cells, what does not fit into the first line of a terminal. */
  readonly hangingCells?: number;
  /** To be copied, or read by a program: never broken. */
  readonly isWhole?: boolean;
}
