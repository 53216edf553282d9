// Where the README keeps the table of the bench: between two marks, which it must have.

const BEGIN = "<!-- measured: bench/results/latest.json, written by pnpm write-results -->";
const END = "<!-- end of measured -->";

/** `text` with `table` between the marks. Throws if it has none. */
export function withTable(text: string, table: string): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error("the text has no place for the table");
  return `${text.slice(0, from + BEGIN.length)}\n${table}\n${text.slice(to)}`;
}
