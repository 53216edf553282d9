// Manifest and ManifestBody, bytes ⇄ domain types: the only importer of their generated code. Reading is
// strict and checks form alone; what the values must be among themselves is checked in check.ts.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  HashAlgorithm,
  type ManifestBody,
  ManifestBodySchema,
  ManifestSchema,
  ShareKind as WireKind,
} from "../../gen/goshare/v1/manifest_pb.js";
import { quoted } from "../core/characters.js";
import { GoshareError } from "../core/errors.js";
import { peekFormat, readStrictly, StrictReadError } from "../core/strict-wire.js";
import { MANIFEST_FORMAT } from "./limits.js";
import type { FileEntry, ManifestRoot, ShareKind, SymbolicLink } from "./manifest.js";

/** What a root says, none of it checked but its form. */
export type RootFields = Omit<ManifestRoot, "bytes" | "contentId">;

/** What a body says, none of it checked but its form. */
export interface BodyFields {
  readonly files: readonly FileEntry[];
  readonly emptyDirectories: readonly string[];
  readonly symbolicLinks: readonly SymbolicLink[];
  readonly chunkDigests: Uint8Array;
}

export function invalidManifest(message: string): GoshareError {
  return new GoshareError("MANIFEST_INVALID", message);
}

/** Reads a root. Its byte fields are views of `bytes`. Throws MANIFEST_INVALID or NEWER_FORMAT. */
export function rootFromWire(bytes: Uint8Array): RootFields {
  const format = peekFormat(bytes);
  if (format !== MANIFEST_FORMAT) {
    if (format === undefined || format === 0) throw invalidManifest("the bytes are no manifest");
    throw new GoshareError("NEWER_FORMAT", `the manifest has format ${format}, made by a newer goshare`, {
      hint: "install a newer goshare",
    });
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

/** Reads a body that has `entryCount` entries; they are counted before one is made. Digests are a view of
 * `bytes`. Throws MANIFEST_INVALID. */
export function bodyFromWire(bytes: Uint8Array, entryCount: number): BodyFields {
  const counted = strict(() => countEntries(bytes));
  if (counted !== entryCount) {
    throw invalidManifest(`the manifest has ${counted} entries where its root says ${entryCount}`);
  }
  const message = strict(() => readStrictly(ManifestBodySchema, bytes));
  return {
    files: filesFromWire(message),
    emptyDirectories: message.emptyDirectories,
    symbolicLinks: message.symbolicLinks.map(({ path, target }) => ({ path, target })),
    chunkDigests: message.chunkDigests,
  };
}

export function bodyToWire(body: BodyFields): Uint8Array {
  return toBinary(
    ManifestBodySchema,
    create(ManifestBodySchema, {
      files: body.files.map(({ path, size, executable }) => ({ path, size: BigInt(size), executable })),
      emptyDirectories: [...body.emptyDirectories],
      symbolicLinks: body.symbolicLinks.map(({ path, target }) => ({ path, target })),
      chunkDigests: body.chunkDigests,
    }),
  );
}

function filesFromWire(message: ManifestBody): FileEntry[] {
  return message.files.map(({ path, size, executable }) => ({
    path,
    size: size <= Number.MAX_SAFE_INTEGER ? Number(size) : safeInteger(size, `the size of ${quoted(path)}`),
    executable,
  }));
}

function kindFromWire(kind: WireKind): ShareKind {
  if (kind === WireKind.FILE) return "file";
  if (kind === WireKind.FOLDER) return "folder";
  throw invalidManifest(`the manifest is of kind ${kind}, which is not known here`);
}

function safeInteger(value: bigint, what: string): number {
  if (value > Number.MAX_SAFE_INTEGER) throw invalidManifest(`${what} is ${value}, more than 2^53 - 1`);
  return Number(value);
}

/** Fields of ManifestBody that hold entries. */
const ENTRY_FIELDS: ReadonlySet<number> = new Set([
  ManifestBodySchema.field.files.number,
  ManifestBodySchema.field.emptyDirectories.number,
  ManifestBodySchema.field.symbolicLinks.number,
]);

function countEntries(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let entries = 0;
  try {
    while (reader.pos < reader.len) {
      const [fieldNumber, wireType] = reader.tag();
      if (ENTRY_FIELDS.has(fieldNumber)) entries += 1;
      reader.skip(wireType, fieldNumber);
    }
  } catch (cause) {
    throw new StrictReadError(`not a ManifestBody: ${cause instanceof Error ? cause.message : "malformed"}`);
  }
  return entries;
}

function strict<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof StrictReadError)) throw thrown;
    throw new GoshareError("MANIFEST_INVALID", `the manifest cannot be read: ${thrown.message}`, {
      cause: thrown,
    });
  }
}
