// Who goes when under one rate, with a clock that the tests move.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KIB, MIB } from "../../src/core/units.js";
import { RateBudget } from "../../src/swarm/rate-budget.js";
import { ManualTime } from "../support/manual-time.js";

/** Sends chunks as fast as it may. */
class Sender {
  sentBytes = 0;
  sends: number[] = [];
  isDone = false;

  constructor(
    readonly budget: RateBudget,
    readonly time: ManualTime,
    readonly chunkBytes: number,
  ) {}

  readonly go = (): void => {
    while (!this.isDone && this.budget.mayBegin(this.go)) {
      this.budget.spend(this.chunkBytes);
      this.sentBytes += this.chunkBytes;
      this.sends.push(this.time.nowMs());
    }
  };
}

function senders(count: number, bytesPerSecond: number, chunkBytes: number) {
  const time = new ManualTime();
  const budget = new RateBudget(bytesPerSecond, time);
  return { time, budget, all: Array.from({ length: count }, () => new Sender(budget, time, chunkBytes)) };
}

const total = (all: readonly Sender[]) => all.reduce((sum, { sentBytes }) => sum + sentBytes, 0);

for (const count of [1, 8]) {
  for (const [rate, chunkBytes] of [
    [8 * MIB, MIB],
    [100 * MIB, MIB],
    [2 * MIB, 64 * KIB],
    [2 * MIB, 4 * MIB],
  ] as const) {
    test(`${count} at ${rate / MIB} MiB/s in chunks of ${chunkBytes / KIB} KiB send just that, with late timers`, () => {
      const { time, all } = senders(count, rate, chunkBytes);
      for (const sender of all) sender.go();
      let turn = 0;
      for (let second = 1; second <= 20; second++) {
        time.advance(1000, () => (turn++ % 3) * 1.7);
        const sent = total(all);
        assert.ok(sent <= rate * second + chunkBytes, `${sent} bytes in ${second} s`);
        assert.ok(sent >= rate * second * 0.95 - chunkBytes, `${sent} bytes in ${second} s`);
      }
      const shares = all.map(({ sends }) => sends.length);
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 2, `sends ${shares}`);
    });
  }
}

test("who comes while others wait goes to the end of the line", () => {
  const { time, all } = senders(3, MIB, MIB);
  const [first, second, third] = all;
  first?.go();
  second?.go();
  time.advance(500);
  third?.go();
  third?.go();
  time.advance(10_000);
  assert.equal(first?.sends.slice(0, 3), [1000, 2000, 5000]);
  assert.is(second?.sends[0], 3000);
  assert.is(third?.sends[0], 4000);
});

test("who has nothing to send any more passes its turn on, and leaves no credit behind", () => {
  const { time, budget, all } = senders(2, MIB, MIB);
  const [first, second] = all;
  first?.go();
  second?.go();
  if (first === undefined || second === undefined) throw new Error("there are two");
  first.isDone = true;
  time.advance(1000);
  assert.equal(second.sends, [2000], "at once, though the other was first in the line");
  second.isDone = true;
  time.advance(60_000);
  first.isDone = false;
  first.go();
  assert.equal(first.sends.length, 2, "one chunk after a pause, not two");
  budget.leave(first.go);
});

test("who leaves the line is not called", () => {
  const { time, budget, all } = senders(2, MIB, MIB);
  const [first, second] = all;
  if (first === undefined || second === undefined) throw new Error("there are two");
  first.go();
  second.go();
  budget.leave(first.go);
  budget.leave(second.go);
  time.advance(60_000);
  assert.equal([first.sends.length, second.sends.length], [1, 0]);
  second.go();
  assert.is(second.sends.length, 1, "time that passed for nobody is no credit");
});

test("what is given back is there for the next at once", () => {
  const { time, budget, all } = senders(2, 100 * KIB, MIB);
  const [first, second] = all;
  first?.go();
  second?.go();
  time.advance(100);
  assert.is(second?.sends.length, 0);
  budget.giveBack(MIB);
  if (first !== undefined) first.isDone = true;
  time.advance(1);
  assert.is(second?.sends.length, 1);
});

test("a rate says how long it takes for something", () => {
  assert.is(new RateBudget(100 * KIB).durationMs(MIB), 10_240);
});

test.run();
