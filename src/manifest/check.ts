// Checks roots and bodies that came from elsewhere by all rules of proto/goshare/v1/manifest.proto: what leaves here is
// trusted. Never repairs anything, and measures before it allocates.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { quoted } from "../core/characters.js";
import { contentIdFromBytes, DIGEST_BYTES } from "../core/ids.js";
import { entriesProblem, totalSizeOf } from "./entry-rules.js";
import { computeLayout, countChunks } from "./layout.js";
import {
  BODY_PAGE_BYTES,
  isChunkSize,
  MAX_BODY_BYTES,
  MAX_CHUNKS,
  MAX_ENTRIES,
  MAX_INLINE_BODY_BYTES,
  MAX_ROOT_BYTES,
} from "./limits.js";
import type { Manifest, ManifestRoot } from "./manifest.js";
import { nameProblem } from "./names.js";
import { bodyFromWire, invalidManifest, type RootFields, rootFromWire } from "./wire.js";

/** An entry with the shortest path, as an empty directory. */
const MIN_ENTRY_BYTES = 3;

/** Checks the bytes of a root, of any length; they are copied. Throws MANIFEST_INVALID or NEWER_FORMAT. The caller
 * compares their content id with the wanted one. */
export function checkRoot(bytes: Uint8Array): ManifestRoot {
  if (bytes.length > MAX_ROOT_BYTES) {
    throw invalidManifest(`the manifest's root has ${bytes.length} bytes, more than ${MAX_ROOT_BYTES}`);
  }
  const own = Uint8Array.from(bytes);
  const fields = rootFromWire(own);
  const problem = rootProblem(fields) ?? bodyFormProblem(fields);
  if (problem !== undefined) throw invalidManifest(problem);
  const contentId = contentIdFromBytes(createHash("sha256").update(own).digest());
  assert(contentId !== undefined);
  return { bytes: own, contentId, ...fields };
}

function rootProblem(root: RootFields): string | undefined {
  const nameFault = nameProblem(root.name);
  if (nameFault !== undefined) return `the share's name ${quoted(root.name)} ${nameFault}`;
  if (!isChunkSize(root.chunkSize)) return `the manifest's chunk size is ${root.chunkSize}`;
  if (root.chunkCount > MAX_CHUNKS)
    return `the manifest has ${root.chunkCount} chunks, more than ${MAX_CHUNKS}`;
  if (root.totalSize > root.chunkCount * root.chunkSize || root.totalSize < root.chunkCount) {
    return `the manifest's ${root.chunkCount} chunks of ${root.chunkSize} bytes cannot be ${root.totalSize} bytes`;
  }
  if (root.entryCount > MAX_ENTRIES) {
    return `the manifest has ${root.entryCount} entries, more than ${MAX_ENTRIES}`;
  }
  if (root.kind === "file" && root.entryCount !== 1) {
    return `the share of one file has ${root.entryCount} entries`;
  }
  return undefined;
}

function bodyFormProblem(root: RootFields): string | undefined {
  const { bodySize, inlineBody, pageDigests } = root;
  if (bodySize > MAX_BODY_BYTES)
    return `the manifest's body has ${bodySize} bytes, more than ${MAX_BODY_BYTES}`;
  if (bodySize < root.entryCount * MIN_ENTRY_BYTES + root.chunkCount * DIGEST_BYTES) {
    return `the manifest's body of ${bodySize} bytes cannot hold its entries and digests`;
  }
  if (inlineBody !== undefined) {
    if (inlineBody.length !== bodySize) {
      return `the manifest's body has ${inlineBody.length} bytes where ${bodySize} are announced`;
    }
    return bodySize > MAX_INLINE_BODY_BYTES ? "the manifest holds a body that must be paged" : undefined;
  }
  if (bodySize <= MAX_INLINE_BODY_BYTES) return "the manifest pages a body that it must hold itself";
  const wanted = Math.ceil(bodySize / BODY_PAGE_BYTES) * DIGEST_BYTES;
  return pageDigests.length === wanted
    ? undefined
    : `the manifest has ${pageDigests.length} bytes of page digests where its body takes ${wanted}`;
}

/** How many pages of a body are fetched one by one; 0 if the root holds the body. */
export function bodyPageCount(root: ManifestRoot): number {
  return root.pageDigests.length / DIGEST_BYTES;
}

/** Bytes in page `page` of the body, from 1 to bodyPageCount (page 0 is the root). */
export function bodyPageBytes(root: ManifestRoot, page: number): number {
  assertPage(root, page);
  return Math.min(BODY_PAGE_BYTES, root.bodySize - (page - 1) * BODY_PAGE_BYTES);
}

/** Whether `bytes` are page `page` of the body, from 1 to bodyPageCount. */
export function checkBodyPage(root: ManifestRoot, page: number, bytes: Uint8Array): boolean {
  if (bytes.length !== bodyPageBytes(root, page)) return false;
  const digest = root.pageDigests.subarray((page - 1) * DIGEST_BYTES, page * DIGEST_BYTES);
  return createHash("sha256").update(bytes).digest().equals(digest);
}

function assertPage(root: ManifestRoot, page: number): void {
  const pages = bodyPageCount(root);
  assert(Number.isInteger(page) && page >= 1 && page <= pages, `page ${page} of ${pages}`);
}

/** Checks a body against its root. `bodyBytes` (root.inlineBody, or all pages in order) become part of the manifest and
 * must not change afterwards. Throws MANIFEST_INVALID. */
export function checkManifest(root: ManifestRoot, bodyBytes: Uint8Array): Manifest {
  const bytesProblem = bodyBytesProblem(root, bodyBytes);
  if (bytesProblem !== undefined) throw invalidManifest(bytesProblem);
  const body = bodyFromWire(bodyBytes, root.entryCount);
  const problem = entriesProblem({ name: root.name, kind: root.kind, ...body });
  if (problem !== undefined) throw invalidManifest(problem);

  const totalSize = totalSizeOf(body.files);
  if (totalSize !== root.totalSize) {
    throw invalidManifest(
      `the manifest's files have ${totalSize ?? "too many"} bytes, but its root says ${root.totalSize}`,
    );
  }
  const sizes = Float64Array.from(body.files, (file) => file.size);
  const chunkCount = countChunks(sizes, root.chunkSize);
  if (chunkCount !== root.chunkCount) {
    throw invalidManifest(
      `the manifest's files take ${chunkCount} chunks, but its root says ${root.chunkCount}`,
    );
  }
  if (body.chunkDigests.length !== chunkCount * DIGEST_BYTES) {
    throw invalidManifest(
      `the manifest has ${body.chunkDigests.length} bytes of digests for ${chunkCount} chunks`,
    );
  }
  return { root, bodyBytes, ...body, layout: computeLayout(sizes, root.chunkSize) };
}

function bodyBytesProblem(root: ManifestRoot, bodyBytes: Uint8Array): string | undefined {
  if (bodyBytes.length !== root.bodySize) {
    return `the manifest's body has ${bodyBytes.length} bytes, but its root says ${root.bodySize}`;
  }
  if (root.inlineBody !== undefined) {
    const same = bodyBytes === root.inlineBody || Buffer.compare(bodyBytes, root.inlineBody) === 0;
    return same ? undefined : "the body is not the one that the manifest's root holds";
  }
  for (let page = 1; page <= bodyPageCount(root); page++) {
    const bytes = bodyBytes.subarray((page - 1) * BODY_PAGE_BYTES, page * BODY_PAGE_BYTES);
    if (!checkBodyPage(root, page, bytes))
      return `page ${page} of the manifest's body does not match its digest`;
  }
  return undefined;
}
