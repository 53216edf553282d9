// The committed headers against this implementation, and against an encoder in another language.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GoshareError } from "../../src/core/errors.js";
import type { FrameHeader } from "../../src/peer/messages.js";
import { decodeHeader, encodeHeader } from "../../src/peer/wire.js";
import { runTool } from "../support/repository.js";
import { FRAMES, GOOD_FRAMES } from "./frame-cases.js";

type Expected = FrameHeader | { readonly error: string };

const index: Readonly<Record<string, Expected>> = JSON.parse(
  await readFile(new URL("index.json", FRAMES), "utf8"),
);

const read = (name: string) => readFile(new URL(`${name}.binpb`, FRAMES));

const endingWith = async (ending: string) =>
  (await readdir(FRAMES))
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));

test("every vector is in the index", async () => {
  assert.equal((await endingWith(".binpb")).sort(), Object.keys(index).sort());
});

test("every vector is read as the index says", async () => {
  for (const [name, expected] of Object.entries(index)) {
    const bytes = await read(name);
    if (!("error" in expected)) {
      assert.equal(decodeHeader(bytes), expected, name);
      continue;
    }
    try {
      decodeHeader(bytes);
      assert.unreachable(`${name} was read`);
    } catch (thrown) {
      assert.ok(thrown instanceof GoshareError, name);
      assert.is(thrown.code, expected.error, name);
    }
  }
});

test("every good vector is written to exactly its bytes", async () => {
  for (const name of Object.keys(GOOD_FRAMES)) {
    const expected = index[name];
    if (expected === undefined || "error" in expected) throw new Error(`${name} is good`);
    assert.is(Buffer.from(encodeHeader(expected)).toString("hex"), (await read(name)).toString("hex"), name);
  }
});

test("another encoder makes the same bytes of each good vector's JSON", async () => {
  for (const name of Object.keys(GOOD_FRAMES)) {
    const from = fileURLToPath(new URL(`${name}.json`, FRAMES));
    const wanted = fileURLToPath(new URL(`${name}.binpb`, FRAMES));
    const output = `${fileURLToPath(new URL("../", import.meta.url))}converted.binpb`;
    const args = ["convert", "proto", "--type", "goshare.v1.PeerFrame"];
    const result = await runTool("buf", [
      ...args,
      ...["--from", `${from}#format=json`, "--to", `${output}#format=binpb`],
    ]);
    assert.is(result.exitCode, 0, `${name}: ${result.output}`);
    assert.equal(await readFile(output), await readFile(wanted), name);
  }
});

test.run();
