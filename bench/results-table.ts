// How goshare compares, from one run of the bench: the table, and the rows for the picture. The same results give the
// same text.
import type { BenchResults, BenchRow } from "./bench-results.js";

/** One system in the comparison of a large file. */
export interface ComparedRow {
  readonly system: string;
  readonly seconds: BenchRow;
  readonly gibPerSecond: number;
  readonly cpuSecondsPerGib: number;
}

const OWN_CASE = "transfer/1";
const RIVALS_CASE = "rivals/1";

/** goshare first, then the others, with the quickest first. */
export function comparedRows({ rows }: BenchResults): readonly ComparedRow[] {
  const find = (name: string, figure: string) =>
    rows.find((row) => row.name === name && row.figure === figure);
  const compared = (system: string, name: string, prefix: string): ComparedRow | undefined => {
    const seconds = find(name, `${prefix}s`);
    const rate = find(name, `${prefix}GiB/s`);
    const cpu = find(name, `${prefix}CPU s/GiB`);
    if (seconds === undefined || rate === undefined || cpu === undefined) return undefined;
    return { system, seconds, gibPerSecond: rate.median, cpuSecondsPerGib: cpu.median };
  };
  const systems = rows
    .filter(({ name, figure }) => name === RIVALS_CASE && figure.endsWith(": s"))
    .map(({ figure }) => figure.slice(0, -": s".length));
  const others = systems
    .flatMap((system) => compared(system, RIVALS_CASE, `${system}: `) ?? [])
    .sort((a, b) => a.seconds.median - b.seconds.median);
  const own = compared("goshare", OWN_CASE, "");
  return own === undefined ? others : [own, ...others];
}

/** Markdown. */
export function comparisonTable(results: BenchResults): string {
  const lines = comparedRows(results).map(
    ({ system, seconds, gibPerSecond, cpuSecondsPerGib }) =>
      `| ${system.replaceAll("|", "\\|")} | ${seconds.median.toFixed(2)} (${seconds.min.toFixed(2)}–${seconds.max.toFixed(2)}) | ${gibPerSecond.toFixed(2)} | ${cpuSecondsPerGib.toFixed(2)} |`,
  );
  return [
    "| system | seconds, median (min–max) | GiB/s | CPU s/GiB, both sides |",
    "|---|---|---|---|",
    ...lines,
    "",
    `${results.rounds} interleaved rounds, ${results.cores} cores (${results.processor}), Node ${results.node.slice(1)}.`,
  ].join("\n");
}
