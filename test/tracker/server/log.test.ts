import { Writable } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LogLevel } from "../../../src/core/log-level.js";
import { openLog, Seldom, type TrackerLog } from "../../../src/tracker/server/log.js";
import { FakeClock } from "./stores/store-rig.js";

async function written(level: LogLevel, say: (log: TrackerLog) => void): Promise<string> {
  let text = "";
  const out = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  say(await openLog(level, out));
  return text;
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

test("a log is JSON, one object a line, with level, time, process and what happened", async () => {
  const [line, ...more] = linesOf(
    await written("info", (log) => log.info({ endpoint: "[::]:8080" }, "listening")),
  );
  assert.equal(more, []);
  const { time, ...rest } = line ?? {};
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.equal(rest, { level: "info", pid: process.pid, endpoint: "[::]:8080", msg: "listening" });
});

test("nothing below the level is written, and nothing at all when it is silent", async () => {
  const sayAll = (log: TrackerLog): void => {
    log.debug({}, "d");
    log.info({}, "i");
    log.warn({}, "w");
    log.error({}, "e");
  };
  const messages = async (level: LogLevel) => linesOf(await written(level, sayAll)).map(({ msg }) => msg);
  assert.equal(await messages("debug"), ["d", "i", "w", "e"]);
  assert.equal(await messages("warn"), ["w", "e"]);
  assert.equal(await messages("silent"), []);
});

test("an error stands there with its stack", async () => {
  const text = await written("error", (log) => log.error({ err: new RangeError("too far") }, "unexpected"));
  const [line] = linesOf(text);
  assert.match(JSON.stringify(line?.["err"]), "RangeError: too far");
  assert.match(JSON.stringify(line?.["err"]), "log.test.js");
});

test("what strangers say neither steers a terminal nor makes lines of its own", async () => {
  const hostile = 'a\n{"level":"info"}\r\u001b[2J\u009b2J\u202e\u2028\u007f\ud800"\\';
  const text = await written("info", (log) => log.info({ agent: hostile, [hostile]: 1 }, hostile));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.not.match(text.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u202e\u2028]/);
  const [line, ...more] = linesOf(text);
  assert.equal(more, []);
  assert.is(String(line?.["agent"]).replace("\ufffd", "\ud800"), hostile);
});

test("what happens all the time is said once in a while, with how often it was", () => {
  const clock = new FakeClock();
  const seldom = new Seldom(10_000, clock);
  const said: number[] = [];
  for (let n = 0; n < 25; n++) {
    seldom.happened((times) => said.push(times));
    clock.advance(1_000);
  }
  assert.equal(said, [1, 10, 10]);
});

test.run();
