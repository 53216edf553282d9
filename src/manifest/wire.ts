// Manifest and ManifestBody, bytes ⇄ domain types: the only importer of their generated code. Reading is strict and
// checks form alone; check.ts checks how the values must fit together.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  FileEntrySchema,
  HashAlgorithm,
  ManifestBodySchema,
  ManifestSchema,
  SymbolicLinkSchema,
  ShareKind as WireKind,
} from "../../gen/goshare/v1/manifest_pb.js";
import { GoshareError, newerFormat } from "../core/errors.js";
import { peekFormat, readStrictly, StrictReadError, walkStrictly } from "../core/strict-wire.js";
import { MANIFEST_FORMAT } from "./limits.js";
import type { FileEntry, ManifestRoot, ShareKind, SymbolicLink } from "./manifest.js";

/** What a root says; only its form is checked. */
export type RootFields = Omit<ManifestRoot, "bytes" | "contentId">;

/** What a body says; only its form is checked. */
export interface BodyFields {
  readonly files: readonly FileEntry[];
  readonly emptyDirectories: readonly string[];
  readonly symbolicLinks: readonly SymbolicLink[];
  readonly chunkDigests: Uint8Array;
}

/** Every peer that has this content id has the same bytes: asking elsewhere does not help. */
const INVALID_HINT = "ask for it to be shared again, and use the new ticket";

export function invalidManifest(message: string, cause?: unknown): GoshareError {
  return new GoshareError("MANIFEST_INVALID", message, { hint: INVALID_HINT, cause });
}

/** Reads a root. Its byte fields are views of `bytes`. Throws MANIFEST_INVALID or NEWER_FORMAT. */
export function rootFromWire(bytes: Uint8Array): RootFields {
  const format = peekFormat(bytes);
  if (format !== MANIFEST_FORMAT) {
    if (format === undefined || format === 0) throw invalidManifest("the bytes are not a manifest");
    throw newerFormat("the manifest", format);
  }
  const message = strict(() => readStrictly(ManifestSchema, bytes));
  if (message.hashAlgorithm !== HashAlgorithm.SHA256) {
    throw invalidManifest(
      `the manifest uses hash algorithm ${message.hashAlgorithm}, which is not known here`,
    );
  }
  if (message.bodyForm.case === undefined)
    throw invalidManifest("the manifest has no body and no digests of one");
  return {
    name: message.name,
    kind: kindFromWire(message.kind),
    chunkSize: message.chunkSize,
    totalSize: safeInteger(message.totalSize, "the manifest's total size"),
    chunkCount: message.chunkCount,
    entryCount: message.entryCount,
    bodySize: safeInteger(message.bodySize, "the size of the manifest's body"),
    inlineBody: message.bodyForm.case === "body" ? message.bodyForm.value : undefined,
    pageDigests: message.bodyForm.case === "bodyDigests" ? message.bodyForm.value : new Uint8Array(0),
  };
}

export function rootToWire(root: RootFields): Uint8Array {
  return toBinary(
    ManifestSchema,
    create(ManifestSchema, {
      format: MANIFEST_FORMAT,
      name: root.name,
      kind: root.kind === "file" ? WireKind.FILE : WireKind.FOLDER,
      hashAlgorithm: HashAlgorithm.SHA256,
      chunkSize: root.chunkSize,
      totalSize: BigInt(root.totalSize),
      chunkCount: root.chunkCount,
      entryCount: root.entryCount,
      bodySize: BigInt(root.bodySize),
      bodyForm:
        root.inlineBody === undefined
          ? { case: "bodyDigests", value: root.pageDigests }
          : { case: "body", value: root.inlineBody },
    }),
  );
}

/** Reads a body, making no more than `entryCount` entries of it. Digests are a view of `bytes`. Decoded by hand, since
 * going through generated messages would make millions of entries twice. Throws MANIFEST_INVALID. */
