// The headers of GetChunk and ChunkData, read and written by hand: a transfer is little else, and the general codec
// took 0.13 ms for a chunk's four headers, with the cold caches that copying a chunk leaves. Writes exactly what the
// general codec writes (test/peer/wire), and reads only headers written in just that form; the general codec reads all
// others. Knows no field numbers: they come from the protos.
import { type ContentId, contentIdFromBytes, DIGEST_BYTES, idToBytes } from "../core/ids.js";
import type { FrameHeader, Request } from "./messages.js";

/** Tags (field number and wire type) as on the wire, each below 128 and so one byte. */
export interface ChunkHeaderTags {
  readonly requestId: number;
  readonly getChunk: number;
  readonly getChunkContentId: number;
  readonly getChunkIndex: number;
  readonly getChunkOfferId: number;
  readonly chunkData: number;
  readonly chunkDataIndex: number;
  readonly chunkDataOffset: number;
}

type GetChunk = Extract<Request, { type: "getChunk" }>;

/** A tag and a 32-bit number. */
const MAX_FIELD_BYTES = 6;

export class ChunkHeaders {
  readonly #tags: ChunkHeaderTags;
  /** The content id that was last read or written: mostly there is only one. */
  #contentId: ContentId | undefined;
  #contentIdBytes: Uint8Array = new Uint8Array(0);
  /** Where the next byte is read or written. */
  #at = 0;

  constructor(tags: ChunkHeaderTags) {
    this.#tags = tags;
  }

  encodeChunkData(requestId: number, chunkIndex: number, offset: number): Uint8Array {
    const { chunkData, chunkDataIndex, chunkDataOffset } = this.#tags;
    const bytes = Buffer.allocUnsafe(2 + 3 * MAX_FIELD_BYTES);
    this.#begin(bytes, requestId, chunkData);
    const lengthAt = this.#at++;
    this.#put(bytes, chunkDataIndex, chunkIndex);
    this.#put(bytes, chunkDataOffset, offset);
    bytes[lengthAt] = this.#at - lengthAt - 1;
    return bytes.subarray(0, this.#at);
  }

  encodeGetChunk(requestId: number, { contentId, chunkIndex, offerId }: GetChunk): Uint8Array {
    const { getChunk, getChunkContentId, getChunkIndex, getChunkOfferId } = this.#tags;
    const bytes = Buffer.allocUnsafe(4 + DIGEST_BYTES + 3 * MAX_FIELD_BYTES);
    this.#begin(bytes, requestId, getChunk);
    const lengthAt = this.#at++;
    bytes[this.#at++] = getChunkContentId;
    bytes[this.#at++] = DIGEST_BYTES;
    bytes.set(this.#bytesOf(contentId), this.#at);
    this.#at += DIGEST_BYTES;
    this.#put(bytes, getChunkIndex, chunkIndex);
    this.#put(bytes, getChunkOfferId, offerId);
    bytes[lengthAt] = this.#at - lengthAt - 1;
    return bytes.subarray(0, this.#at);
  }

  /** The header in `bytes`, if it is one of these two and written as it is here. */
  decode(bytes: Uint8Array): FrameHeader | undefined {
    const { requestId: requestIdTag, getChunk, chunkData } = this.#tags;
    this.#at = 0;
    const requestId = this.#take(bytes, requestIdTag);
    if (requestId === undefined || requestId === 0) return undefined;
    const tag = bytes[this.#at++];
    if (bytes[this.#at++] !== bytes.byteLength - this.#at) return undefined;
    if (tag === chunkData) return this.#decodeChunkData(requestId, bytes);
    if (tag === getChunk) return this.#decodeGetChunk(requestId, bytes);
    return undefined;
  }

  #decodeChunkData(requestId: number, bytes: Uint8Array): FrameHeader | undefined {
    const chunkIndex = this.#take(bytes, this.#tags.chunkDataIndex);
    const offset = this.#take(bytes, this.#tags.chunkDataOffset);
    if (chunkIndex === undefined || offset === undefined || this.#at !== bytes.byteLength) return undefined;
    return { requestId, message: { type: "chunkData", chunkIndex, offset } };
  }

  #decodeGetChunk(requestId: number, bytes: Uint8Array): FrameHeader | undefined {
    if (bytes[this.#at++] !== this.#tags.getChunkContentId || bytes[this.#at++] !== DIGEST_BYTES)
      return undefined;
    const contentId = this.#contentIdAt(bytes, this.#at);
    this.#at += DIGEST_BYTES;
    const chunkIndex = this.#take(bytes, this.#tags.getChunkIndex);
    const offerId = this.#take(bytes, this.#tags.getChunkOfferId);
    if (contentId === undefined || chunkIndex === undefined || offerId === undefined) return undefined;
    if (this.#at !== bytes.byteLength) return undefined;
    return { requestId, message: { type: "getChunk", contentId, chunkIndex, offerId } };
  }

  #begin(bytes: Uint8Array, requestId: number, bodyTag: number): void {
    this.#at = 0;
    this.#put(bytes, this.#tags.requestId, requestId);
    bytes[this.#at++] = bodyTag;
  }

  /** Writes a field with its tag; 0 is not written. */
  #put(bytes: Uint8Array, tag: number, value: number): void {
    if (value === 0) return;
    bytes[this.#at++] = tag;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) bytes[this.#at++] = (rest & 0x7f) | 0x80;
    bytes[this.#at++] = rest;
  }

  /** The number in the field with `tag` if that is next, else 0; undefined if the number is not 32 bits in its shortest
   * form, or is 0 and so should have been left out. */
  #take(bytes: Uint8Array, tag: number): number | undefined {
    if (bytes[this.#at] !== tag) return 0;
    this.#at++;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[this.#at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte > 0x7f) continue;
      return byte === 0 || value > 0xffff_ffff ? undefined : value;
    }
    return undefined;
  }

  #bytesOf(contentId: ContentId): Uint8Array {
    if (contentId !== this.#contentId) {
      this.#contentId = contentId;
      this.#contentIdBytes = idToBytes(contentId);
    }
    return this.#contentIdBytes;
  }

  #contentIdAt(bytes: Uint8Array, at: number): ContentId | undefined {
    if (at + DIGEST_BYTES > bytes.byteLength) return undefined;
    let isKnown = this.#contentId !== undefined;
    for (let i = 0; isKnown && i < DIGEST_BYTES; i++) isKnown = bytes[at + i] === this.#contentIdBytes[i];
    if (isKnown) return this.#contentId;
    // Copied: other headers come into the same memory. A Buffer's slice would be a view.
    this.#contentIdBytes = Uint8Array.from(bytes.subarray(at, at + DIGEST_BYTES));
    this.#contentId = contentIdFromBytes(this.#contentIdBytes);
    return this.#contentId;
  }
}
