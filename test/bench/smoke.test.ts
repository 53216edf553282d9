// Every case of the bench runs and gives figures; what they are is not judged.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BenchResults } from "../../bench/bench-results.js";
import { benchCases } from "../../bench/cases.js";
import { ScratchFolder } from "../support/scratch-folder.js";

const BENCH = fileURLToPath(new URL("../../bench/main.js", import.meta.url));

test("every case of the bench gives figures", async () => {
  const scratch = new ScratchFolder();
  const json = join(scratch.path, "results.json");
  const bench = spawn(process.execPath, [BENCH, "--quick", "--json", json], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [exitCode] = await once(bench, "exit");
  assert.is(exitCode, 0);
  const { rows, cores, node }: BenchResults = JSON.parse(await readFile(json, "utf8"));
  assert.ok(cores >= 1 && node === process.version);
  const cases = benchCases({ isQuick: true, withRivals: false }).filter(({ isLong }) => isLong !== true);
  assert.ok(cases.length > 15);
  for (const { name } of cases) {
    const figures = rows.filter((row) => row.name === name);
    assert.ok(figures.length > 0, `${name} has no figures`);
    for (const { figure, median } of figures)
      assert.ok(Number.isFinite(median), `${name}: ${figure} is ${median}`);
  }
  scratch.remove();
});

test.run();
