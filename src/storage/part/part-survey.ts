// Which unfinished downloads are in an output folder. Only reads, never follows a link, and believes nothing: what is
// in a part folder may be torn, old or planted, so it is measured before it is read and checked before it is reported.
// Never decides what to do about it.
import * as fs from "node:fs";
import * as path from "node:path";
import { decodeTicket, encodeTicket } from "../../address/ticket.js";
import type { Bitfield } from "../../core/bitfield.js";
import { GoshareError, isErrno } from "../../core/errors.js";
import { Globs } from "../../core/globs.js";
import { KIB, MIB } from "../../core/units.js";
import { checkManifest, checkRoot } from "../../manifest/check.js";
import { MAX_ROOT_BYTES } from "../../manifest/limits.js";
import type { Manifest, ManifestRoot } from "../../manifest/manifest.js";
import { Selection } from "../../manifest/selection.js";
import { decodeJournal, maxJournalBytes, noClaims } from "./journal.js";
import { livingHolder } from "./lock.js";
import { isOwnFolder, readAtMost } from "./part-files.js";
import { allPartPaths, isPartName, PART_NAMES, type PartPaths } from "./part-paths.js";
import { type PartSelection, readPartSelection } from "./part-selection.js";

export interface SurveyedPart {
  readonly root: ManifestRoot;
  /** Absolute path of the final file or folder. */
  readonly targetPath: string;
  /** Whether that name is not the share's, since something else has that one. */
  readonly isRenamed: boolean;
  /** Whether the last run was to replace what has the name. */
  readonly replaces: boolean;
  /** Patterns of the part of the share that it takes; none: everything. */
  readonly select: readonly string[];
  /** Bytes and chunks that it takes; without the body, the bytes that so many chunks have on average. */
  readonly bytes: number;
  readonly chunks: number;
  /** Chunks the journal claims. */
  readonly chunksDone: number;
  /** Bytes in those chunks, likewise. */
  readonly bytesDone: number;
  /** The process that downloads it now. */
  readonly holderPid: number | undefined;
  /** Whether the last run left a mark that it stopped in good order. */
  readonly hasPauseMark: boolean;
  /** A ticket with which the last run could have been started; undefined if it left none. */
  readonly ticket: string | undefined;
}

/** A larger body is not worth reading just for the exact number of bytes. */
const MAX_SURVEYED_BODY_BYTES = 64 * MIB;
const MAX_TICKET_FILE_BYTES = KIB;
const MAX_MARK_BYTES = KIB;

/** Absolute paths of everything with the name of a part folder, sorted. Throws a disk error. */
export function findParts(outputDirectory: string): readonly string[] {
  const directory = path.resolve(outputDirectory);
  const found: string[] = [];
  const listing = fs.opendirSync(directory);
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) {
      if (isPartName(entry.name)) found.push(path.join(directory, entry.name));
    }
  } finally {
    listing.closeSync();
  }
  return found.sort();
}

/** The download in `partPath`; undefined if that is just coming or going. Throws PART_UNUSABLE, a disk error, or the
 * errors of an invalid manifest. */
export function surveyPart(partPath: string): SurveyedPart | undefined {
  try {
    return surveyPresent(partPath);
  } catch (thrown) {
    // The download may have ended while it was looked at.
    const isGone = fs.lstatSync(partPath, { throwIfNoEntry: false }) === undefined;
    if (isGone && (isErrno(thrown, "ENOENT") || thrown instanceof GoshareError)) return undefined;
    throw thrown;
  }
}

