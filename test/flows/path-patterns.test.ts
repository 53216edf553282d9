import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { pathMatcher } from "../../src/flows/sharing/path-patterns.js";

function matching(patterns: readonly string[], paths: readonly string[]): readonly string[] {
  return paths.filter(pathMatcher(patterns));
}

const PATHS = [
  ".git",
  ".git/config",
  "a.tmp",
  "build",
  "build/x.o",
  "src/a.ts",
  "src/deep/b.tmp",
  "src/build",
];

test("a pattern without a slash matches names in every folder, also those that begin with a dot", () => {
  assert.equal(matching(["*.tmp"], PATHS), ["a.tmp", "src/deep/b.tmp"]);
  assert.equal(matching([".git"], PATHS), [".git", ".git/config"]);
  assert.equal(matching(["build"], PATHS), ["build", "build/x.o", "src/build"]);
});

test("a pattern with a slash matches whole paths, and a folder all in it", () => {
  assert.equal(matching(["src/*"], PATHS), ["src/a.ts", "src/deep/b.tmp", "src/build"]);
  assert.equal(matching(["**/b.tmp"], PATHS), ["src/deep/b.tmp"]);
  assert.equal(matching(["build/**"], PATHS), ["build", "build/x.o"]);
  assert.equal(matching(["build/"], PATHS), ["build", "build/x.o", "src/build"]);
});

test("several patterns match what any of them matches, and none match nothing", () => {
  assert.equal(matching(["*.ts", "*.o"], PATHS), ["build/x.o", "src/a.ts"]);
  assert.equal(matching([], PATHS), []);
});

test("a pattern that begins with an exclamation mark is a name like any other", () => {
  assert.equal(matching(["!a"], ["!a", "b"]), ["!a"]);
});

test("an empty pattern and one longer than any path are refused", () => {
  for (const pattern of ["", "x".repeat(5_000)]) {
    assert.throws(
      () => pathMatcher([pattern]),
      (error: unknown) => error instanceof GoshareError && error.code === "USAGE",
    );
  }
});

test("a class that does not end is refused, but for a bracket that stands for itself", () => {
  for (const pattern of ["[", "a[b*", "src/[a/b]", "[!x"]) {
    assert.throws(
      () => pathMatcher([pattern]),
      (error: unknown) => error instanceof GoshareError && /has a \[ without a \]/.test(error.message),
      pattern,
    );
  }
  const odd = ["[", "a[b", "]", "x"];
  assert.equal(matching(["\\[", "a[[]b", "[]]"], odd), ["[", "a[b", "]"]);
});

test.run();
