// Endpoints as tickets hold them, a few bytes each (proto/goshare/v1/endpoint.proto, Ticket). What is to be skipped or
// is damaged shows in the result of unpacking, which throws nothing.
import assert from "node:assert/strict";
import { DIGEST_BYTES, toHex } from "../core/ids.js";
import type { Endpoint } from "./endpoint.js";
import { hostScope, normaliseHost, parseAddress, parseAddressBytes } from "./host.js";

const KIND = { ipv4: 1, ipv6: 2, name: 3 } as const;
/** Added to the kind of an endpoint that is reached by TLS. */
const TLS = 16;

/** Whose endpoint it is: a tracker brings the pin of its own certificate, peers share the one in the ticket. */
export type PackedRole = "tracker" | "peer";

/** Packs an endpoint whose host is normalised; a TLS tracker brings its pin. */
export function packEndpoint(endpoint: Endpoint, role: PackedRole): Uint8Array {
  const { host, port, transport, certificateSha256 } = endpoint;
  assert.equal(normaliseHost(host), host, "an endpoint's host is normalised");
  const tls = transport === "tls" ? TLS : 0;
  const portBytes = [port >>> 8, port & 0xff];
  const pin = tls > 0 && role === "tracker" ? Buffer.from(certificateSha256 ?? "", "hex") : [];
  assert(pin.length === 0 ? tls === 0 || role === "peer" : pin.length === DIGEST_BYTES, "TLS has a pin");
  const address = parseAddress(host);
  if (address === undefined) {
    return Uint8Array.from([KIND.name + tls, host.length, ...Buffer.from(host), ...portBytes, ...pin]);
  }
  const kind = address.kind() === "ipv4" ? KIND.ipv4 : KIND.ipv6;
  return Uint8Array.from([kind + tls, ...address.toByteArray(), ...portBytes, ...pin]);
}

/** The endpoint in `bytes`; "skip" for a kind that this goshare does not know, or a host that means no place; "invalid"
 * for a known kind with missing, left-over or senseless bytes. `peerPin` is the ticket's peer_certificate_sha256. */
export function unpackEndpoint(
  bytes: Uint8Array,
  role: PackedRole,
  peerPin: string | undefined,
): Endpoint | "skip" | "invalid" {
  const kindByte = bytes[0];
  if (kindByte === undefined) return "invalid";
  const tls = kindByte >= TLS;
  const kind = tls ? kindByte - TLS : kindByte;
  const hostBytes = hostBytesOf(kind, bytes[1]);
  if (hostBytes === undefined) return "skip";

  const hostStart = kind === KIND.name ? 2 : 1;
  const portStart = hostStart + hostBytes;
  const pinStart = portStart + 2;
  const pinBytes = tls && role === "tracker" ? DIGEST_BYTES : 0;
  if (bytes.length !== pinStart + pinBytes) return "invalid";

  const host = unpackHost(kind, bytes.subarray(hostStart, portStart));
  const port = (bytes[portStart] ?? 0) * 256 + (bytes[portStart + 1] ?? 0);
  if (host === undefined || port === 0) return "invalid";
  if (hostScope(host) === "unspecified") return "skip";
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
