import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import { Globs } from "../../src/core/globs.js";

const PATHS = [
  "a.jpg",
  "b.txt",
  ".hidden",
  "photos/a.jpg",
  "photos/2024/b.jpg",
  "photos/2024/notes.txt",
  "photos/2025/.thumbs/c.jpg",
  "other/photos/d.jpg",
  "odd [1] {x,y}.jpg",
  "back\\slash.jpg",
  "#hash.jpg",
  "!bang.jpg",
];

const meant = (...patterns: string[]) => {
  const globs = new Globs(patterns, "--select");
  return PATHS.filter((path) => globs.matches(path));
};

test("a pattern without a slash is a name, wherever it stands", () => {
  assert.equal(meant("*.txt"), ["b.txt", "photos/2024/notes.txt"]);
  assert.equal(meant("?.jpg"), [
    "a.jpg",
    "photos/a.jpg",
    "photos/2024/b.jpg",
    "photos/2025/.thumbs/c.jpg",
    "other/photos/d.jpg",
  ]);
  assert.equal(meant(".hidden"), [".hidden"]);
});

test("a pattern with a slash is a place in the share", () => {
  assert.equal(meant("photos/*.jpg"), ["photos/a.jpg"]);
  assert.equal(meant("/*.txt"), ["b.txt"]);
  assert.equal(meant("photos/**/*.jpg"), ["photos/a.jpg", "photos/2024/b.jpg", "photos/2025/.thumbs/c.jpg"]);
  assert.equal(meant("**/photos/*.jpg"), ["photos/a.jpg", "other/photos/d.jpg"]);
});

test("a folder stands for all that is in it", () => {
  const in2024 = ["photos/2024/b.jpg", "photos/2024/notes.txt"];
  assert.equal(meant("photos/2024"), in2024);
  assert.equal(meant("photos/2024/"), in2024);
  assert.equal(meant("2024"), in2024);
  assert.equal(meant("photos/2024/**"), in2024);
  assert.equal(meant("/2024/**"), []);
  assert.equal(meant("/other"), ["other/photos/d.jpg"]);
  assert.equal(meant("photos").length, 5);
});

test("! takes out again, in whatever order, and alone leaves all the others", () => {
  assert.equal(meant("photos", "!*.txt", "!2025"), [
    "photos/a.jpg",
    "photos/2024/b.jpg",
    "other/photos/d.jpg",
  ]);
  assert.equal(meant("!*.txt", "photos", "!2025"), meant("!2025", "!*.txt", "photos"));
  assert.is(meant("!photos").length, PATHS.length - 5);
});

test("several patterns mean what any of them means", () => {
  assert.equal(meant("b.*", "/a.jpg"), ["a.jpg", "b.txt", "photos/2024/b.jpg"]);
  assert.equal(meant("{a,b}.jpg").length, 3);
});

test("characters of patterns can be meant as they are", () => {
  assert.equal(meant("odd \\[1\\] \\{x,y\\}.jpg"), ["odd [1] {x,y}.jpg"]);
  assert.equal(meant("#hash.jpg"), ["#hash.jpg"]);
  assert.equal(meant("\\!bang.jpg"), ["!bang.jpg"]);
  assert.equal(meant("back\\\\slash.jpg"), ["back\\slash.jpg"]);
});

test("what is no pattern, or too much, is refused by the name of what gave it", () => {
  for (const patterns of [
    [""],
    ["!"],
    ["/"],
    ["x".repeat(1025)],
    Array.from({ length: 257 }, (_, i) => `${i}`),
  ]) {
    try {
      new Globs(patterns, "--select");
      assert.unreachable();
    } catch (thrown) {
      const error = GoshareError.from(thrown);
      assert.is(error.code, "USAGE");
      assert.match(error.message, "--select");
    }
  }
});

test("patterns are told apart by what they are, not by their order", () => {
  assert.equal(new Globs(["b", "a", "b"], "x").patterns, ["a", "b"]);
});

test("names made to be slow to compare are not", () => {
  const globs = new Globs(["*a*a*a*a*a*b", "+(a|aa)b", "**/*a*/**/*b*/**/c"], "--select");
  const begunMs = performance.now();
  for (let count = 0; count < 100; count++) {
    globs.matches("a".repeat(255));
    globs.matches(`${"a/b/".repeat(60)}x`);
  }
  assert.ok(performance.now() - begunMs < 5_000);
});

test.run();