function surveyPresent(partPath: string): SurveyedPart | undefined {
  if (!isOwnFolder(partPath)) throw unusable("it is not a folder of this user");
  const within = (name: string) => path.join(partPath, name);
  const rootBytes = readAtMost(within(PART_NAMES.root), MAX_ROOT_BYTES);
  if (rootBytes === undefined) {
    // It has no root at the first and the last moment of a download.
    if (livingHolder(within(PART_NAMES.lock)) !== undefined) return undefined;
    throw unusable("it does not say what was downloaded");
  }
  const root = checkRoot(rootBytes);
  const paths = pathsOf(partPath, root);
  if (paths === undefined) throw unusable("it belongs to a download of another name");
  const { chunkCount, contentId } = root;
  const journal = readAtMost(within(PART_NAMES.journal), maxJournalBytes(chunkCount));
  const claims = journal === undefined ? noClaims(chunkCount) : decodeJournal(journal, contentId, chunkCount);
  if (claims === undefined) throw unusable("its journal belongs to another share");
  const wanted = readPartSelection(partPath);
  if (wanted === undefined) throw unusable("it does not say which part of its share was selected");
  const selection = storedSelection(root, wanted, within(PART_NAMES.body));
  const chunks = wanted.chunks ?? chunkCount;
  return {
    root,
    select: wanted.patterns,
    bytes: selection?.bytes ?? averageBytes(root, chunks),
    chunks,
    targetPath: paths.target,
    isRenamed: path.basename(paths.target) !== root.name,
    replaces: readAtMost(within(PART_NAMES.overwrite), MAX_MARK_BYTES) !== undefined,
    chunksDone: claims.held.count,
    bytesDone: bytesIn(claims.held, root, selection),
    holderPid: livingHolder(within(PART_NAMES.lock)),
    hasPauseMark: readAtMost(within(PART_NAMES.pause), MAX_MARK_BYTES) !== undefined,
    ticket: storedTicket(root, within(PART_NAMES.ticket)),
  };
}

function pathsOf(partPath: string, root: ManifestRoot): PartPaths | undefined {
  for (const paths of allPartPaths(path.dirname(partPath), root)) if (paths.part === partPath) return paths;
  return undefined;
}

function bytesIn(held: Bitfield, root: ManifestRoot, selection: Selection | undefined): number {
  if (selection === undefined) return held.isFull ? root.totalSize : averageBytes(root, held.count);
  let bytes = 0;
  for (const chunkIndex of held) bytes += selection.bytesIn(chunkIndex);
  return bytes;
}

function averageBytes({ totalSize, chunkCount }: ManifestRoot, chunks: number): number {
  return chunkCount === 0 ? 0 : Math.floor(totalSize * (chunks / chunkCount));
}

function storedSelection(
  root: ManifestRoot,
  { patterns }: PartSelection,
  bodyPath: string,
): Selection | undefined {
  const manifest = storedManifest(root, bodyPath);
  if (manifest === undefined || patterns.length === 0) return manifest && new Selection(manifest);
  const globs = new Globs(patterns, "a pattern in the part folder");
  return new Selection(manifest, (filePath) => globs.matches(filePath));
}

/** The manifest, if its body is at hand and not too large; a torn one is fetched again by the next run. */
function storedManifest(root: ManifestRoot, bodyPath: string): Manifest | undefined {
  if (root.inlineBody !== undefined) return checkManifest(root, root.inlineBody);
  if (root.bodySize > MAX_SURVEYED_BODY_BYTES) return undefined;
  try {
    const body = readAtMost(bodyPath, root.bodySize);
    return body === undefined ? undefined : checkManifest(root, body);
  } catch {
    return undefined;
  }
}

/** A ticket of this very share, in its one spelling: it is to be copied into a shell. */
function storedTicket(root: ManifestRoot, ticketPath: string): string | undefined {
  try {
    const text = readAtMost(ticketPath, MAX_TICKET_FILE_BYTES)?.toString("latin1");
    const ticket = text === undefined ? undefined : decodeTicket(text);
    return ticket?.contentId === root.contentId ? encodeTicket(ticket) : undefined;
  } catch {
    return undefined;
  }
}

function unusable(message: string): GoshareError {
  return new GoshareError("PART_UNUSABLE", message);
}
