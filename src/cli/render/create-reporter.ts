// Which reporter a command gets, depending on its options and on what its streams are.
import type { Writable } from "node:stream";
import type { Clock } from "../../core/clock.js";
import { detailLines } from "./detail-lines.js";
import { type ColorMode, isTerminal, paletteFor } from "./palette.js";
import { ProgressLines } from "./progress-lines.js";
import type { ProgressDisplay, Reporter } from "./reporter.js";
import { TextReporter } from "./text-reporter.js";

export interface ReporterChoice {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
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
    // Whoever reads events there expects nothing else.
    const detail = choice.verbose && stdout !== stderr ? detailLines(stderr) : undefined;
    return new JsonReporter(stdout, stderr, detail);
  }
  const palette = paletteFor(stderr, choice.color, env);
  const { quiet, verbose } = choice;
  const detail = verbose ? detailLines(stderr) : undefined;
  const progress = quiet ? undefined : await progressDisplay(around, verbose);
  return new TextReporter({ stdout, stderr, palette, quiet, detail, progress });
}

async function progressDisplay(
  { stderr, env, clock }: ReporterSurroundings,
  isLog: boolean,
): Promise<ProgressDisplay> {
  if (isLog || !isTerminal(stderr) || env["TERM"] === "dumb") return new ProgressLines(stderr, clock);
  const { ProgressBar } = await import("./progress-bar.js");
  return new ProgressBar(stderr);
}
