import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { REPOSITORY, runTool, sourceFiles } from "../support/repository.js";

const MAX_FILE_LINES = 400;
/** Of this, and of longer functions, biome knows: it parses, this file does not. */
const FUNCTION_SIZES = "test/meta/function-sizes.json";

test(`no file has more than ${MAX_FILE_LINES} lines`, () => {
  const long = sourceFiles("src", "test", "bench")
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > MAX_FILE_LINES)
    .map(({ path, lines }) => `${path}: ${lines}`);
  assert.equal(long, []);
});

const checkFunctions = (cwd: string) =>
  runTool(
    "biome",
    [
      "lint",
      "--diagnostic-level=error",
      `--config-path=${join(cwd, FUNCTION_SIZES)}`,
      "src",
      "test",
      "bench",
    ],
    cwd,
  );

test("no function has more than 70 lines", async () => {
  const { exitCode, output } = await checkFunctions(REPOSITORY);
  assert.is(exitCode, 0, output);
});

test("a function of more than 70 lines is noticed", async () => {
  const copy = await mkdtemp(join(tmpdir(), "goshare-sizes-"));
  try {
    for (const folder of ["src", "test/meta", "bench"]) await mkdir(join(copy, folder), { recursive: true });
    await copyFile(join(REPOSITORY, FUNCTION_SIZES), join(copy, FUNCTION_SIZES));
    const body = "  x += 1;\n".repeat(71);
    await writeFile(join(copy, "src", "long.ts"), `export function long(x: number): void {\n${body}}\n`);
    const { exitCode, output } = await checkFunctions(copy);
    assert.is(exitCode, 1, output);
    assert.match(output, "too many lines");
  } finally {
    await rm(copy, { recursive: true });
  }
});

test.run();
