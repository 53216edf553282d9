import { test } from "uvu";
import * as assert from "uvu/assert";
import { type SourceFile, sourceFiles } from "../support/repository.js";

const files = sourceFiles("src", "test", "bench");

/** They say nothing about what is inside. */
const EMPTY_WORDS = /^(?:utils?|helpers?|common|misc|managers?|types)$/;

/** What other programs call a chunk, a peer, a share. */
const FOREIGN_WORDS = /^(?:pieces?|blocks?|nodes?|torrents?)$/;

const EXPORTED = /^export (?:abstract )?(?:async )?(?:class|function|const|let|interface|type|enum) (\w+)/gm;

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

const exportsOf = ({ text }: SourceFile): string[] =>
  [...text.matchAll(EXPORTED)].map((match) => match[1] ?? "");

test("files and folders have kebab-case names that say something", () => {
  for (const { path } of files) {
    assert.match(path, /^[a-z0-9]+(?:[-/.][a-z0-9]+)*\.ts$/);
    for (const word of wordsOf(path.replace(/\.ts$/, ""))) {
      assert.not(EMPTY_WORDS.test(word) || FOREIGN_WORDS.test(word), `${path} says "${word}"`);
    }
  }
});

test("what is exported keeps to the vocabulary and does without words that say nothing", () => {
  for (const file of files) {
    for (const name of exportsOf(file)) {
      for (const word of wordsOf(name)) {
        assert.not(EMPTY_WORDS.test(word) || FOREIGN_WORDS.test(word), `${file.path} exports ${name}`);
      }
    }
  }
});

test("every file below src/ begins with what it is for", () => {
  for (const { path, text } of sourceFiles("src")) {
    assert.match(text.replace(/^#!.*\n/, ""), /^\/\/ \S.{20,}/, `${path} begins with a comment`);
  }
});

test.run();
