import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { filesBelow, REPOSITORY, runTool } from "../support/repository.js";

const BASELINE = join(REPOSITORY, "proto/baseline/v1.binpb");

async function inCopy(work: (copy: string) => Promise<void>): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), "goshare-protos-"));
  try {
    for (const name of ["proto", "buf.yaml", "buf.gen.yaml"]) {
      await cp(join(REPOSITORY, name), join(copy, name), { recursive: true });
    }
    await work(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function change(copy: string, file: string, from: string | RegExp, to: string): Promise<void> {
  const path = join(copy, "proto/goshare/v1", file);
  const before = await readFile(path, "utf8");
  const after = before.replace(from, to);
  assert.is.not(after, before, `${file} holds what this test changes`);
  await writeFile(path, after);
}

const breaking = (cwd: string) => runTool("buf", ["breaking", "--against", BASELINE], cwd);

test("the protos pass lint: names, comments on everything", async () => {
  const { exitCode, output } = await runTool("buf", ["lint"]);
  assert.is(exitCode, 0, output);
});

test("the protos are formatted", async () => {
  const { exitCode, output } = await runTool("buf", ["format", "--diff", "--exit-code"]);
  assert.is(exitCode, 0, output);
});

test("nothing breaks programs that were built on the baseline", async () => {
  const { exitCode, output } = await breaking(REPOSITORY);
  assert.is(exitCode, 0, output);
});

for (const [what, file, from, to] of [
  ["a removed field", "peer.proto", /^ *uint32 listen_port = \d+;\n/m, ""],
  ["a renumbered field", "manifest.proto", /(uint32 chunk_size = )\d+;/, "$1 99;"],
  ["a changed type", "event.proto", /uint64 eta_ms/, "string eta_ms"],
  ["a renamed field, which is a key of the JSON", "event.proto", /string ticket = 2/, "string line = 2"],
  ["a removed call", "tracker.proto", /^ *rpc GetTrackerInfo.*\n/m, ""],
] as const) {
  test(`${what} is noticed as a break`, () =>
    inCopy(async (copy) => {
      await change(copy, file, from, to);
      const { exitCode, output } = await breaking(copy);
      assert.is(exitCode, 100, output);
      assert.match(output, file);
    }));
}

test("an added field is no break", () =>
  inCopy(async (copy) => {
    await change(
      copy,
      "event.proto",
      /^message Stopped \{\n/m,
      "message Stopped {\n  // New.\n  string more = 15;\n",
    );
    const { exitCode, output } = await breaking(copy);
    assert.is(exitCode, 0, output);
  }));

test("gen/ is what the protos generate", () =>
  inCopy(async (copy) => {
    const { exitCode, output } = await runTool("buf", ["generate"], copy);
    assert.is(exitCode, 0, output);
    const committed = filesBelow("gen", ".ts");
    assert.ok(committed.length > 0);
    for (const { path, text } of committed) {
      assert.is(await readFile(join(copy, path), "utf8"), text, `${path}: run pnpm generate`);
    }
    const protos = filesBelow("proto/goshare", ".proto");
    assert.is(committed.length, protos.length, "a generated file for each proto");
  }));

test.run();
