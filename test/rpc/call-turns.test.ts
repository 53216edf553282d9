import { test } from "uvu";
import * as assert from "uvu/assert";
import { CallTurns } from "../../src/rpc/call-turns.js";
import { ManualTime } from "../support/manual-time.js";

const FLOODER = "192.0.2.1";
const OTHER = "192.0.2.2";

function withTurns(use: (turns: CallTurns, time: ManualTime, called: string[]) => void): void {
  const time = new ManualTime();
  use(new CallTurns(2, 100, time), time, []);
}

/** A call that has ended when it returns. */
function short(called: string[], name: string): () => undefined {
  return () => {
    called.push(name);
  };
}

test("an address has a few calls in a turn, the rest in later turns and in their order", () => {
  withTurns((turns, time, called) => {
    for (let n = 0; n < 5; n++) turns.take(FLOODER, short(called, `${n}`));
    assert.equal(called, ["0", "1"]);
    turns.take(OTHER, short(called, "other"));
    assert.equal(called, ["0", "1", "other"]);
    time.advance(0);
    assert.equal(called, ["0", "1", "other", "2", "3", "4"]);
  });
});

test("what comes while others of its address wait comes after them", () => {
  withTurns((turns, time, called) => {
    const flood = (from: number) => {
      for (let n = from; n < from + 3; n++) turns.take(FLOODER, short(called, `${n}`));
    };
    flood(0);
    flood(3);
    time.advance(1);
    flood(6);
    time.advance(1);
    assert.equal(called, ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
  });
});

test("an address that waits keeps nobody else waiting, and a /64 is one address", () => {
  withTurns((turns, _time, called) => {
    for (let n = 0; n < 100; n++) turns.take(`2001:db8::${n.toString(16)}`, short(called, "flood"));
    assert.is(called.length, 2);
    for (let n = 0; n < 50; n++) turns.take(`192.0.2.${n}`, short(called, "other"));
    assert.is(called.length, 52);
  });
});

test("an address that has as many waiting as it may is turned away, and what waits is dropped at the end", () => {
  withTurns((turns, time, called) => {
    const taken = Array.from({ length: 110 }, () => turns.take(FLOODER, short(called, "flood")));
    assert.equal([...new Set(taken)], ["begun", "waits", "turnedAway"]);
    assert.is(taken.filter((turn) => turn !== "turnedAway").length, 102);
    assert.is(taken.at(-1), "turnedAway");
    time.advance(0);
    assert.is(called.length, 102);
    for (let n = 0; n < 4; n++) turns.take(FLOODER, short(called, `late ${n}`));
    turns.close();
    time.advance(1);
    assert.equal(called.slice(102), ["late 0", "late 1"]);
    assert.is(turns.take(FLOODER, short(called, "after the end")), "turnedAway");
    assert.is(called.length, 104);
  });
});

test("a call that goes on keeps its place in later turns, until it has ended", async () => {
  const time = new ManualTime();
  const turns = new CallTurns(1, 100, time);
  const called: string[] = [];
  const ends: (() => void)[] = [];
  const long = (name: string) => () => {
    called.push(name);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  for (const name of ["1", "2", "3"]) turns.take(FLOODER, long(name));
  turns.take(OTHER, long("other"));
  time.advance(10);
  assert.equal(called, ["1", "other"]);
  for (const expected of [
    ["1", "other", "2"],
    ["1", "other", "2", "3"],
  ]) {
    ends[expected.length === 3 ? 0 : 2]?.();
    await Promise.resolve();
    assert.is(called.length, expected.length - 1, "not in the turn in which it ends");
    time.advance(0);
    assert.equal(called, expected);
  }
});

test("calls of this machine never wait", () => {
  withTurns((turns, _time, called) => {
    for (const host of ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
      for (let n = 0; n < 10; n++) turns.take(host, short(called, host));
    assert.is(called.length, 40);
  });
});

test.run();
