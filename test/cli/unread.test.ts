import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { detailLines } from "../../src/cli/render/detail-lines.js";
import { JsonReporter } from "../../src/cli/render/json-reporter.js";
import { plainPalette } from "../../src/cli/render/palette.js";
import { ProgressLines } from "../../src/cli/render/progress-lines.js";
import { TextReporter } from "../../src/cli/render/text-reporter.js";
import { randomPeerId } from "../../src/core/ids.js";
import type { GoshareEvent } from "../../src/events/event.js";
import { openLog } from "../../src/tracker/server/log.js";

const MIB = 1024 ** 2;
/** More than fills what may wait for a reader. */
const LINES = 40_000;

const CONNECTED: GoshareEvent = {
  type: "peerConnected",
  peerId: randomPeerId(),
  endpoint: "192.0.2.1:9000",
  agent: "goshare/1",
  inbound: true,
};

/** Nobody reads it. */
function unread(): PassThrough {
  return new PassThrough({ highWaterMark: 1 });
}

function assertBounded(stream: PassThrough): void {
  const held = stream.writableLength + stream.readableLength;
  assert.ok(held > MIB && held < 1.1 * MIB, `${held}`);
}

test("a reader who takes no lines any more is told what ends a command, and costs no memory for what is going on", async () => {
  const stdout = unread();
  const reporter = new JsonReporter(stdout, new PassThrough(), undefined);
  for (let n = 0; n < LINES; n += 1) reporter.observe(CONNECTED);
  reporter.observe({ type: "stopped", signal: "SIGTERM", bytesSent: 0 });
  assertBounded(stdout);
  stdout.end();
  assert.match(await text(stdout), /\n\{"stopped":.*\}\n$/);
});

test("text that nobody reads costs no memory for who comes and goes, and its end is told", async () => {
  const stderr = unread();
  const parts = { stdout: new PassThrough(), palette: plainPalette, quiet: false };
  const reporter = new TextReporter({ ...parts, stderr, detail: undefined, progress: undefined });
  for (let n = 0; n < LINES; n += 1) reporter.observe(CONNECTED);
  reporter.observe({ type: "stopped", signal: "SIGTERM", bytesSent: 0 });
  assertBounded(stderr);
  stderr.end();
  assert.match(await text(stderr), /stopped.*\n$/);
});

test("details that nobody reads cost no memory", () => {
  const stderr = unread();
  const detail = detailLines(stderr);
  for (let n = 0; n < LINES; n += 1) detail("peer", "dialling 192.0.2.1:9000");
  assertBounded(stderr);
});

test("lines of progress that nobody reads cost no memory", () => {
  const stderr = unread();
  let nowMs = 0;
  const lines = new ProgressLines(stderr, { nowMs: () => nowMs });
  for (let n = 0; n < LINES; n += 1) {
    nowMs += 10_000;
    lines.show({ name: "film", verb: "sharing", bytesSent: n, bytesPerSecond: 1, peers: 1, percents: [7] });
  }
  assertBounded(stderr);
});

test("a tracker's log that nobody reads costs no memory", async () => {
  const out = unread();
  const log = await openLog("info", out);
  for (let n = 0; n < LINES; n += 1) log.info({ host: "192.0.2.1" }, "refused");
  assertBounded(out);
});

test.run();
