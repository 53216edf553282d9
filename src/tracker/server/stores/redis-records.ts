// Leases as bytes in Redis and back. What cannot be read (another version's record) is left out, never guessed.
//
//   state: complete (0 or 1) | chunks held (u32, big endian)
//   place: peer id (32) | listen port (u16) | host length (u8) | host | then, of each announced endpoint, its
//          length (u16) and its packed form (address/packed-endpoint.ts)
//   record: state | place

import type { Endpoint } from "../../../address/endpoint.js";
import { packEndpoint, unpackEndpoint } from "../../../address/packed-endpoint.js";
import { DIGEST_BYTES, idToBytes, peerIdFromBytes } from "../../../core/ids.js";
import type { HeldShare } from "../../announcement.js";
import { MAX_HOST_BYTES } from "../packed-place.js";
import type { LeaseKey, StoredPeer } from "../stored-peer.js";

const STATE_BYTES = 5;
const PORT_AT = STATE_BYTES + DIGEST_BYTES;
const HOST_AT = PORT_AT + 3;

export function stateBytes({ complete, chunksHeld }: HeldShare): Buffer {
  const state = Buffer.allocUnsafe(STATE_BYTES);
  state.writeUInt8(complete ? 1 : 0);
  state.writeUInt32BE(chunksHeld, 1);
  return state;
}

export function placeBytes({ peerId, host, listenPort }: LeaseKey, endpoints: readonly Endpoint[]): Buffer {
  const head = Buffer.alloc(DIGEST_BYTES + 3 + host.length);
  head.set(idToBytes(peerId));
  head.writeUInt16BE(listenPort, DIGEST_BYTES);
  head.writeUInt8(host.length, DIGEST_BYTES + 2);
  head.write(host, DIGEST_BYTES + 3, "latin1");
  return endpoints.length === 0 ? head : Buffer.concat([head, ...endpoints.flatMap(packedWithLength)]);
}

function packedWithLength(endpoint: Endpoint): Uint8Array[] {
  const packed = packEndpoint(endpoint, "tracker");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packed.length);
  return [length, packed];
}

/** The peer in a record; undefined if the record cannot be read. */
export function peerOfRecord(record: Buffer): StoredPeer | undefined {
  if (record.length < HOST_AT) return undefined;
  const hostBytes = record.readUInt8(HOST_AT - 1);
  const hostEnd = HOST_AT + hostBytes;
  const peerId = peerIdFromBytes(record.subarray(STATE_BYTES, PORT_AT));
  if (hostBytes > MAX_HOST_BYTES || record.length < hostEnd || peerId === undefined) return undefined;
  const endpoints = endpointsOf(record.subarray(hostEnd));
  if (endpoints === undefined) return undefined;
  const host = record.toString("latin1", HOST_AT, hostEnd);
  return {
    key: { peerId, host, listenPort: record.readUInt16BE(PORT_AT) },
    endpoints,
    chunksHeld: record.readUInt32BE(1),
    complete: record.readUInt8() === 1,
  };
}

const NO_ENDPOINTS: readonly Endpoint[] = [];

function endpointsOf(bytes: Buffer): readonly Endpoint[] | undefined {
  if (bytes.length === 0) return NO_ENDPOINTS;
  const endpoints: Endpoint[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return undefined;
    const endpoint = unpackEndpoint(bytes.subarray(at + 2, end), "tracker", undefined);
    if (endpoint === "invalid") return undefined;
    if (endpoint !== "skip") endpoints.push(endpoint);
    at = end;
  }
  return endpoints;
}
