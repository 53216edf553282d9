// ManifestFile, bytes ⇄ its fields: the only importer of generated code in this room. Decoded by hand, so that a file
// full of tiny endpoints costs no memory, and a file that was cut short can be told from a damaged one.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  type Endpoint as EndpointMessage,
  EndpointSchema,
  ManifestFileSchema,
} from "../../gen/goshare/v1/endpoint_pb.js";
import type { Endpoint } from "../address/endpoint.js";
import { endpointFromWire, endpointToWire } from "../address/wire.js";

export const MANIFEST_FILE_FORMAT = 1;

/** How many endpoints of each kind are read; the rest are not worth dialling. */
const MAX_ENDPOINTS = 64;

export interface ManifestFileFields {
  /** The encoded root; empty if there is none. */
  readonly manifest: Uint8Array;
  readonly trackers: readonly Endpoint[];
  readonly peers: readonly Endpoint[];
  /** The encoded body; empty if there is none. */
  readonly body: Uint8Array;
}

export function manifestFileToWire(fields: ManifestFileFields): Uint8Array {
  return toBinary(
    ManifestFileSchema,
    create(ManifestFileSchema, {
      format: MANIFEST_FILE_FORMAT,
      manifest: fields.manifest,
      trackers: fields.trackers.map(endpointToWire),
      peers: fields.peers.map(endpointToWire),
      body: fields.body,
    }),
  );
}

const FIELD = ManifestFileSchema.field;

/** The fields in `bytes`, byte fields as views. Ignores unknown fields. "cut" if the bytes end inside a field,
 * "damaged" if they are not protobuf. */
export function manifestFileFromWire(bytes: Uint8Array): ManifestFileFields | "cut" | "damaged" {
  let manifest: Uint8Array = new Uint8Array(0);
  let body: Uint8Array = new Uint8Array(0);
  const trackers: Uint8Array[] = [];
  const peers: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < reader.len) {
      const [fieldNumber, wireType] = reader.tag();
      if (wireType !== WireType.LengthDelimited) {
        reader.skip(wireType, fieldNumber);
        continue;
      }
      const value = reader.bytes();
      if (fieldNumber === FIELD.manifest.number) manifest = value;
      else if (fieldNumber === FIELD.body.number) body = value;
      else if (fieldNumber === FIELD.trackers.number && trackers.length < MAX_ENDPOINTS) trackers.push(value);
      else if (fieldNumber === FIELD.peers.number && peers.length < MAX_ENDPOINTS) peers.push(value);
    }
    return { manifest, trackers: endpointsFromWire(trackers), peers: endpointsFromWire(peers), body };
  } catch (thrown) {
    return thrown instanceof RangeError ? "cut" : "damaged";
  }
}

function endpointsFromWire(encoded: readonly Uint8Array[]): readonly Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (const bytes of encoded) {
    const endpoint = endpointFromWire(decodeEndpoint(bytes));
    if (endpoint !== undefined) endpoints.push(endpoint);
  }
  return endpoints;
}

function decodeEndpoint(bytes: Uint8Array): EndpointMessage {
  try {
    return fromBinary(EndpointSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    // Not a RangeError: the file is not cut here, it goes on behind this field.
    throw new Error("not an Endpoint", { cause });
  }
}
