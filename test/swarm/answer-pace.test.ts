import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnswerPace } from "../../src/swarm/neighbours/answer-pace.js";

test("a peer that was never asked is expected to answer at once", () => {
  assert.is(new AnswerPace().expectedMs(16, 5_000), 0);
});

test("what is open takes as many times what one chunk took, less what has passed", () => {
  const pace = new AnswerPace();
  for (let chunk = 0; chunk < 5; chunk++) pace.asked(1_000);
  pace.answered(1_100);
  assert.is(pace.open, 4);
  assert.is(pace.expectedMs(4, 1_100), 400);
  assert.is(pace.expectedMs(4, 1_160), 340);
});

test("one that is overdue is judged by how long it has kept waiting", () => {
  const pace = new AnswerPace();
  for (let chunk = 0; chunk < 3; chunk++) pace.asked(0);
  pace.answered(10);
  assert.is(pace.expectedMs(2, 3_010), 6_000);
  // Refusals are answers, but not chunks.
  pace.refused();
  assert.is(pace.expectedMs(1, 3_010), 3_000);
});

test("one that left a chunk would have taken longer than it was waited for", () => {
  const pace = new AnswerPace();
  pace.asked(0);
  pace.left(450);
  assert.is(pace.expectedMs(1, 10_000), 450);
  pace.asked(10_000);
  pace.left(10_100);
  assert.is(pace.expectedMs(1, 20_000), 450);
});

test("time in which nothing was open does not count", () => {
  const pace = new AnswerPace();
  pace.asked(0);
  pace.answered(100);
  pace.asked(1_000_000);
  pace.answered(1_000_100);
  assert.is(pace.expectedMs(1, 2_000_000), 100);
});

test("the latest answers count most", () => {
  const pace = new AnswerPace();
  let nowMs = 0;
  for (const intervalMs of [1_000, ...Array.from({ length: 20 }, () => 10)]) {
    pace.asked(nowMs);
    nowMs += intervalMs;
    pace.answered(nowMs);
  }
  const expectedMs = pace.expectedMs(1, nowMs);
  assert.ok(expectedMs >= 10 && expectedMs < 20, `${expectedMs} ms`);
});

test("a peer that is silent for far longer than its chunks took is overdue, and one that is asked for nothing is not", () => {
  const pace = new AnswerPace();
  pace.asked(0);
  pace.asked(0);
  assert.not(pace.isOverdue(100_000), "nobody knows how long its chunks take");
  pace.answered(2_000);
  assert.not(pace.isOverdue(7_000));
  assert.ok(pace.isOverdue(7_001));
  pace.answered(7_001);
  assert.not(pace.isOverdue(100_000));
});

test.run();
