// Which reporter a command gets, by its options and by what its streams are.
import type { Writable } from "node:stream";
import type { Clock } from "../../core/clock.js";
import { type ColorMode, isTerminal, paletteFor } from "./palette.js";
import { ProgressLines } from "./progress-lines.js";
import type { ProgressDisplay, Reporter } from "./reporter.js";
import { TextReporter } from "./text-reporter.js";

export interface ReporterChoice {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: ColorMode;
}

interface ReporterSurroundings {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly clock: Clock;
}

export async function createReporter(
  choice: ReporterChoice,
  around: ReporterSurroundings,
): Promise<Reporter> {
  const { stdout, stderr, env } = around;
  if (choice.json) {
    const { JsonReporter } = await import("./json-reporter.js");
    return new JsonReporter(stdout, stderr);
  }
  const palette = paletteFor(stderr, choice.color, env);
  const progress = choice.quiet ? undefined : await progressDisplay(around);
  return new TextReporter({ stdout, stderr, palette, quiet: choice.quiet, progress });
}

async function progressDisplay({ stderr, env, clock }: ReporterSurroundings): Promise<ProgressDisplay> {
  if (!isTerminal(stderr) || env["TERM"] === "dumb") return new ProgressLines(stderr, clock);
  const { ProgressBar } = await import("./progress-bar.js");
  return new ProgressBar(stderr);
}
