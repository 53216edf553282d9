// Content ids and peer ids: 32 bytes, held as lower-case hex so that they compare, sort and index maps as
// what they are. Bytes become ids here and nowhere else.
import { randomBytes } from "node:crypto";

declare const brand: unique symbol;

/** SHA-256 of a manifest root's exact bytes, 64 lower-case hex digits. */
export type ContentId = string & { readonly [brand]: "ContentId" };

/** Identity of a peer for the life of its process, 64 lower-case hex digits. */
export type PeerId = string & { readonly [brand]: "PeerId" };

export const DIGEST_BYTES = 32;

const HEX_ID = /^[0-9a-f]{64}$/;

/** The content id written in `text` (hex, any case), or undefined if it is none. */
export function parseContentId(text: string): ContentId | undefined {
  const lower = text.trim().toLowerCase();
  return isContentId(lower) ? lower : undefined;
}

function isContentId(text: string): text is ContentId {
  return HEX_ID.test(text);
}

/** The content id in 32 bytes, or undefined if there are not 32. Copies: `bytes` may be a view of a buffer
 * that is used again. */
export function contentIdFromBytes(bytes: Uint8Array): ContentId | undefined {
  const hex = toHex(bytes);
  return isDigestInHex(hex) ? hex : undefined;
}

/** The peer id in 32 bytes, or undefined if there are not 32. */
export function peerIdFromBytes(bytes: Uint8Array): PeerId | undefined {
  const hex = toHex(bytes);
  return isDigestInHex(hex) ? hex : undefined;
}

/** For what `toHex` has written, checking the length is enough; a pattern would cost a tracker a sixth of its time. */
function isDigestInHex(hex: string): hex is ContentId & PeerId {
  return hex.length === 2 * DIGEST_BYTES;
}

export function idToBytes(id: ContentId | PeerId): Uint8Array {
  return Buffer.from(id, "hex");
}

/** Writes the bytes of hex digits into `into`, from `at` on. For what a tracker does at every call: for so few digits
 * this loop takes a third of the time that Buffer.write takes. */
export function writeHex(digits: string, into: Uint8Array, at: number): void {
  const { length } = digits;
  for (let i = 0, to = at; i < length; i += 2, to++)
    into[to] = (digitValue(digits.charCodeAt(i)) << 4) | digitValue(digits.charCodeAt(i + 1));
}

/** "0" is 0x30, "a" 0x61. */
function digitValue(code: number): number {
  return (code & 0xf) + 9 * (code >> 6);
}

/** A peer id for this process; never written to disk. */
export function randomPeerId(): PeerId {
  const id = peerIdFromBytes(randomBytes(DIGEST_BYTES));
  if (id === undefined) throw new Error("32 random bytes are a peer id");
  return id;
}

export function toHex(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("hex");
}
