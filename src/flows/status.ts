// Lists what was begun and not finished: output folders ─▶ part folders ─▶ what each of them claims. Changes
// nothing, dials nobody, and goes on after a part folder that cannot be read.
import * as path from "node:path";
import { GoshareError, isErrno } from "../core/errors.js";
import type { EventObserver, GoshareEvent } from "../events/event.js";
import { findParts, type SurveyedPart, surveyPart } from "../storage/part-survey.js";

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
    for (const partPath of partsIn(outputDirectory, options.mayBeMissing, observe)) {
      // A signal is heard between two part folders.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      const part = readPart(partPath, observe);
      if (part === undefined) continue;
      count++;
      observe(resumableEvent(part, outputDirectory));
    }
  }
  return count;
}

function partsIn(outputDirectory: string, mayBeMissing: boolean, observe: EventObserver): readonly string[] {
  try {
    return findParts(outputDirectory);
  } catch (thrown) {
    if (mayBeMissing && isErrno(thrown, "ENOENT")) return [];
    warn(thrown, "this folder cannot be read", outputDirectory, observe);
    return [];
  }
}

function readPart(partPath: string, observe: EventObserver): SurveyedPart | undefined {
  try {
    return surveyPart(partPath);
  } catch (thrown) {
    warn(thrown, "what an earlier download left cannot be gone on with", partPath, observe);
    return undefined;
  }
}

function warn(thrown: unknown, what: string, where: string, observe: EventObserver): void {
  const { code, message } = GoshareError.from(thrown);
  if (code === "BUG") throw thrown;
  observe({ type: "warning", code, message: `${what}: ${message}`, path: where });
}

/** What is told of a download that lies in `outputDirectory`. */
export function resumableEvent(
  part: SurveyedPart,
  outputDirectory: string,
): Extract<GoshareEvent, { type: "resumable" }> {
  const { root, chunksDone, bytesDone, holderPid, ticket } = part;
  const pausedOrNot = part.hasPauseMark ? "paused" : "interrupted";
  return {
    type: "resumable",
    contentId: root.contentId,
    name: root.name,
    path: path.join(outputDirectory, path.basename(part.targetPath)),
    bytesDone,
    bytesTotal: part.bytes,
    chunksDone,
    chunks: part.chunks,
    state: holderPid === undefined ? pausedOrNot : "running",
    pid: holderPid ?? 0,
    what: ticket ?? root.contentId,
    outputDirectory,
    moreArguments: [
      ...(part.isRenamed ? ["--rename"] : []),
      ...(part.replaces ? ["--overwrite"] : []),
      ...part.select.map((pattern) => `--select=${pattern}`),
    ],
  };
}
