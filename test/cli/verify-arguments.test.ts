import { test } from "uvu";
import * as assert from "uvu/assert";
import type { VerifyOptions } from "../../src/flows/verify.js";
import { CONTENT_ID, startFakeCli } from "../support/fake-cli.js";

async function verifyOptions(...argv: readonly string[]): Promise<VerifyOptions> {
  const seen: VerifyOptions[] = [];
  const cli = startFakeCli(["verify", ...argv], {
    flows: {
      verify: async () => ({
        verify: async (options) => {
          seen.push(options);
          return { contentId: CONTENT_ID, bytes: 0, path: "", bytesReceived: 0, bytesWasted: 0 };
        },
      }),
    },
  });
  assert.is(await cli.exitCode, 0, cli.stderr());
  const [options] = seen;
  if (options === undefined) throw new Error("the flow was not called");
  return options;
}

test("verify changes nothing and needs nobody unless it is told to", async () => {
  const options = await verifyOptions("x.goshare", "x");
  assert.equal(
    [options.what, options.path, options.sums, options.repair],
    ["x.goshare", "x", false, undefined],
  );
  assert.is(options.timeoutMs, 5 * 60_000);
});

test("every option of verify reaches the flow", async () => {
  const rest = ["--tracker", "192.0.2.1", "--timeout=2s", "--repair", "--sha256sum", "--download-limit=1MiB"];
  const options = await verifyOptions("x.goshare", "x", ...rest);
  assert.equal([options.sums, options.timeoutMs, options.probeLocalTracker], [true, 2_000, false]);
  assert.is(options.repair?.downloadBudget?.bytesPerSecond, 1024 * 1024);
});

test("verify without a path is refused with a way to help", async () => {
  const cli = startFakeCli(["verify", "x.goshare"]);
  assert.is(await cli.exitCode, 2);
  assert.match(cli.stderr(), "see: goshare verify --help");
});

test.run();
