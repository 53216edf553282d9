import { test } from "uvu";
import * as assert from "uvu/assert";
import { LoopTurn } from "../../src/core/loop-turn.js";
import { holdLoop } from "../support/hold-loop.js";

test("a turn is over after ten milliseconds, and the next one when others have had theirs", async () => {
  const turn = new LoopTurn();
  assert.not(turn.isOver);
  holdLoop(11);
  assert.ok(turn.isOver);
  let wasTheirTurn = false;
  setImmediate(() => {
    wasTheirTurn = true;
  });
  await turn.yield();
  assert.ok(wasTheirTurn);
  assert.not(turn.isOver);
});

test.run();
