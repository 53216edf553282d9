import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fold } from "../../src/cli/render/fold.js";
import { cellWidth } from "../../src/cli/render/printable.js";

test("a text that fits stays as it is, blanks and all", () => {
  assert.equal(fold("  content id  ab", 16), ["  content id  ab"]);
});

test("what does not fit goes on in the next line, further in than where lines begin", () => {
  assert.equal(fold("error: the disk is full", 16), ["error: the disk", "  is full"]);
  assert.equal(fold("  free some room there", 16), ["  free some room", "  there"]);
  assert.equal(fold("name        a long one", 18, 12), ["name        a long", `${" ".repeat(12)}one`]);
});

test("a word that is longer than the terminal has a line of its own, unbroken", () => {
  assert.equal(fold("see /data/downloads/film.mkv now", 12), ["see", "/data/downloads/film.mkv", "  now"]);
});

test("a command at the end is not broken", () => {
  assert.equal(fold("to go on, run: goshare download x --seed", 30), [
    "to go on, run:",
    "  goshare download x --seed",
  ]);
});

test("colours take no room", () => {
  assert.equal(fold("\u001b[31merror:\u001b[39m no", 9), ["\u001b[31merror:\u001b[39m no"]);
});

test("no line is too long but for single words, and no word is lost", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "漢", "e"), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 4, max: 60 }), (words, columns) => {
      const lines = fold(words.join(" "), columns);
      assert.equal(
        lines.flatMap((line) => line.trim().split(" ")),
        words,
      );
      for (const line of lines) assert.ok(cellWidth(line) <= columns || !line.trim().includes(" "), line);
    }),
  );
});

test.run();
