// Simulated swarms as bench cases: how far the last downloader is from the lower bound, and what it costs to find out.
import type { BenchCase } from "../bench-case.js";
import { pipelineRatio } from "./binomial-pipeline.js";
import { experiment } from "./experiment.js";
import { baseScenario, type Scenario } from "./scenario.js";

const SEEDS = 5;

/** `quick`: only a few, which show that they run. */
export function swarmSimCases(quick: boolean): readonly BenchCase[] {
  if (quick) return [new PipelineCase([3, 4], [64]), simCase("link", 8, 1), simCase("limit", 8, 1)];
  return [
    new PipelineCase([3, 4, 7, 8, 12, 15, 16, 31, 64], [64, 256, 1000]),
    ...[4, 8, 16, 64].flatMap((count) => [simCase("link", count, SEEDS), simCase("limit", count, SEEDS)]),
    simCase("link", 1_000, 2, true),
    simCase("link", 10_000, 1, true),
  ];
}

function simCase(model: Scenario["model"], downloaders: number, seeds: number, isLong = false): BenchCase {
  return new SimCase({ ...baseScenario, model, downloaders }, seeds, isLong);
}

class SimCase implements BenchCase {
  readonly name: string;
  readonly isLong: boolean;
  readonly #scenario: Scenario;
  readonly #seeds: number;

  constructor(scenario: Scenario, seeds: number, isLong: boolean) {
    this.name = `swarm-sim/${scenario.model}/${scenario.downloaders}`;
    this.isLong = isLong;
    this.#scenario = scenario;
    this.#seeds = seeds;
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Record<string, number>> {
    const { ratio, sharerSent, duplicateShare, seconds } = experiment(this.#scenario, this.#seeds);
    return {
      "last/bound": ratio.mean,
      "worst last/bound": ratio.worst,
      "sharer sent/F": sharerSent.mean,
      "duplicates %": 100 * duplicateShare.mean,
      "s for one": seconds,
    };
  }

  async cleanUp(): Promise<void> {}
}

/** The best possible schedule over the same links: every figure is 1. */
class PipelineCase implements BenchCase {
  readonly name = "swarm-sim/pipeline";
  readonly #counts: readonly number[];
  readonly #chunkCounts: readonly number[];

  constructor(counts: readonly number[], chunkCounts: readonly number[]) {
    this.#counts = counts;
    this.#chunkCounts = chunkCounts;
  }

  async prepare(): Promise<void> {}

  async run(): Promise<Record<string, number>> {
    const ratios = this.#counts.flatMap((count) =>
      this.#chunkCounts.map((chunks) => [`N=${count} M=${chunks}`, pipelineRatio(count, chunks)] as const),
    );
    return Object.fromEntries(ratios);
  }

  async cleanUp(): Promise<void> {}
}
