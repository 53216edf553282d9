// Runs the same scenario with several seeds, and sums up the results.
import type { Scenario } from "./scenario.js";
import { type SimResult, simulate } from "./swarm-sim.js";

export interface Spread {
  readonly mean: number;
  readonly worst: number;
}

export interface Experiment {
  readonly ratio: Spread;
  readonly unlimitedRatio: Spread;
  readonly sharerSent: Spread;
  /** Duplicates as a share of all chunks that were needed. */
  readonly duplicateShare: Spread;
  readonly seconds: number;
}

/** Seeds 1 to `seeds`. */
export function experiment(scenario: Scenario, seeds: number): Experiment {
  const begunMs = performance.now();
  const results = Array.from({ length: seeds }, (_, i) => simulate({ ...scenario, seed: i + 1 }));
  const needed = scenario.downloaders * scenario.chunkCount;
  return {
    ratio: spread(results, ({ ratio }) => ratio),
    unlimitedRatio: spread(results, ({ unlimitedRatio }) => unlimitedRatio),
    sharerSent: spread(results, ({ sharerSent }) => sharerSent),
    duplicateShare: spread(results, ({ duplicates }) => duplicates / needed),
    seconds: (performance.now() - begunMs) / 1000 / seeds,
  };
}

function spread(results: readonly SimResult[], figure: (result: SimResult) => number): Spread {
  const figures = results.map(figure);
  const mean = figures.reduce((sum, one) => sum + one, 0) / figures.length;
  return { mean, worst: Math.max(...figures) };
}
