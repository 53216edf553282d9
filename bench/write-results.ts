// pnpm write-results: draws the picture of bench/results/latest.json and puts its table into the README. Measures nothing.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { BenchResults } from "./bench-results.js";
import { comparisonPicture } from "./results-picture.js";
import { comparisonTable } from "./results-table.js";
import { withTable } from "./results-text.js";

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const results: BenchResults = JSON.parse(await readFile(pathOf("bench/results/latest.json"), "utf8"));
await writeFile(pathOf("bench/results/large-file.svg"), comparisonPicture(results));
const readme = await readFile(pathOf("README.md"), "utf8");
await writeFile(pathOf("README.md"), withTable(readme, comparisonTable(results)));
