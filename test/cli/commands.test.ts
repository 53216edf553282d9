// What commands do beside calling a flow with options.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TrackerOptions } from "../../src/tracker/server/options.js";
import { preparedShare, startFakeCli } from "../support/fake-cli.js";

const TICKET = `goshare1${"q".repeat(90)}`;

/** What a share with these arguments says to the person at a terminal of so many columns. */
async function toldByShare(argv: readonly string[], columns: number): Promise<string> {
  const cli = startFakeCli(["share", "p", ...argv], {
    columns,
    flows: {
      share: async () => ({
        requireShareable: async () => undefined,
        prepareShare: async () => {
          setImmediate(() => setImmediate(() => cli.sendSignal("SIGINT")));
          return preparedShare({ ticket: TICKET });
        },
      }),
    },
  });
  assert.is(await cli.exitCode, 0);
  assert.is(cli.stdout(), "");
  return cli.stderr();
}

test("--qr shows the ticket as blocks that fit the terminal, and says so where they do not", async () => {
  const wide = await toldByShare(["--qr"], 80);
  const lines = wide.split("\n").filter((line) => /^[█▀▄ ]{20,}$/.test(line));
  assert.ok(lines.length > 10, wide);
  assert.ok(lines.every((line) => line.length <= 80));
  const narrow = (await toldByShare(["--qr"], 20)).replaceAll(/\s+/g, " ");
  assert.match(narrow, /the QR code needs \d+ columns, but the terminal has 20/);
  assert.not.match(await toldByShare([], 80), /█/);
});

test("a tracker trusts what peers announce, and prefers those nearby, only where it is told to", async () => {
  const seen: Partial<TrackerOptions>[] = [];
  for (const argv of [[], ["--trust-announced"], ["--prefer-near"]]) {
    const cli = startFakeCli(["tracker", "--listen", "127.0.0.1:0", ...argv], {
      flows: {
        tracker: async () => ({
          startTracker: async (options) => {
            seen.push(options);
            setImmediate(() => cli.sendSignal("SIGTERM"));
            return { endpoint: "127.0.0.1:1", close: async () => undefined };
          },
        }),
      },
    });
    assert.is(await cli.exitCode, 0, cli.stderr());
  }
  assert.equal(
    seen.map(({ trustAnnounced, preferNear }) => [trustAnnounced, preferNear]),
    [
      [false, false],
      [true, false],
      [false, true],
    ],
  );
});

test.run();
