import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ERROR_CODES, EXIT } from "../../src/core/errors.js";
import { REPOSITORY } from "../support/repository.js";
import { configurationPage } from "./configuration-page.js";
import { errorsPage } from "./errors-page.js";
import { eventsPage } from "./events-page.js";

const read = (...path: string[]) => readFileSync(join(REPOSITORY, ...path), "utf8");

test("docs/errors.md is what `pnpm write-docs` writes", () => {
  assert.is(read("docs", "errors.md"), errorsPage());
});

test("docs/configuration.md is what `pnpm write-docs` writes", () => {
  assert.is(read("docs", "configuration.md"), configurationPage());
});

test("docs/events.md is what `pnpm write-docs` writes", async () => {
  assert.is(read("docs", "events.md"), await eventsPage());
});

test("docs/errors.md has every error code, and no other", () => {
  const documented = [...read("docs", "errors.md").matchAll(/^\| `([A-Z_]+)` \|/gm)].map(
    (match) => match[1] ?? "",
  );
  assert.equal(documented.sort(), Object.keys(ERROR_CODES).sort());
});

test("every exit code of an error is one of the table of exit codes", () => {
  const known: readonly number[] = Object.values(EXIT);
  for (const [code, { exitCode }] of Object.entries(ERROR_CODES)) assert.ok(known.includes(exitCode), code);
});

test("the README's exit codes are those of the program", () => {
  const rows = [...read("README.md").matchAll(/^\| (\d+) \| /gm)].map((match) => Number(match[1]));
  assert.equal(rows, Object.values(EXIT));
});

test("the program refuses the same old versions of Node as package.json", () => {
  const { engines } = JSON.parse(read("package.json"));
  const source = read("src", "cli", "main.ts");
  const least = (major: number) => new RegExp(`LEAST_MINOR_OF_${major} = (\\d+)`).exec(source)?.[1];
  assert.is(engines.node, `^20.${least(20)} || >=22.${least(22)}`);
});

test.run();
