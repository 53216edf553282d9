import { PassThrough, Readable } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeTicket } from "../../src/address/ticket.js";
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

const TICKET = encodeTicket({ contentId: CONTENT_ID, name: "photos", trackers: [], peers: [] });

test("- is the first line of standard input, however it comes", async () => {
  const ways = [
    text("goshare1x\n"),
    text("goshare1x"),
    text("  goshare1x\r\nand more\n"),
    text("gosh", "are", "1x\nmo", "re"),
  ];
  for (const stdin of ways) assert.equal((await downloaded(["-"], { stdin })).whats, ["goshare1x"]);
});

test("what follows the line, or the ticket, is not waited for", async () => {
  for (const what of [TICKET, CONTENT_ID, "dir/photos.goshare", "goshare1.goshare"]) {
    const stdin = new PassThrough();
    stdin.write(`${what}\n`);
    assert.equal((await downloaded(["-"], { stdin })).whats, [what]);
    assert.ok(stdin.destroyed);
  }
});

test("a ticket that was broken over several lines is read to its end", async () => {
  const [first, second, third] = [TICKET.slice(0, 20), TICKET.slice(20, 60), TICKET.slice(60)];
  for (const broken of [
    `${first}\n${second}\n${third}\n`,
    `  ${first}\r\n  ${second}\r\n  ${third}\r\n`,
    `goshare download ${first}\n${second}${third}`,
  ]) {
    for (const chunks of [[broken], [...broken]]) {
      const stdin = new PassThrough();
      for (const chunk of chunks) stdin.write(chunk);
      if (!broken.endsWith("\n")) stdin.end();
      const [what = "", ...others] = (await downloaded(["-"], { stdin })).whats;
      assert.is(what.replace("goshare download", "").replace(/\s/g, ""), TICKET);
      assert.equal(others, []);
    }
  }
});

test("a ticket that never becomes whole is its first line, and an empty line ends it", async () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  stdin.write("goshare1x\n\n");
  const { whats, cli } = await downloaded(["-"], { stdin });
  assert.equal(whats, ["goshare1x"]);
  assert.match(cli.stderr(), "the ticket is not complete: paste the rest, or press Enter again");
  assert.equal((await downloaded(["-"], { stdin: text("goshare1x\n", "y".repeat(5000)) })).whats, [
    "goshare1x",
  ]);
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
