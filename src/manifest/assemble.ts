// Assembles a manifest from what a share consists of: the only writer of roots and bodies. Reads no files; its caller
// provides the digests.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { GoshareError } from "../core/errors.js";
import { contentIdFromBytes, DIGEST_BYTES } from "../core/ids.js";
import { entriesProblem, totalSizeOf } from "./entry-rules.js";
import { computeLayout } from "./layout.js";
import {
  BODY_PAGE_BYTES,
  MAX_BODY_BYTES,
  MAX_ENTRIES,
  MAX_INLINE_BODY_BYTES,
  MAX_ROOT_BYTES,
} from "./limits.js";
import type { FileEntry, Manifest, ShareKind, SymbolicLink } from "./manifest.js";
import { comparePaths, sortEntries } from "./names.js";
import { bodyToWire, type RootFields, rootToWire } from "./wire.js";

export interface ShareContent {
  readonly name: string;
  readonly kind: ShareKind;
  /** Bytes in a full chunk; chooseChunkSize gives the usual one. */
  readonly chunkSize: number;
  /** In the order of sortEntries: the chunks, and so their digests, depend on it. */
  readonly files: readonly FileEntry[];
  /** In any order. */
  readonly emptyDirectories: readonly string[];
  /** In any order. */
  readonly symbolicLinks: readonly SymbolicLink[];
  /** 32 bytes for each chunk of computeLayout(sizes of files, chunkSize), one after another. */
  readonly chunkDigests: Uint8Array;
}

/** The manifest of a share. The same content gives the same bytes, and so the same content id. Throws LIMIT_EXCEEDED,
 * and SOURCE_UNSUPPORTED with the path for what no manifest may hold. */
export function assembleManifest(content: ShareContent): Manifest {
  const { name, kind, chunkSize, files } = content;
  assertSorted(files);
  const emptyDirectories = [...content.emptyDirectories].sort(comparePaths);
  const symbolicLinks = sortEntries(content.symbolicLinks);

  const entryCount = files.length + emptyDirectories.length + symbolicLinks.length;
  if (entryCount > MAX_ENTRIES)
    throw tooLarge(`the share has ${entryCount} entries, more than ${MAX_ENTRIES}`);
  const problem = entriesProblem({ name, kind, files, emptyDirectories, symbolicLinks });
  if (problem !== undefined) throw new GoshareError("SOURCE_UNSUPPORTED", problem);
  const totalSize = totalSizeOf(files);
  if (totalSize === undefined) throw tooLarge("the share has more than 2^53 - 1 bytes");

  const layout = computeLayout(
    files.map((file) => file.size),
    chunkSize,
  );
  const chunkDigests = Uint8Array.from(content.chunkDigests);
  assert.equal(chunkDigests.length, layout.chunkCount * DIGEST_BYTES, "one digest for each chunk");

  const bodyBytes = bodyToWire({ files, emptyDirectories, symbolicLinks, chunkDigests });
  const bodySize = bodyBytes.length;
  if (bodySize > MAX_BODY_BYTES) throw tooLarge(`the share's description takes ${bodySize} bytes`);
  const inline = bodySize <= MAX_INLINE_BODY_BYTES;
  const fields: RootFields = {
    name,
    kind,
    chunkSize,
    totalSize,
    chunkCount: layout.chunkCount,
    entryCount,
    bodySize,
    inlineBody: inline ? bodyBytes : undefined,
    pageDigests: inline ? new Uint8Array(0) : digestPages(bodyBytes),
  };
  const bytes = rootToWire(fields);
  assert(bytes.length <= MAX_ROOT_BYTES, "the largest body has 1,024 page digests");
  const contentId = contentIdFromBytes(createHash("sha256").update(bytes).digest());
  assert(contentId !== undefined);
  const root = { bytes, contentId, ...fields };
  return { root, bodyBytes, files: [...files], emptyDirectories, symbolicLinks, chunkDigests, layout };
}

function assertSorted(files: readonly FileEntry[]): void {
  let previous: string | undefined;
  for (const { path, size } of files) {
    assert(Number.isSafeInteger(size) && size >= 0, `the size of ${path} is ${size}`);
    assert(previous === undefined || comparePaths(previous, path) <= 0, `${path} is out of order`);
    previous = path;
  }
}

function digestPages(body: Uint8Array): Uint8Array {
  const digests = new Uint8Array(Math.ceil(body.length / BODY_PAGE_BYTES) * DIGEST_BYTES);
  for (let page = 0; page * BODY_PAGE_BYTES < body.length; page++) {
    const bytes = body.subarray(page * BODY_PAGE_BYTES, (page + 1) * BODY_PAGE_BYTES);
    digests.set(createHash("sha256").update(bytes).digest(), page * DIGEST_BYTES);
  }
  return digests;
}

function tooLarge(message: string): GoshareError {
  return new GoshareError("LIMIT_EXCEEDED", message, { hint: "share it in parts" });
}
