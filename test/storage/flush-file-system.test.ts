// A file system is asked to write itself out for many files, and nothing waits for the answer if there is none.
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { flushFileSystem } from "../../src/storage/files/flush-file-system.js";
import { scratchFolders, testUnless } from "./scratch.js";

const scratch = scratchFolders("flush");
const notLinux = process.platform === "linux" ? undefined : "it is there on Linux only";

/** A program that writes down what it was given, and ends with `exitCode`. */
function recorder(exitCode: number): { readonly program: string; readonly calls: () => string } {
  const folder = scratch();
  const [program, log] = [path.join(folder, "sync"), path.join(folder, "log")];
  fs.writeFileSync(log, "");
  fs.writeFileSync(program, `#!/bin/sh\necho "$@" >> ${log}\nexit ${exitCode}\n`, { mode: 0o755 });
  return { program, calls: () => fs.readFileSync(log, "utf8") };
}

testUnless(notLinux, "the file system of a folder is written out where there are many files", async () => {
  for (const exitCode of [0, 1]) {
    const { program, calls } = recorder(exitCode);
    await flushFileSystem("/a folder", 20_000, program);
    assert.is(calls(), "-f /a folder\n");
  }
});

testUnless(notLinux, "for a few files no program is run", async () => {
  const { program, calls } = recorder(0);
  await flushFileSystem("/a folder", 3, program);
  assert.is(calls(), "");
});

test("where there is no such program, or it cannot be run, nothing happens", async () => {
  const folder = scratch();
  const noProgram = path.join(folder, "text");
  fs.writeFileSync(noProgram, "");
  // Of these Node tells one by an event, one by throwing.
  for (const program of [path.join(folder, "none"), noProgram, `${noProgram}\0`])
    await flushFileSystem(folder, 20_000, program);
});

test.run();
