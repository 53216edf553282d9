// The limits of manifest format 1, as in proto/goshare/v1/manifest.proto. Every limit is here and nowhere else.
import { GIB, KIB, MIB } from "../core/units.js";

/** The one format this goshare writes and reads. */
export const MANIFEST_FORMAT = 1;

/** Bytes in an encoded root. */
export const MAX_ROOT_BYTES = MIB;
/** Bytes in an encoded body. */
export const MAX_BODY_BYTES = GIB;
/** Most bytes of a body that is in the root itself; a larger one is paged, a smaller one never. */
export const MAX_INLINE_BODY_BYTES = 512 * KIB;
/** Bytes in a page of a body; the last page may be shorter. */
export const BODY_PAGE_BYTES = MIB;

export const MAX_CHUNKS = 2 ** 24;
/** Files, empty directories and links together. */
export const MAX_ENTRIES = 2 ** 23;
/** Bytes in all files together, so that every offset is a safe integer. */
export const MAX_TOTAL_BYTES = Number.MAX_SAFE_INTEGER;

/** The chunk sizes that readers accept; powers of two only. */
export const MIN_CHUNK_BYTES = 64 * KIB;
export const MAX_CHUNK_BYTES = 4 * MIB;
/** The smallest that writers choose by themselves; see chooseChunkSize. */
export const DEFAULT_MIN_CHUNK_BYTES = MIB;
/** Writers take larger chunks rather than more than this many. */
export const DEFAULT_MAX_CHUNKS = 2 ** 20;

/** Most small files that share one chunk. */
export const MAX_PACK_FILES = 1024;

/** UTF-8 bytes in one component of a path. */
export const MAX_COMPONENT_BYTES = 255;
/** UTF-8 bytes in the target of a symbolic link. */
export const MAX_LINK_TARGET_BYTES = 4095;

/** Whether `chunkSize` is one that readers accept: a power of two from MIN_CHUNK_BYTES to MAX_CHUNK_BYTES. */
export function isChunkSize(chunkSize: number): boolean {
  return (
    Number.isInteger(chunkSize) &&
    chunkSize >= MIN_CHUNK_BYTES &&
    chunkSize <= MAX_CHUNK_BYTES &&
    (chunkSize & (chunkSize - 1)) === 0
  );
}
