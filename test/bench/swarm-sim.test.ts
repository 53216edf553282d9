// The simulator of swarms: the engine against the best schedule there is, and what must hold of any swarm.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { pipelineRatio } from "../../bench/swarm-sim/binomial-pipeline.js";
import { baseScenario, type Scenario } from "../../bench/swarm-sim/scenario.js";
import { simulate } from "../../bench/swarm-sim/swarm-sim.js";

const MODELS = ["link", "limit"] as const;

const swarm = (change: Partial<Scenario>) =>
  simulate({ ...baseScenario, downloaders: 8, chunkCount: 32, ...change });

for (const downloaders of [3, 4, 7, 8, 12, 15, 16, 31, 64]) {
  test(`the best schedule for ${downloaders} downloaders takes just as long as the lower bound says`, () => {
    assert.is(pipelineRatio(downloaders, 64).toFixed(6), "1.000000");
  });
}

for (const model of MODELS) {
  test(`${model}: one downloader takes as long as the sharer needs to send everything`, () => {
    const { ratio, sharerSent } = swarm({ model, downloaders: 1, rttMs: 1 });
    assert.is(sharerSent.toFixed(6), "1.000000");
    assert.ok(ratio < 1.01, `${ratio}`);
  });

  test(`${model}: nobody sends more than its uplink allows, and every chunk goes to everybody once`, () => {
    const { sentBytes, cutOffBytes, duplicates, mostOverCapBytes } = swarm({ model });
    assert.is(duplicates, 0);
    assert.is(Math.round(sentBytes - cutOffBytes), 8 * 32 * baseScenario.chunkBytes);
    assert.ok(mostOverCapBytes < 1, `${mostOverCapBytes} bytes too many`);
  });

  test(`${model}: the same seed gives the same result, another one another`, () => {
    const uplinks = "log-normal" as const;
    assert.equal(swarm({ model, uplinks }), swarm({ model, uplinks }));
    assert.is.not(swarm({ model, uplinks }).lastSeconds, swarm({ model, uplinks, seed: 2 }).lastSeconds);
  });

  test(`${model}: everybody ends with everything, whoever comes, goes, is late or slow`, () => {
    const churn = { stayMs: 3_000, awayMs: 1_000 };
    const late = { announceMs: [500, 1000], answerMs: [0, 50], arrivalMs: [0, 10_000] } as const;
    for (const change of [late, { churn }, { leavesWhenFinished: true }, { hasSlowReceivers: true }]) {
      assert.ok(swarm({ model, ...change }).lastSeconds > 0);
    }
  });
}

test("offers end sooner than pulling with windows", () => {
  assert.ok(swarm({ model: "limit" }).ratio < swarm({ model: "limit", speaksOffers: false }).ratio);
});

test.run();
