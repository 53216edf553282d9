// A run of the bench, as it is kept: the figures, and the machine that they were measured on.
import * as os from "node:os";

export interface BenchRow {
  /** The case. */
  readonly name: string;
  /** What was measured, with its unit. */
  readonly figure: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Of every round, in order. */
  readonly readings: readonly number[];
}

export interface BenchResults {
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly system: string;
  readonly rounds: number;
  readonly rows: readonly BenchRow[];
}

export function resultsOf(rows: readonly BenchRow[], rounds: number): BenchResults {
  return {
    node: process.version,
    processor: os.cpus()[0]?.model.trim() ?? "",
    cores: os.availableParallelism(),
    system: `${os.type()} ${os.arch()}`,
    rounds,
    rows: rows.map((row) => ({
      ...row,
      ...{ median: rounded(row.median), min: rounded(row.min), max: rounded(row.max) },
      readings: row.readings.map(rounded),
    })),
  };
}

/** A measurement is no more exact than four digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
