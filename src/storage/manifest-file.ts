// The .goshare file: a manifest, and addresses to begin with. Encodes, decodes, reads and writes it; never fetches what
// it lacks.
import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { access, constants, type FileHandle, open, realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { Endpoint } from "../address/endpoint.js";
import { GoshareError, isErrno, newerFormat, readProblem } from "../core/errors.js";
import { peekFormat } from "../core/strict-wire.js";
import { formatBytes, MIB } from "../core/units.js";
import { checkManifest, checkRoot } from "../manifest/check.js";
import type { Manifest, ManifestRoot } from "../manifest/manifest.js";
import { removeUnfinished, replaceFile } from "./files/replace-file.js";
import type { SourceRoot } from "./source/source-tree.js";
import { MANIFEST_FILE_FORMAT, manifestFileFromWire, manifestFileToWire } from "./wire.js";

/** How the name of one ends that is put beside what it names. */
export const MANIFEST_FILE_SUFFIX = ".goshare";
/** Bytes in a .goshare file. */
export const MAX_MANIFEST_FILE_BYTES = 64 * MIB;
/** The first of them, which show that it is one. */
const FORMAT_BYTES = 6;

/** No process takes so long to write one, whatever the clock of the disk's machine says. */
const FORGOTTEN_MS = 24 * 60 * 60_000;

/** The system follows no more of them. */
const MAX_LINKS = 40;

/** Says what names a share, for a user that has named something else. */
export const WHAT_HINT =
  "give a ticket (goshare1…), a .goshare file or a content id of 64 hexadecimal digits";

export interface ManifestFileContent {
  /** The encoded root. */
  readonly root: Uint8Array;
  readonly trackers: readonly Endpoint[];
  readonly peers: readonly Endpoint[];
  /** The encoded body; left out of the file if the root holds it, or if the file would be too large. */
  readonly body?: Uint8Array | undefined;
}

/** A checked .goshare file. */
export interface ManifestFile {
  readonly root: ManifestRoot;
  /** Undefined if the body has to be fetched from peers. */
  readonly manifest: Manifest | undefined;
  readonly trackers: readonly Endpoint[];
  readonly peers: readonly Endpoint[];
}

/** The bytes of a .goshare file. Throws MANIFEST_INVALID if `root` is none. */
export function encodeManifestFile(content: ManifestFileContent): Uint8Array {
  const { root: manifest, trackers, peers } = content;
  const none = new Uint8Array(0);
  const withoutBody = manifestFileToWire({ manifest, trackers, peers, body: none });
  const body = content.body ?? none;
  const fits = withoutBody.length + body.length + 8 <= MAX_MANIFEST_FILE_BYTES;
  if (body.length === 0 || !fits || checkRoot(manifest).inlineBody !== undefined) return withoutBody;
  return manifestFileToWire({ manifest, trackers, peers, body });
}

/** The content of a .goshare file; the manifest holds on to `bytes`. Endpoints that cannot be used are skipped.
 * Throws MANIFEST_FILE_INVALID, MANIFEST_INVALID or NEWER_FORMAT. */
export function decodeManifestFile(bytes: Uint8Array): ManifestFile {
  if (bytes.length > MAX_MANIFEST_FILE_BYTES) throw tooLarge(bytes.length);
  const format = peekFormat(bytes);
  if (format === undefined || format === 0) throw noManifestFile("it is not a .goshare file");
  if (format !== MANIFEST_FILE_FORMAT) {
    throw newerFormat("the .goshare file", format);
  }
  const fields = manifestFileFromWire(bytes);
  if (fields === "cut") throw invalidFile("the .goshare file is cut short");
  if (fields === "damaged") throw invalidFile("the .goshare file is damaged");
  const { manifest: rootBytes, body, trackers, peers } = fields;
  if (rootBytes.length === 0) throw invalidFile("the .goshare file holds no manifest");
  const root = checkRoot(rootBytes);
  if (root.inlineBody === undefined) {
    const manifest = body.length === 0 ? undefined : checkManifest(root, body);
    return { root, manifest, trackers, peers };
  }
  if (body.length > 0) throw invalidFile("the .goshare file has a second body beside that of its manifest");
  return { root, manifest: checkManifest(root, root.inlineBody), trackers, peers };
}

/** Reads and checks the .goshare file at `filePath`; errors name it. */
export async function readManifestFile(filePath: string): Promise<ManifestFile> {
  try {
    return decodeManifestFile(await readBounded(filePath));
  } catch (thrown) {
    const { code, message, hint } = GoshareError.from(thrown);
    if (thrown instanceof GoshareError || code === "BUG")
      throw new GoshareError(code, `${filePath}: ${message}`, { hint, cause: thrown });
    const problem = readProblem(thrown);
    throw new GoshareError(code, `cannot read ${filePath}: ${problem.reason}`, {
      hint: problem.hint,
      cause: thrown,
    });
  }
}

async function readBounded(filePath: string): Promise<Uint8Array> {
  // Without O_NONBLOCK the opening of a named pipe waits for a writer.
  const handle = await open(filePath, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw noManifestFile("it is a folder, not a .goshare file");
    if (!stats.isFile()) throw noManifestFile("it is not a file");
    // Most large files that are named by mistake are what was shared.
    const begin = await readUpTo(handle, FORMAT_BYTES);
    if (stats.size > MAX_MANIFEST_FILE_BYTES && peekFormat(begin) === MANIFEST_FILE_FORMAT)
      throw tooLarge(stats.size);
    if (stats.size > MAX_MANIFEST_FILE_BYTES) throw noManifestFile("it is not a .goshare file");
    return await readUpTo(handle, stats.size);
  } finally {
    await handle.close();
  }
}

/** Reads from the beginning of the file. */
async function readUpTo(handle: FileHandle, length: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** `NAME.goshare` in the folder that holds the share. Throws SOURCE_UNSUPPORTED if that is no folder for files. */
export function besideShare(givenPath: string, name: string): string {
  const absolute = path.resolve(givenPath);
  if (!isOpenFile(absolute)) return path.join(path.dirname(absolute), `${name}${MANIFEST_FILE_SUFFIX}`);
  throw new GoshareError(
    "SOURCE_UNSUPPORTED",
    `the .goshare file cannot go beside ${givenPath}, which stands for a file that a process has open`,
    { hint: "share the file by its own path, or choose a place with --manifest FILE" },
  );
}

/** Whether `absolute`, such as /dev/stdin, leads through a list of open files: beside that are devices. */
function isOpenFile(absolute: string): boolean {
  let step = absolute;
  for (let links = 0; links < MAX_LINKS; links++) {
    const folder = realpathSync(path.dirname(step));
    if (/^\/(proc\/.*|dev\/fd)$/.test(folder)) return true;
    if (!lstatSync(step).isSymbolicLink()) return false;
    step = path.resolve(folder, readlinkSync(step));
  }
  return false;
}

/** Throws, before a share is hashed: a disk error if there is no folder for `filePath`, or it cannot be written to;
 * TARGET_EXISTS if the file would change what is shared or replace something else. `others`: what else is shared. */
export async function requirePlaceForManifest(
  filePath: string,
  shared: SourceRoot,
  others: readonly SourceRoot[] = [],
): Promise<void> {
  try {
    const folder = path.dirname(filePath);
    await access(folder, constants.W_OK | constants.X_OK);
    const place = path.join(await realpath(folder), path.basename(filePath));
    requireOutside(filePath, place, shared);
    for (const other of others) requireOutside(filePath, place, other, ALONE_HINT);
    await requireReplaceable(filePath);
  } catch (thrown) {
    throw notWritable(filePath, thrown);
  }
}

const ELSEWHERE_HINT = "choose another place for it with --manifest FILE";
/** With several shares, each has its file beside it. */
const ALONE_HINT = "share the path it belongs to with a command of its own, with --manifest FILE";

function requireOutside(
  filePath: string,
  place: string,
  { rootPath, kind }: SourceRoot,
  hint = ELSEWHERE_HINT,
): void {
  const isShared = place === rootPath || (kind === "folder" && place.startsWith(rootPath + path.sep));
  if (!isShared) return;
  // There it would be a part of the share, and writing it would change the share.
  throw kept(filePath, place === rootPath ? "is shared itself" : `is in ${rootPath}, which is shared`, hint);
}

/** Throws TARGET_EXISTS if something is there that is not a .goshare file. */
async function requireReplaceable(filePath: string): Promise<void> {
  let bytes: Uint8Array;
  try {
    if ((await stat(filePath)).isDirectory()) throw new GoshareError("DISK_FAILED", "it is a folder");
    bytes = await readBounded(filePath);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return;
    if (!(thrown instanceof GoshareError && thrown.code === "MANIFEST_FILE_INVALID")) throw thrown;
    bytes = new Uint8Array(0);
  }
  if (rootIn(bytes) === undefined) throw kept(filePath, "is already there and is not a .goshare file");
}

/** The root in a .goshare file, whatever is the matter with its body; undefined if it is none. */
function rootIn(bytes: Uint8Array): ManifestRoot | undefined {
  const fields = peekFormat(bytes) === MANIFEST_FILE_FORMAT ? manifestFileFromWire(bytes) : "damaged";
  if (typeof fields === "string") return undefined;
  try {
    return checkRoot(fields.manifest);
  } catch {
    return undefined;
  }
}

/** What the file at `filePath` names; undefined if it is no .goshare file, or if that cannot be told. */
export async function namedByManifestFile(
  filePath: string,
): Promise<Pick<ManifestRoot, "name" | "kind"> | undefined> {
  return rootIn(await readBounded(filePath).catch(() => new Uint8Array(0)));
}

function kept(filePath: string, why: string, hint = ELSEWHERE_HINT): GoshareError {
  return new GoshareError("TARGET_EXISTS", `the .goshare file cannot go to ${filePath}, which ${why}`, {
    hint,
  });
}

function notWritable(filePath: string, thrown: unknown): GoshareError {
  const { code, message } = GoshareError.from(thrown);
  if (thrown instanceof GoshareError && code === "TARGET_EXISTS") return thrown;
  const hint = ELSEWHERE_HINT;
  return new GoshareError(code, `cannot write ${filePath}: ${message}`, { hint, cause: thrown });
}

/** Writes a .goshare file to `filePath`, whole or not at all; replaces one that is there, and nothing else. */
export async function writeManifestFile(filePath: string, content: ManifestFileContent): Promise<void> {
  const bytes = encodeManifestFile(content);
  try {
    // Hashing takes its time, and something may have come there meanwhile.
    await requireReplaceable(filePath);
    await replaceFile(filePath, 0o644, (handle) => handle.writeFile(bytes));
  } catch (thrown) {
    throw notWritable(filePath, thrown);
  }
  // Killed shares have left these here, and they would be shared with the folder. Not being able to list it is no
  // failure.
  await removeUnfinished(path.dirname(filePath), FORGOTTEN_MS).catch(() => undefined);
}

function tooLarge(bytes: number): GoshareError {
  const limit = formatBytes(MAX_MANIFEST_FILE_BYTES);
  return invalidFile(`the .goshare file has ${bytes} bytes, more than ${limit}`);
}

function noManifestFile(message: string): GoshareError {
  return new GoshareError("MANIFEST_FILE_INVALID", message, { hint: WHAT_HINT });
}

function invalidFile(message: string): GoshareError {
  return new GoshareError("MANIFEST_FILE_INVALID", message, { hint: "copy the .goshare file again" });
}
