// Every flag of the command line is used by a test, and every command shows how it is used.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OPTIONS } from "../../src/cli/option-table.js";
import { sourceFiles } from "../support/repository.js";

const tests = sourceFiles("test")
  .filter(({ path }) => !path.startsWith("test/meta/"))
  .map(({ text }) => text)
  .join("\n");

test("every flag is used by a test", () => {
  const unused = Object.values(OPTIONS)
    .map(({ names }) => names.split(",").at(-1) ?? "")
    .filter((flag) => !new RegExp(`${flag}(?![a-z-])`).test(tests));
  assert.equal(unused, []);
});

test("every command has examples and a description", () => {
  const commands = sourceFiles("src").filter(({ path }) => path.startsWith("src/cli/commands/"));
  assert.ok(commands.length >= 5);
  for (const { path, text } of commands) {
    assert.match(text, /usage = Command\.Usage\(\{/, path);
    assert.match(text, /examples: \[/, path);
    assert.match(text, /details: /, path);
  }
});

test.run();
