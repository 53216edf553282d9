// Endpoint and Ticket, messages ⇄ domain types: the only importer of their generated code in this room. Checks
// each field by itself; tickets as a whole are checked in ticket.ts.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type Endpoint as EndpointMessage,
  EndpointSchema,
  type Ticket as TicketMessage,
  TicketSchema,
  Transport as WireTransport,
} from "../../gen/goshare/v1/endpoint_pb.js";
import { DIGEST_BYTES, toHex } from "../core/ids.js";
import type { MessageWriter } from "../core/message-writer.js";
import { readStrictly } from "../core/strict-wire.js";
import type { Endpoint } from "./endpoint.js";
import { hostScope, normaliseHost } from "./host.js";
import { MAX_PORT, TICKET_FORMAT } from "./limits.js";

export function endpointToWire(endpoint: Endpoint): EndpointMessage {
  const { host, port, transport, certificateSha256 } = endpoint;
  return create(EndpointSchema, {
    host,
    port,
    transport: transport === "tls" ? WireTransport.TLS : WireTransport.TCP,
    certificateSha256:
      certificateSha256 === undefined ? new Uint8Array(0) : Buffer.from(certificateSha256, "hex"),
  });
}

/** Writes the fields of an Endpoint. */
export function writeEndpoint(writer: MessageWriter, endpoint: Endpoint): void {
  const { host, port, transport, certificateSha256 } = endpoint;
  writer.string(ENDPOINT.host, host);
  writer.number(ENDPOINT.port, port);
  writer.number(ENDPOINT.transport, transport === "tls" ? WireTransport.TLS : WireTransport.TCP);
  if (certificateSha256 !== undefined) writer.hex(ENDPOINT.certificateSha256, certificateSha256);
}

/** Writes an endpoint that is reached by TCP, whose host is the ASCII text between `start` and `end` of `bytes`. */
export function writeTcpEndpoint(
  writer: MessageWriter,
  bytes: Uint8Array,
  start: number,
  end: number,
  port: number,
): void {
  writer.slice(ENDPOINT.host, bytes, start, end);
  writer.number(ENDPOINT.port, port);
  writer.number(ENDPOINT.transport, WireTransport.TCP);
}

const ENDPOINT = EndpointSchema.field;

/** The endpoint in a message from elsewhere, or undefined if it has to be skipped: an unknown transport, a host
 * or port that nobody can dial, TLS without the digest of a certificate or a digest without TLS. */
export function endpointFromWire(message: EndpointMessage): Endpoint | undefined {
  const { port, transport, certificateSha256 } = message;
  const host = normaliseHost(message.host);
  if (host === undefined || hostScope(host) === "unspecified") return undefined;
  if (port < 1 || port > MAX_PORT) return undefined;
  if (transport === WireTransport.TCP && certificateSha256.length === 0)
    return { host, port, transport: "tcp" };
  if (transport === WireTransport.TLS && certificateSha256.length === DIGEST_BYTES) {
    return { host, port, transport: "tls", certificateSha256: toHex(certificateSha256) };
  }
  return undefined;
}

/** A ticket's fields as they stand on the wire, endpoints packed. */
export type TicketFields = Pick<
  TicketMessage,
  "contentId" | "name" | "trackers" | "peers" | "peerCertificateSha256"
>;

/** Throws StrictReadError. */
export function ticketFromWire(bytes: Uint8Array): TicketFields {
  return readStrictly(TicketSchema, bytes);
}

export function ticketToWire(fields: TicketFields): Uint8Array {
  return toBinary(TicketSchema, create(TicketSchema, { format: TICKET_FORMAT, ...fields }));
}
