// Writes docs/swarm-simulation.md: `node dist/bench/swarm-sim/write-docs.js`. Runs every scenario of the page, which
// takes a quarter of an hour.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { MIB } from "../../src/core/units.js";
import { pipelineRatio } from "./binomial-pipeline.js";
import { experiment } from "./experiment.js";
import { baseScenario, type Scenario } from "./scenario.js";
import { cellOf, policyRows, type Row, ratioOf, surroundingRows, table } from "./tables.js";

const PAGE = fileURLToPath(new URL("../../../docs/swarm-simulation.md", import.meta.url));

const SEEDS = 5;
const MODELS = ["link", "limit"] as const;

/** Fewer for those that take long. */
function seedsFor(downloaders: number): number {
  if (downloaders > 1_000) return 1;
  return downloaders > 100 ? 3 : SEEDS;
}

function cell(change: Partial<Scenario>, row?: Row): string {
  const scenario = { ...baseScenario, ...change };
  const result = experiment(scenario, seedsFor(scenario.downloaders));
  process.stderr.write(
    `${scenario.model} ${scenario.downloaders} ${row?.name ?? ""} ${result.ratio.mean.toFixed(3)}\n`,
  );
  return cellOf(row === undefined ? result.ratio : ratioOf(row, result));
}

function pipelineTable(): string {
  const chunkCounts = [64, 256, 1000];
  const rows = [3, 4, 7, 8, 12, 15, 16, 31, 64].map((count) => [
    `${count}`,
    ...chunkCounts.map((chunks) => pipelineRatio(count, chunks).toFixed(6)),
  ]);
  return table(["N", ...chunkCounts.map((chunks) => `M=${chunks}`)], rows);
}

function mainTable(): string {
  const columns = MODELS.flatMap((model) =>
    [1, 50].flatMap((rttMs) => [64, 256].map((chunkCount) => ({ model, rttMs, chunkCount }))),
  );
  const head = columns.map(({ model, rttMs, chunkCount }) => `${model}, ${rttMs} ms, M=${chunkCount}`);
  const rows = [4, 8, 16, 64, 1_000, 10_000].map((downloaders) => [
    `${downloaders}`,
    ...columns.map((column) => {
      // These take more than ten minutes each.
      const isTooLong = downloaders > 1_000 && column.chunkCount > 64;
      return isTooLong ? "" : cell({ ...column, downloaders });
    }),
  ]);
  return table(["N", ...head], rows);
}

function rowsTable(what: string, rows: readonly Row[]): string {
  const columns = MODELS.flatMap((model) => [16, 64].map((downloaders) => ({ model, downloaders })));
  return table(
    [what, ...columns.map(({ model, downloaders }) => `${model}, N=${downloaders}`)],
    rows.map((row) => [row.name, ...columns.map((column) => cell({ ...column, ...row.change }, row))]),
  );
}

function degreeTable(): string {
  const degrees = [4, 8, 12, 16, 32];
  return table(
    ["N", ...degrees.map((degree) => `${degree} neighbours`)],
    [64, 1_000].map((downloaders) => [
      `${downloaders}`,
      ...degrees.map((degree) => cell({ downloaders, degree })),
    ]),
  );
}

function page(): string {
  const { uplink } = baseScenario;
  return `# Swarms in simulation

Written by \`node dist/bench/swarm-sim/write-docs.js\`. Figures: the last of N downloaders over the lower bound of
\`bench/swarm/lower-bound.ts\`; mean of ${SEEDS} seeds and, in brackets, the worst of them (${seedsFor(1_000)} seeds for
N=1,000, one for more).

${table(["", ""], [["uplink", `${uplink / MIB} MiB/s`]])}

## The schedule that is best

${pipelineTable()}

## Equal uplinks

${mainTable()}

## The policy

${rowsTable("change", policyRows)}

## What is around it

${rowsTable("change", surroundingRows)}

## Neighbours

${degreeTable()}
`;
}

await mkdir(fileURLToPath(new URL(".", `file://${PAGE}`)), { recursive: true });
await writeFile(PAGE, page());
