import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { quoted } from "../../src/core/characters.js";
import {
  comparePaths,
  linkProblem,
  nameProblem,
  pathProblem,
  sortEntries,
  unsupportedNames,
} from "../../src/manifest/names.js";

test("ordinary names of any script pass", () => {
  for (const name of [
    "a",
    "a b",
    ".hidden",
    "...",
    "日本語.txt",
    "naïve",
    "😀",
    "con",
    "a:b",
    "a\\b",
    "x ",
    "x.",
  ]) {
    assert.is(nameProblem(name), undefined, name);
    assert.is(pathProblem(`dir/${name}/file`), undefined, name);
  }
  assert.is(nameProblem("é".repeat(127)), undefined);
  assert.is(nameProblem("a".repeat(255)), undefined);
});

test("a name with any forbidden character is refused", () => {
  const ranges = [
    [0, 0x1f],
    [0x7f, 0x9f],
    [0x61c, 0x61c],
    [0x200e, 0x200f],
    [0x202a, 0x202e],
    [0x2066, 0x2069],
  ] as const;
  const forbidden = new Set(
    ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index)),
  );
  for (let code = 0; code < 0xd800; code++) {
    const refused = nameProblem(`a${String.fromCharCode(code)}b`) !== undefined;
    assert.is(refused, forbidden.has(code) || code === 0x2f, `U+${code.toString(16)}`);
  }
});

test("names that are empty, dots, too long, lone surrogates or hold a slash are refused", () => {
  for (const name of [
    "",
    ".",
    "..",
    "/",
    "a/b",
    "a".repeat(256),
    "é".repeat(128),
    "\ud800",
    "a\udc00b",
    "\udc00\ud800",
  ]) {
    assert.type(nameProblem(name), "string", JSON.stringify(name));
  }
});

test("paths that are absolute or have a bad component are refused", () => {
  for (const path of [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    "./a",
    "a/./b",
    "a/..",
    "../a",
    `a/${"b".repeat(256)}`,
    "a/\u0000",
  ]) {
    assert.type(pathProblem(path), "string", JSON.stringify(path));
  }
});

test("a path of a hundred thousand components is judged in one pass", () => {
  assert.is(pathProblem("a/".repeat(100_000).slice(0, -1)), undefined);
});

test("links may point about inside the share", () => {
  const inside = [
    ["a", "b"],
    ["a", "."],
    ["d/a", ".."],
    ["d/a", "../b"],
    ["d/e/a", ".././../x/y"],
    ["a", "d//e/"],
    ["a", "missing"],
  ] as const;
  for (const [path, target] of inside)
    assert.is(linkProblem(path, target), undefined, `${path} -> ${target}`);
});

test("links that leave the share, even on their way, are refused", () => {
  const outside = [
    ["a", ".."],
    ["a", "../share/b"],
    ["d/a", "../../b"],
    ["d/a", "x/../../../y"],
    // Harmless by its text, but d/x may be a link to "..", and then this is the share's parent.
    ["m", "d/x/../.."],
    ["d/e/a", "../../x/../y"],
    ["a", "/etc/passwd"],
    ["a", ""],
    ["a", "b\u0000c"],
    ["a", "b\u202ec"],
    ["a", "\ud800"],
    ["a", "b/".repeat(2048)],
  ] as const;
  for (const [path, target] of outside)
    assert.type(linkProblem(path, target), "string", `${path} -> ${target}`);
});

test("paths are compared by their UTF-8 bytes", () => {
  const path = fc.string({
    unit: fc.constantFrom("a", "b", "/", "-", "é", "\uffff", "\ue000", "😀", "\u{10ffff}"),
  });
  fc.assert(
    fc.property(path, path, (a, b) => {
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.is(Math.sign(comparePaths(a, b)), expected);
    }),
    { numRuns: 2000 },
  );
});

test("sortEntries sorts by UTF-8 bytes where UTF-16 would not, and leaves its argument alone", () => {
  const entries = [{ path: "😀" }, { path: "\uffff" }, { path: "a" }];
  assert.equal(sortEntries(entries), [{ path: "a" }, { path: "\uffff" }, { path: "😀" }]);
  assert.is(entries[0]?.path, "😀");
});

const badPaths = (paths: readonly string[], platform: NodeJS.Platform, caseInsensitive = false) =>
  unsupportedNames(paths, platform, caseInsensitive).map(({ path }) => path);

test("Windows cannot hold its reserved names and characters", () => {
  const bad = [
    "a\\b",
    "a:b",
    "d/CON",
    "nul.txt",
    "com1",
    "Lpt9.log",
    "COM¹",
    "con .x",
    "a.",
    "d /x",
    "a*",
    "x?y",
    "a|b",
  ];
  assert.equal(badPaths([...bad, "console", "com10", "a.b", "null", "lpt"], "win32"), bad);
  assert.equal(badPaths(bad, "linux"), []);
});

test("a disk that ignores case cannot hold names that are equal after folding", () => {
  assert.equal(badPaths(["Readme", "readme"], "linux"), []);
  assert.equal(badPaths(["Readme", "readme"], "linux", true), ["readme"]);
  assert.equal(badPaths(["Straße/a", "STRASSE/b", "other/a", "other/A"], "win32", true), [
    "STRASSE/b",
    "other/A",
  ]);
  assert.equal(badPaths(["a/x", "b/X"], "win32", true), []);
});

test("a macOS disk cannot hold two forms of one name", () => {
  assert.equal(badPaths(["\u00e9", "e\u0301"], "darwin"), ["e\u0301"]);
  assert.equal(badPaths(["\u00e9", "e\u0301"], "linux"), []);
});

test("no disk holds a path of more than 4,095 bytes", () => {
  const path = "0123456789abcde/".repeat(256).slice(0, -1);
  assert.equal(badPaths([path, `${path}x`], "linux"), [`${path}x`]);
});

test("names are quoted with their forbidden characters spelled out and cut where long", () => {
  assert.is(quoted("a\u001b[31m\u202e\ud800😀"), '"a<U+001B>[31m<U+202E><U+D800>😀"');
  assert.ok(quoted("x".repeat(10_000)).length < 400);
});

test.run();
