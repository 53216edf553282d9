// A peer's place as 80 bytes, which are looked up, copied and encoded without making an object or a text of them. Knows
// no tables.
//
//   peer id (32) | listen port (u16, little endian) | length of the host (u8) | host (ASCII) | zeros to the end
import { DIGEST_BYTES, peerIdFromBytes, writeHex } from "../../core/ids.js";
import type { LeaseKey } from "./stored-peer.js";

/** "2001:0db8:…:255.255.255.255", the longest text of an address. */
export const MAX_HOST_BYTES = 45;

const PORT_AT = DIGEST_BYTES;
const LENGTH_AT = PORT_AT + 2;
const HOST_AT = LENGTH_AT + 1;

/** Packed places stand in arrays of 32-bit words. */
export const PLACE_WORDS = (HOST_AT + MAX_HOST_BYTES) / 4;
export const ID_WORDS = DIGEST_BYTES / 4;

export function packPlace({ peerId, host, listenPort }: LeaseKey, into: Buffer, at = 0): void {
  if (host.length > MAX_HOST_BYTES) throw new Error(`${host} is longer than an address`);
  writeHex(peerId, into, at);
  into[at + PORT_AT] = listenPort & 0xff;
  into[at + PORT_AT + 1] = listenPort >> 8;
  into[at + LENGTH_AT] = host.length;
  for (let i = 0; i < MAX_HOST_BYTES; i++) into[at + HOST_AT + i] = i < host.length ? host.charCodeAt(i) : 0;
}

export function unpackPlace(bytes: Buffer, at: number): LeaseKey {
  const peerId = peerIdFromBytes(bytes.subarray(at, at + DIGEST_BYTES));
  if (peerId === undefined) throw new Error("32 bytes are a peer id");
  return { peerId, host: hostOf(bytes, at), listenPort: listenPortOf(bytes, at) };
}

export function hostOf(bytes: Buffer, at: number): string {
  return bytes.toString("latin1", hostStartOf(at), hostEndOf(bytes, at));
}

export function listenPortOf(bytes: Buffer, at: number): number {
  return (bytes[at + PORT_AT] ?? 0) + 256 * (bytes[at + PORT_AT + 1] ?? 0);
}

/** Where the host begins in the bytes of a place at `at`. */
export function hostStartOf(at: number): number {
  return at + HOST_AT;
}

export function hostEndOf(bytes: Buffer, at: number): number {
  return at + HOST_AT + hostBytesOf(bytes, at);
}

export function hostBytesOf(bytes: Buffer, at: number): number {
  return bytes[at + LENGTH_AT] ?? 0;
}

/** The words of a place that are not zeros behind its host. */
export function usedWordsOf(bytes: Buffer, at: number): number {
  return wordsWithHost(hostBytesOf(bytes, at));
}

/** The least words of a place: all that comes before its host, and perhaps the first letter. */
export const LEAST_PLACE_WORDS = wordsWithHost(0);

function wordsWithHost(hostBytes: number): number {
  return Math.ceil((HOST_AT + hostBytes) / 4);
}
