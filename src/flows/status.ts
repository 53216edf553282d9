// Lists what was begun and not finished: output folders ─▶ part folders ─▶ what each of them claims. Changes
// nothing, dials nobody, and goes on after a part folder that cannot be read.
import * as path from "node:path";
import { setImmediate as yieldToLoop } from "node:timers/promises";
import { GoshareError, isErrno } from "../core/errors.js";
import type { EventObserver } from "../events/event.js";
import { type BegunDownload, begunIn, toldOf } from "./begun-downloads.js";

export interface StatusOptions {
  /** Where downloads went. */
  readonly outputDirectories: readonly string[];
  /** Whether one of them that is not there is no more than empty. */
  readonly mayBeMissing: boolean;
}

/** Emits a `resumable` for each download that was not finished, a warning for each part folder or output folder
 * that cannot be read, and returns how many can be gone on with. */
export async function status(
  options: StatusOptions,
  observe: EventObserver,
  signal: AbortSignal,
): Promise<number> {
  const unique = new Map(options.outputDirectories.map((directory) => [path.resolve(directory), directory]));
  let count = 0;
  for (const outputDirectory of unique.values()) {
    for (const begun of begunOrNone(outputDirectory, options.mayBeMissing, observe)) {
      // A signal is heard between two part folders.
      await yieldToLoop();
      signal.throwIfAborted();
      const event = toldOf(begun);
      if (event.type === "resumable") count++;
      observe(event);
    }
  }
  return count;
}

function begunOrNone(
  outputDirectory: string,
  mayBeMissing: boolean,
  observe: EventObserver,
): Iterable<BegunDownload> {
  try {
    return begunIn(outputDirectory);
  } catch (thrown) {
    if (mayBeMissing && isErrno(thrown, "ENOENT")) return [];
    const { code, message } = GoshareError.from(thrown);
    if (code === "BUG") throw thrown;
    observe({
      type: "warning",
      code,
      message: `this folder cannot be read: ${message}`,
      path: outputDirectory,
    });
    return [];
  }
}
