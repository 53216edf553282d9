// Lists unfinished downloads: output folders ─▶ part folders ─▶ what each of them claims. Changes nothing, dials
// nobody, and goes on after a part folder that cannot be read.
import * as path from "node:path";
import { setImmediate as yieldToLoop } from "node:timers/promises";
import { GoshareError, isErrno, readProblem } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import { type BegunDownload, begunIn, toldOf } from "./downloading/begun-downloads.js";

export interface StatusOptions {
  /** Where downloads went. */
  readonly outputDirectories: readonly string[];
  /** Whether a missing one counts as empty. */
  readonly mayBeMissing: boolean;
}

/** Emits a `resumable` for each unfinished download and a warning for each part folder that cannot be read; returns how
 * many can be gone on with. At the end throws the first error of reading an output folder; further ones are
 * warnings. */
export async function status(
  options: StatusOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<number> {
  const unique = new Map(options.outputDirectories.map((directory) => [path.resolve(directory), directory]));
  let count = 0;
  let problem: GoshareError | undefined;
  for (const outputDirectory of unique.values()) {
    const found = begunOrProblem(outputDirectory, options.mayBeMissing);
    if (found instanceof GoshareError) {
      if (problem === undefined) problem = found;
      else observe({ type: "warning", code: found.code, message: found.message, path: outputDirectory });
      continue;
    }
    for (const begun of found) {
      // Lets a signal be handled between two part folders.
      await yieldToLoop();
      signal.throwIfAborted();
      const event = toldOf(begun);
      if (event.type === "resumable") count++;
      observe(event);
    }
  }
  if (problem !== undefined) throw problem;
  return count;
}

function begunOrProblem(
  outputDirectory: string,
  mayBeMissing: boolean,
): Iterable<BegunDownload> | GoshareError {
  try {
    return begunIn(outputDirectory);
  } catch (cause) {
    if (mayBeMissing && isErrno(cause, "ENOENT")) return [];
    const { code } = GoshareError.from(cause);
    if (code === "BUG") throw cause;
    const { reason, hint } = readProblem(cause);
    return new GoshareError(code, `cannot read the folder ${outputDirectory}: ${reason}`, { hint, cause });
  }
}