export function bodyFromWire(bytes: Uint8Array, entryCount: number): BodyFields {
  strict(() => walkStrictly(ManifestBodySchema, bytes));
  const files: FileEntry[] = [];
  const emptyDirectories: string[] = [];
  const symbolicLinks: SymbolicLink[] = [];
  let chunkDigests: Uint8Array = new Uint8Array(0);
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [fieldNumber, wireType] = reader.tag();
    if (fieldNumber === BODY.files.number) files.push(fileFromWire(reader));
    else if (fieldNumber === BODY.emptyDirectories.number) emptyDirectories.push(text(reader));
    else if (fieldNumber === BODY.symbolicLinks.number) symbolicLinks.push(linkFromWire(reader));
    else if (fieldNumber === BODY.chunkDigests.number) chunkDigests = reader.bytes();
    else reader.skip(wireType, fieldNumber);
    if (files.length + emptyDirectories.length + symbolicLinks.length > entryCount) {
      throw invalidManifest(`the manifest has more entries than the ${entryCount} that its root says`);
    }
  }
  const entries = files.length + emptyDirectories.length + symbolicLinks.length;
  if (entries !== entryCount) {
    throw invalidManifest(`the manifest has ${entries} entries, but its root says ${entryCount}`);
  }
  return { files, emptyDirectories, symbolicLinks, chunkDigests };
}

/** Encodes a body, by hand for the same reason: fields in the order of their numbers, no defaults. */
export function bodyToWire(body: BodyFields): Uint8Array {
  const writer = new BinaryWriter();
  for (const { path, size, executable } of body.files) {
    writer.tag(BODY.files.number, WireType.LengthDelimited).fork();
    writer.tag(FILE.path.number, WireType.LengthDelimited).string(path);
    if (size > 0) writer.tag(FILE.size.number, WireType.Varint).uint64(size);
    if (executable) writer.tag(FILE.executable.number, WireType.Varint).bool(true);
    writer.join();
  }
  for (const path of body.emptyDirectories) {
    writer.tag(BODY.emptyDirectories.number, WireType.LengthDelimited).string(path);
  }
  for (const { path, target } of body.symbolicLinks) {
    writer.tag(BODY.symbolicLinks.number, WireType.LengthDelimited).fork();
    writer.tag(LINK.path.number, WireType.LengthDelimited).string(path);
    writer.tag(LINK.target.number, WireType.LengthDelimited).string(target).join();
  }
  if (body.chunkDigests.length > 0) {
    writer.tag(BODY.chunkDigests.number, WireType.LengthDelimited).bytes(body.chunkDigests);
  }
  return writer.finish();
}

const BODY = ManifestBodySchema.field;
const FILE = FileEntrySchema.field;
const LINK = SymbolicLinkSchema.field;

function fileFromWire(reader: BinaryReader): FileEntry {
  const end = reader.uint32() + reader.pos;
  let path = "";
  let size = 0;
  let executable = false;
  while (reader.pos < end) {
    const [fieldNumber, wireType] = reader.tag();
    if (fieldNumber === FILE.path.number) path = text(reader);
    else if (fieldNumber === FILE.size.number) size = safeInteger(reader.uint64(), "the size of a file");
    else if (fieldNumber === FILE.executable.number) executable = reader.bool();
    else reader.skip(wireType, fieldNumber);
  }
  return { path, size, executable };
}

function linkFromWire(reader: BinaryReader): SymbolicLink {
  const end = reader.uint32() + reader.pos;
  let path = "";
  let target = "";
  while (reader.pos < end) {
    const [fieldNumber, wireType] = reader.tag();
    if (fieldNumber === LINK.path.number) path = text(reader);
    else if (fieldNumber === LINK.target.number) target = text(reader);
    else reader.skip(wireType, fieldNumber);
  }
  return { path, target };
}

function text(reader: BinaryReader): string {
  try {
    return reader.string(true);
  } catch (cause) {
    throw invalidManifest("the manifest has a path that is not valid UTF-8", cause);
  }
}

function kindFromWire(kind: WireKind): ShareKind {
  if (kind === WireKind.FILE) return "file";
  if (kind === WireKind.FOLDER) return "folder";
  throw invalidManifest(`the manifest is of kind ${kind}, which is not known here`);
}

function safeInteger(value: bigint | string, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidManifest(`${what} is ${value}, more than 2^53 - 1`);
  return number;
}

function strict<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof StrictReadError)) throw thrown;
    throw invalidManifest(`the manifest cannot be read: ${thrown.message}`, thrown);
  }
}
