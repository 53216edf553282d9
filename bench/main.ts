// pnpm bench [REGEX] [--quick] [--rivals] [--runs K] [--json FILE]: runs the cases whose names match in K interleaved
// rounds, and prints medians. Without REGEX it leaves out those that take minutes. Measures; judges nothing.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { BenchCase, Figures } from "./bench-case.js";
import { type BenchRow, resultsOf } from "./bench-results.js";
import { benchCases } from "./cases.js";
import { killAll } from "./measured-process.js";

const ROUNDS = 5;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      rivals: { type: "boolean", default: false },
      runs: { type: "string" },
      json: { type: "string" },
    },
  });
  const [named] = positionals;
  const pattern = new RegExp(named ?? "");
  const runs = Number(values.runs ?? (values.quick ? 1 : ROUNDS));
  if (!Number.isInteger(runs) || runs < 1) throw new Error("--runs takes a number of rounds, at least 1");
  const cases = benchCases({ isQuick: values.quick, withRivals: values.rivals })
    .filter(({ isLong }) => named !== undefined || isLong !== true)
    .filter(({ name }) => pattern.test(name));
  if (cases.length === 0) throw new Error(`no case matches ${pattern}`);
  // Whatever is running then fails, and is cleaned up.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, killAll);
  const readings = new Map<BenchCase, Figures[]>(cases.map((each) => [each, []]));
  try {
    for (const each of cases) await each.prepare();
    for (let round = 0; round < runs; round++) {
      for (const each of cases) readings.get(each)?.push(await each.run());
    }
  } finally {
    // After a failure something may still run.
    killAll();
    for (const each of cases) await each.cleanUp();
  }
  const rows = [...readings].flatMap(([{ name }, rounds]) => rowsOf(name, rounds));
  print(rows);
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify(resultsOf(rows, runs), undefined, 2)}\n`);
}

function rowsOf(name: string, rounds: readonly Figures[]): BenchRow[] {
  return Object.keys(rounds[0] ?? {}).map((figure) => {
    const readings = rounds.map((round) => round[figure] ?? 0);
    const sorted = readings.toSorted((a, b) => a - b);
    const at = (index: number) => sorted[index] ?? 0;
    return { name, figure, median: at(sorted.length >> 1), min: at(0), max: at(sorted.length - 1), readings };
  });
}

function print(rows: readonly BenchRow[]): void {
  const cells = rows.map(({ name, figure, median, min, max }) => [
    name,
    figure,
    ...[median, min, max].map(round3),
  ]);
  const table = [["case", "figure", "median", "min", "max"], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) {
    const line = row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
    process.stdout.write(`${line.join("  ")}\n`);
  }
}

function round3(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

await main();
