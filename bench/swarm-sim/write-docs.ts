// Writes docs/swarm-simulation.md: `pnpm simulate`. Runs every scenario of the page, which takes half an hour.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { pipelineRatio } from "./binomial-pipeline.js";
import { experiment } from "./experiment.js";
import { pageText } from "./page-text.js";
import { baseScenario, type Scenario } from "./scenario.js";
import { cellOf, policyRows, type Row, ratioOf, surroundingRows, table } from "./tables.js";

const PAGE = fileURLToPath(new URL("../../../docs/swarm-simulation.md", import.meta.url));

const MODELS = ["link", "limit"] as const;

/** Large swarms take long, and so are run only once. */
function seedsFor(downloaders: number): number {
  return downloaders > 100 ? 1 : 5;
}

function cell(change: Partial<Scenario>, row?: Row): string {
  const scenario = { ...baseScenario, ...change };
  const result = experiment(scenario, seedsFor(scenario.downloaders));
  const what = `${scenario.model} N=${scenario.downloaders} ${row?.name ?? ""}`;
  process.stderr.write(`${what}: ${result.ratio.mean.toFixed(3)}, ${result.seconds.toFixed(1)} s each\n`);
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
  const rows = [4, 8, 16, 64, 1_000].map((downloaders) => [
    `${downloaders}`,
    ...columns.map((column) =>
      downloaders > 100 && column.chunkCount > 64 ? "" : cell({ ...column, downloaders }),
    ),
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

const tables = {
  policy: rowsTable("change", policyRows),
  surroundings: rowsTable("change", surroundingRows),
  pipeline: pipelineTable(),
  main: mainTable(),
  degree: degreeTable(),
};
await writeFile(PAGE, pageText(tables));
