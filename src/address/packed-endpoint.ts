// Endpoints as tickets hold them, a few bytes each (proto/goshare/v1/endpoint.proto, Ticket). Says by its
// result what is to be skipped and what is damaged; throws nothing.
import assert from "node:assert/strict";
import { DIGEST_BYTES, toHex } from "../core/ids.js";
import type { Endpoint } from "./endpoint.js";
import { type IpAddress, normaliseHost, parseAddress, parseAddressBytes } from "./host.js";

const KIND = { ipv4: 1, ipv6: 2, name: 3 } as const;
/** Added to the kind of an endpoint that is reached by TLS. */
const TLS = 16;

/** Whose endpoint it is: a tracker brings the pin of its own certificate, peers share one in the ticket. */
export type PackedRole = "tracker" | "peer";

/** Packs an endpoint whose host is normalised. */
export function packEndpoint(endpoint: Endpoint, role: PackedRole): Uint8Array {
  assert.equal(normaliseHost(endpoint.host), endpoint.host, "an endpoint's host is normalised");
  const tls = endpoint.transport === "tls";
  const host = packHost(endpoint.host);
  const port = Buffer.alloc(2);
  port.writeUInt16BE(endpoint.port);
  const pin =
    tls && role === "tracker" ? Buffer.from(endpoint.certificateSha256 ?? "", "hex") : Buffer.alloc(0);
  return Buffer.concat(
    [[host.kind + (tls ? TLS : 0)], host.bytes, port, pin].map((part) => Uint8Array.from(part)),
  );
}

function packHost(host: string): { readonly kind: number; readonly bytes: Uint8Array } {
  const address: IpAddress | undefined = parseAddress(host);
  if (address !== undefined) {
    return {
      kind: address.kind() === "ipv4" ? KIND.ipv4 : KIND.ipv6,
      bytes: Uint8Array.from(address.toByteArray()),
    };
  }
  return { kind: KIND.name, bytes: Buffer.from([host.length, ...Buffer.from(host, "latin1")]) };
}

/** The endpoint in `bytes`; "unknown" for a kind that this goshare does not know, "invalid" for one that it does
 * know with missing, left-over or senseless bytes. `peerPin` is the ticket's peer_certificate_sha256. */
export function unpackEndpoint(
  bytes: Uint8Array,
  role: PackedRole,
  peerPin: string | undefined,
): Endpoint | "unknown" | "invalid" {
  const kindByte = bytes[0];
  if (kindByte === undefined) return "invalid";
  const tls = kindByte >= TLS;
  const kind = tls ? kindByte - TLS : kindByte;
  const hostBytes = hostBytesOf(kind, bytes[1]);
  if (hostBytes === undefined) return "unknown";

  const hostStart = kind === KIND.name ? 2 : 1;
  const portStart = hostStart + hostBytes;
  const pinStart = portStart + 2;
  const pinBytes = tls && role === "tracker" ? DIGEST_BYTES : 0;
  if (bytes.length !== pinStart + pinBytes) return "invalid";

  const host = unpackHost(kind, bytes.subarray(hostStart, portStart));
  const port = (bytes[portStart] ?? 0) * 256 + (bytes[portStart + 1] ?? 0);
  if (host === undefined || port === 0) return "invalid";
  if (!tls) return { host, port, transport: "tcp" };
  const certificateSha256 = role === "tracker" ? toHex(bytes.subarray(pinStart)) : peerPin;
  return certificateSha256 === undefined ? "invalid" : { host, port, transport: "tls", certificateSha256 };
}

function hostBytesOf(kind: number, lengthByte: number | undefined): number | undefined {
  if (kind === KIND.ipv4) return 4;
  if (kind === KIND.ipv6) return 16;
  return kind === KIND.name ? (lengthByte ?? 0) : undefined;
}

function unpackHost(kind: number, bytes: Uint8Array): string | undefined {
  if (kind !== KIND.name) return parseAddressBytes(bytes);
  const name = Buffer.from(bytes).toString("latin1");
  // A name is packed in its one spelling only.
  return name !== "" && normaliseHost(name) === name && parseAddress(name) === undefined ? name : undefined;
}
