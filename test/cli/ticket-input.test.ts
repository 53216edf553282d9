import { PassThrough, Readable } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CONTENT_ID, type FakeCli, startFakeCli } from "../support/fake-cli.js";
import { until } from "../support/until.js";

/** Runs a download that ends at once; what it was told to download. */
async function downloaded(
  argv: readonly string[],
  around: { stdin?: Readable; env?: Record<string, string> },
): Promise<{ whats: readonly string[]; cli: FakeCli; exitCode: number }> {
  const whats: string[] = [];
  const cli = startFakeCli(["download", ...argv], {
    ...around,
    flows: {
      download: async () => ({
        download: async ({ what }) => {
          whats.push(what);
          const counters = { bytes: 0, bytesReceived: 0, bytesWasted: 0, elapsedMs: 0, slowTimes: [] };
          return { path: "p", contentId: CONTENT_ID, ...counters };
        },
      }),
    },
  });
  return { exitCode: await cli.exitCode, whats, cli };
}

const text = (...chunks: readonly (string | Buffer)[]) => Readable.from(chunks, { objectMode: false });

test("- is the first line of standard input, however it comes", async () => {
  const ways = [
    text("goshare1x\n"),
    text("goshare1x"),
    text("  goshare1x\r\nand more\n"),
    text("gosh", "are", "1x\nmo", "re"),
  ];
  for (const stdin of ways) assert.equal((await downloaded(["-"], { stdin })).whats, ["goshare1x"]);
});

test("what follows the line is not waited for", async () => {
  const stdin = new PassThrough();
  stdin.write("goshare1x\n");
  assert.equal((await downloaded(["-"], { stdin })).whats, ["goshare1x"]);
  assert.ok(stdin.destroyed);
});

test("a line that is empty or never ends is refused", async () => {
  for (const stdin of [
    text(""),
    text("\ngoshare1x\n"),
    text("x".repeat(4097)),
    text("x".repeat(1e6), "\n"),
  ]) {
    const { exitCode, cli, whats } = await downloaded(["-"], { stdin });
    assert.equal([exitCode, whats], [2, []]);
    assert.match(cli.stderr(), /standard input/);
  }
});

test("a signal is heard while a ticket is waited for", async () => {
  const stdin = new PassThrough();
  const cli = startFakeCli(["download", "-"], { stdin });
  await until(() => stdin.listenerCount("readable") > 0);
  cli.sendSignal("SIGINT");
  assert.is(await cli.exitCode, 130);
});

test("at a terminal it is said what is waited for", async () => {
  const stdin = Object.assign(text("goshare1x\n"), { isTTY: true });
  assert.match((await downloaded(["-"], { stdin })).cli.stderr(), "paste the ticket");
  assert.not.match((await downloaded(["-"], { stdin: text("x\n") })).cli.stderr(), "paste");
});

test("GOSHARE_TICKET counts where no WHAT is given", async () => {
  const env = { GOSHARE_TICKET: " goshare1env\n" };
  assert.equal((await downloaded([], { env })).whats, ["goshare1env"]);
  assert.equal((await downloaded(["goshare1x"], { env })).whats, ["goshare1x"]);
  assert.is((await downloaded([], { env: { GOSHARE_TICKET: " " } })).exitCode, 2);
});

test("- may stand once", async () => {
  const { exitCode, cli } = await downloaded(["-", "-"], { stdin: text("goshare1x\n") });
  assert.is(exitCode, 2);
  assert.match(cli.stderr(), "more than once");
});

test.run();
