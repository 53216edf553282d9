// The digests that the chunks of a source had last time, so that a share that is started again need not read its files
// again. A chunk is known by the identities of the files it is made of: any write to one of them since has changed its
// ctime. Pure: reads no disk, knows no paths.
import { createHash } from "node:crypto";
import { DIGEST_BYTES } from "../../core/ids.js";
import { LoopTurn } from "../../core/loop-turn.js";
import type { ChunkSegment } from "../../manifest/layout.js";
import { IDENTITY_FIELDS } from "../files/file-identity.js";

/** Half of a SHA-256 is enough to tell chunks from each other. */
export const FINGERPRINT_BYTES = 16;
const ENTRY_BYTES = FINGERPRINT_BYTES + DIGEST_BYTES;
const MAGIC = Buffer.from("goshare-hashes-1", "latin1");
const CHECKSUM_BYTES = 32;

/** How many chunks of one source are remembered: 48 MiB. */
export const MAX_CACHED_CHUNKS = 2 ** 20;

/** Bytes of the largest cache that is read. */
export const MAX_HASH_CACHE_BYTES = MAGIC.length + MAX_CACHED_CHUNKS * ENTRY_BYTES + CHECKSUM_BYTES;

/** A file may be written to twice within one tick of its file system's clock, and have the same times after both. So it
 * is believed only if its inode last changed this long before anyone began to read it. Some clocks count every other
 * second, but one that shows fractions of a millisecond is the kernel's and ticks at least every 10 ms. */
const SETTLED_MS = 2_000;
const SETTLED_BY_FINE_CLOCK_MS = 100;
const MS_IN_NS = 1_000_000n;
const CTIME_FIELD = 4;

/** Identifies the bytes of a chunk: for each segment which run of which file it is, with the file's identity. */
export function chunkFingerprint(segments: readonly ChunkSegment[], identities: BigInt64Array): Uint8Array {
  const fields = new BigInt64Array(segments.length * (IDENTITY_FIELDS + 2));
  let at = 0;
  for (const { fileIndex, fileOffset, length } of segments) {
    const from = fileIndex * IDENTITY_FIELDS;
    fields.set(identities.subarray(from, from + IDENTITY_FIELDS), at);
    fields[at + IDENTITY_FIELDS] = BigInt(fileOffset);
    fields[at + IDENTITY_FIELDS + 1] = BigInt(length);
    at += IDENTITY_FIELDS + 2;
  }
  return createHash("sha256").update(fields).digest().subarray(0, FINGERPRINT_BYTES);
}

/** Whether none of the files of `segments` was changed shortly before `begunAtMs`, Unix milliseconds. */
export function isSettled(
  segments: readonly ChunkSegment[],
  identities: BigInt64Array,
  begunAtMs: number,
): boolean {
  const begunAtNs = BigInt(Math.floor(begunAtMs)) * MS_IN_NS;
  return segments.every(({ fileIndex }) => {
    const ctimeNs = identities[fileIndex * IDENTITY_FIELDS + CTIME_FIELD];
    if (ctimeNs === undefined) return false;
    const settledMs = ctimeNs % MS_IN_NS === 0n ? SETTLED_MS : SETTLED_BY_FINE_CLOCK_MS;
    return ctimeNs < begunAtNs - BigInt(settledMs) * MS_IN_NS;
  });
}

/** Digests by fingerprint, in the order in which they were put in. */
export class HashCache {
  readonly #entries: Buffer;
  /** Made when a chunk is not where it was last time. */
  #places: Map<string, number> | undefined;

  private constructor(entries: Buffer) {
    this.#entries = entries;
  }

  static readonly empty = new HashCache(Buffer.alloc(0));

  /** Reads what `encodeHashCache` made; undefined for anything else. */
  static decode(bytes: Buffer): HashCache | undefined {
    const entriesEnd = bytes.length - CHECKSUM_BYTES;
    if (entriesEnd < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
    if ((entriesEnd - MAGIC.length) % ENTRY_BYTES !== 0) return undefined;
    const checksum = createHash("sha256").update(bytes.subarray(0, entriesEnd)).digest();
    if (!checksum.equals(bytes.subarray(entriesEnd))) return undefined;
    return new HashCache(bytes.subarray(MAGIC.length, entriesEnd));
  }

  get size(): number {
    return this.#entries.length / ENTRY_BYTES;
  }

  /** The digest of the chunk with this fingerprint; undefined if it is not known. Quick if the chunk is the `place`th,
   * as it was before. */
  digest(fingerprint: Uint8Array, place: number): Uint8Array | undefined {
    const found = this.#has(fingerprint, place) ? place : this.#find(fingerprint);
    if (found === undefined) return undefined;
    const start = found * ENTRY_BYTES + FINGERPRINT_BYTES;
    return this.#entries.subarray(start, start + DIGEST_BYTES);
  }

  #has(fingerprint: Uint8Array, place: number): boolean {
    if (place >= this.size) return false;
    const start = place * ENTRY_BYTES;
    return this.#entries.subarray(start, start + FINGERPRINT_BYTES).equals(fingerprint);
  }

  #find(fingerprint: Uint8Array): number | undefined {
    this.#places ??= this.#index();
    return this.#places.get(Buffer.from(fingerprint).toString("latin1"));
  }

  #index(): Map<string, number> {
    const places = new Map<string, number>();
    for (let place = 0; place < this.size; place++) {
      const start = place * ENTRY_BYTES;
      places.set(this.#entries.toString("latin1", start, start + FINGERPRINT_BYTES), place);
    }
    return places;
  }
}

/** The bytes for a file: fingerprint and digest of each of `count` chunks, as `entry` gives them; if it gives
 * undefined, that chunk is left out. Works in turns, so that the event loop can serve its sockets. */
export async function encodeHashCache(
  count: number,
  entry: (index: number) => { readonly fingerprint: Uint8Array; readonly digest: Uint8Array } | undefined,
): Promise<Buffer> {
  const bytes = Buffer.alloc(MAGIC.length + count * ENTRY_BYTES + CHECKSUM_BYTES);
  bytes.set(MAGIC);
  let at = MAGIC.length;
  const turn = new LoopTurn();
  for (let index = 0; index < count; index++) {
    if (turn.isOver) await turn.yield();
    const known = entry(index);
    if (known === undefined) continue;
    bytes.set(known.fingerprint, at);
    bytes.set(known.digest, at + FINGERPRINT_BYTES);
    at += ENTRY_BYTES;
  }
  bytes.set(createHash("sha256").update(bytes.subarray(0, at)).digest(), at);
  return bytes.subarray(0, at + CHECKSUM_BYTES);
}
