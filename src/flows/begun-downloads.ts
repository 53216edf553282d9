// Finds downloads that were begun and not finished by what people call them: a name, a path, or a content id. Changes
// nothing.
import * as path from "node:path";
import { GoshareError, isErrno } from "../core/errors.js";
import type { EventObserver, GoshareEvent } from "../events/event.js";
import { findParts, type SurveyedPart, surveyPart } from "../storage/part-survey.js";

export interface BegunDownload {
  readonly partPath: string;
  /** As it was given, or the folder a path leads into. */
  readonly outputDirectory: string;
  /** What it is; or why it cannot be gone on with. */
  readonly found: SurveyedPart | GoshareError;
}

/** Shorter beginnings of content ids are no names. */
const MIN_ID_DIGITS = 8;

/** Those of `outputDirectory`, sorted by path; each is looked at when it is asked for. Throws a disk error at once. */
export function begunIn(outputDirectory: string): Iterable<BegunDownload> {
  return surveyedOf(findParts(outputDirectory), outputDirectory);
}

function* surveyedOf(partPaths: readonly string[], outputDirectory: string): Iterable<BegunDownload> {
  for (const partPath of partPaths) {
    const found = surveyed(partPath);
    if (found !== undefined) yield { partPath, outputDirectory, found };
  }
}

/** A folder that downloads go to. */
export interface OutputFolder {
  readonly outputDirectory: string;
  /** It is named nowhere but in settings, so there may have been no download yet. */
  readonly mayBeMissing: boolean;
}

/** All of them. Throws DOWNLOAD_NOT_FOUND if there is no folder of that name where there should be: more likely it is
 * misspelt than nothing to do. */
export function allBegunIn({ outputDirectory, mayBeMissing }: OutputFolder): readonly BegunDownload[] {
  try {
    return [...begunIn(outputDirectory)];
  } catch (thrown) {
    if (!isErrno(thrown, "ENOENT")) throw thrown;
    if (mayBeMissing) return [];
    throw notFound(`there is no folder ${outputDirectory}`);
  }
}

function begunIfThere(outputDirectory: string): readonly BegunDownload[] {
  return allBegunIn({ outputDirectory, mayBeMissing: true });
}

/** Those that `names` name, each once. A path may lead anywhere; anything else is looked for in `outputDirectory`.
 * Throws DOWNLOAD_NOT_FOUND for a name that names none, or several. */
export function begunNamed(names: readonly string[], outputDirectory: string): readonly BegunDownload[] {
  const chosen = new Map<string, BegunDownload>();
  for (const name of names) {
    const here = begunIfThere(outputDirectory).filter((begun) => isNamed(begun, name));
    const all = here.length > 0 ? here : begunAt(name);
    const [first, ...others] = all;
    if (first === undefined) throw notFound(`there is no unfinished download ${name} in ${outputDirectory}`);
    if (others.length > 0) throw notFound(`${name} could be any of ${all.length} downloads`);
    chosen.set(first.partPath, first);
  }
  return [...chosen.values()];
}

/** The downloads to go on with: those that are named, or all that no process runs. Emits a warning for each that cannot
 * be gone on with, unless it is named: then it throws. */
export function resumableDownloads(
  names: readonly string[],
  folder: OutputFolder,
  observe: EventObserver,
): readonly Extract<GoshareEvent, { type: "resumable" }>[] {
  const begun = names.length > 0 ? begunNamed(names, folder.outputDirectory) : allBegunIn(folder);
  return begun.flatMap((one) => {
    if (one.found instanceof GoshareError && names.length > 0) throw one.found;
    const event = toldOf(one);
    // Whoever names one that runs is told so by its lock.
    if (event.type === "resumable") return names.length === 0 && event.state === "running" ? [] : [event];
    observe(event);
    return [];
  });
}

/** What it is and how to go on with it, or a warning that nobody can. */
export function toldOf({ found, partPath, outputDirectory }: BegunDownload): Told {
  if (!(found instanceof GoshareError)) return resumableEvent(found, outputDirectory);
  return { type: "warning", code: found.code, message: found.message, path: partPath };
}

type Told = Extract<GoshareEvent, { type: "resumable" | "warning" }>;

function resumableEvent(
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

/** The target or the part folder at a path that was given. */
function begunAt(givenPath: string): readonly BegunDownload[] {
  const outputDirectory = path.dirname(givenPath);
  return begunIfThere(outputDirectory).filter((begun) => isNamed(begun, path.resolve(givenPath)));
}

function isNamed({ partPath, found }: BegunDownload, name: string): boolean {
  const resolved = path.resolve(name);
  if (resolved === partPath || name === path.basename(partPath)) return true;
  if (found instanceof GoshareError) return false;
  const { root, targetPath } = found;
  if (name === root.name || name === path.basename(targetPath) || resolved === targetPath) return true;
  return name.length >= MIN_ID_DIGITS && root.contentId.startsWith(name.toLowerCase());
}

function surveyed(partPath: string): SurveyedPart | GoshareError | undefined {
  try {
    return surveyPart(partPath);
  } catch (thrown) {
    const error = GoshareError.from(thrown);
    if (error.code === "BUG") throw thrown;
    const message = `what an earlier download left behind cannot be resumed: ${error.message}`;
    return new GoshareError(error.code, message, { hint: "goshare discard removes it", cause: error });
  }
}

function notFound(message: string): GoshareError {
  return new GoshareError("DOWNLOAD_NOT_FOUND", message, {
    hint: "goshare status lists what can be resumed; give its path, or its folder with --output",
  });
}
