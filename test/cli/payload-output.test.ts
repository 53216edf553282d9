import { PassThrough } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { payloadOutput } from "../../src/cli/payload-output.js";
import { GoshareError } from "../../src/core/errors.js";
import { startFakeCli } from "../support/fake-cli.js";

test("a pipe is written to as it is", () => {
  const stream = new PassThrough();
  assert.is(payloadOutput(stream), stream);
});

test("a terminal is not written to: what it is sent could do anything to it", () => {
  try {
    payloadOutput(Object.assign(new PassThrough(), { isTTY: true }));
    assert.unreachable();
  } catch (thrown) {
    const { code, hint } = GoshareError.from(thrown);
    assert.is(code, "USAGE");
    assert.match(hint, "--output DIR");
  }
});

test("options that mean a folder are refused beside it", async () => {
  for (const option of ["--seed", "--overwrite", "--rename"]) {
    const cli = startFakeCli(["download", "x", "--output", "-", option]);
    assert.is(await cli.exitCode, 2);
    assert.is(cli.stdout(), "");
    assert.match(cli.stderr(), `${option} cannot be used together`);
  }
});

test.run();
