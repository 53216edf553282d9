// Every figure of ARCHITECTURE.md says which case of the bench, or which test, gives it; and those are there.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { benchCases } from "../../bench/cases.js";
import { REPOSITORY } from "../support/repository.js";

const cases = benchCases({ isQuick: false, withRivals: true }).map(({ name }) => name);
const architecture = readFileSync(join(REPOSITORY, "ARCHITECTURE.md"), "utf8");
const figures = /^## Figures\n(.*)/ms.exec(architecture)?.[1] ?? "";

const isTest = (name: string) => existsSync(join(REPOSITORY, "test", `${name}.test.ts`));
const isSource = (name: string) =>
  existsSync(join(REPOSITORY, name)) || existsSync(join(REPOSITORY, "src", name));
const quotedIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");

test("every row of the table of figures names a case or a test", () => {
  const rows = [...figures.matchAll(/^\| (?!what \|)(.+?) \| /gm)].map((match) => match[1] ?? "");
  assert.ok(rows.length > 15);
  const nameless = rows.filter((row) => !quotedIn(row).some((name) => cases.includes(name) || isTest(name)));
  assert.equal(nameless, []);
});

test("what looks like the name of a case or a test is one", () => {
  const named = quotedIn(figures).filter((name) => /^[a-z]+(?:-[a-z]+)*\/[\w./-]+$/.test(name));
  assert.ok(named.length > 30);
  assert.equal(
    named.filter((name) => !cases.includes(name) && !isTest(name) && !isSource(name)),
    [],
  );
});

test.run();
