// What the README says of the bench is what a run of it gave.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BenchResults } from "../../bench/bench-results.js";
import { comparisonPicture } from "../../bench/results-picture.js";
import { comparedRows, comparisonTable } from "../../bench/results-table.js";
import { withTable } from "../../bench/results-text.js";
import { REPOSITORY } from "../support/repository.js";

const read = (...path: string[]) => readFileSync(join(REPOSITORY, ...path), "utf8");
const results: BenchResults = JSON.parse(read("bench", "results", "latest.json"));

test("the README's table is that of bench/results/latest.json", () => {
  const readme = read("README.md");
  assert.is(withTable(readme, comparisonTable(results)), readme);
});

test("the picture is drawn from the same results", () => {
  assert.is(read("bench", "results", "large-file.svg"), comparisonPicture(results));
});

test("ours comes first, and then the quickest", () => {
  const [own, ...others] = comparedRows(results);
  assert.is(own?.system, "goshare");
  assert.ok(others.length > 0);
  const seconds = others.map((row) => row.seconds.median);
  assert.equal(
    seconds,
    seconds.toSorted((a, b) => a - b),
  );
});

test.run();
