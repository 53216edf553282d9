// Finds unfinished downloads by what people call them: a name, a path or a content id. Changes nothing.
import * as path from "node:path";
import { GoshareError, isErrno } from "../../core/errors.js";
import type { EventObserver, GoshareEvent } from "../../events/event.js";
import { findParts, type SurveyedPart, surveyPart } from "../../storage/part/part-survey.js";

export interface BegunDownload {
  readonly partPath: string;
  /** The folder as it was given, or the one that a path leads into. */
  readonly outputDirectory: string;
  /** The download, or why it cannot be gone on with. */
  readonly found: SurveyedPart | GoshareError;
}

/** Shorter beginnings of content ids do not count as names. */
const MIN_ID_DIGITS = 8;

/** Unfinished downloads of `outputDirectory`, sorted by path; each is read when its turn comes. Throws a disk error at
 * once. */
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
  /** Whether only settings name it, so that there may have been no download yet. */
  readonly mayBeMissing: boolean;
}

/** All unfinished downloads there. Throws DOWNLOAD_NOT_FOUND if a folder is missing that should be there: more likely
 * its name is misspelt. */
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

/** The downloads that `names` name, each once. A path may lead anywhere; anything else is looked for in
 * `outputDirectory`. Throws DOWNLOAD_NOT_FOUND for a name that fits none, or several. */
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

/** The downloads to go on with: those that are named, or all that no process runs. If one cannot be gone on with,
 * throws if it is named, else emits a warning. */
export function resumableDownloads(
  names: readonly string[],
  folder: OutputFolder,
  observe: EventObserver,
): readonly Extract<GoshareEvent, { type: "resumable" }>[] {
  const begun = names.length > 0 ? begunNamed(names, folder.outputDirectory) : allBegunIn(folder);
  return begun.flatMap((one) => {
    if (one.found instanceof GoshareError && names.length > 0) throw one.found;
    const event = toldOf(one);
    // If the user names a running one, its lock says so.
    if (event.type === "resumable") return names.length === 0 && event.state === "running" ? [] : [event];
    observe(event);
    return [];
  });
}

/** The event that says what it is and how to go on with it, or a warning that this is impossible. */
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

/** The downloads whose target or part folder is at a given path. */
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
