// What to type to resume a download. Runs nothing.
import type { GoshareEvent } from "../events/event.js";
import { pathArgument } from "./shell-quote.js";

/** The arguments of `goshare`. */
export function downloadArguments({
  what,
  outputDirectory,
  moreArguments,
}: Extract<GoshareEvent, { type: "resumable" }>): readonly string[] {
  return ["download", what, "--output", pathArgument(outputDirectory), ...moreArguments];
}
