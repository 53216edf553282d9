// Tickets: all that a download needs in one line of text. Encodes and decodes; never dials what it finds.
import assert from "node:assert/strict";
import { bech32m } from "@scure/base";
import { characterProblem, cutToBytes, quoted } from "../core/characters.js";
import { GoshareError, newerFormat } from "../core/errors.js";
import { type ContentId, contentIdFromBytes, DIGEST_BYTES, idToBytes, toHex } from "../core/ids.js";
import { peekFormat, StrictReadError } from "../core/strict-wire.js";
import type { Endpoint } from "./endpoint.js";
import {
  MAX_DISPLAY_NAME_BYTES,
  MAX_TICKET_LENGTH,
  MAX_TICKET_PEERS,
  MAX_TICKET_TRACKERS,
  TICKET_FORMAT,
  TICKET_PREFIX,
} from "./limits.js";
import { type PackedRole, packEndpoint, unpackEndpoint } from "./packed-endpoint.js";
import { type TicketFields, ticketFromWire, ticketToWire } from "./wire.js";

export interface Ticket {
  readonly contentId: ContentId;
  /** For display before the manifest is there, never a path; may be empty. */
  readonly name: string;
  /** At most 2. */
  readonly trackers: readonly Endpoint[];
  /** Where the sharer listens, best first; at most 3. */
  readonly peers: readonly Endpoint[];
  /** The sharer's certificate where it uses TLS, 64 lower-case hex digits. */
  readonly peerCertificateSha256?: string | undefined;
}

/** The text of a ticket, at most 600 characters. What does not fit is left out: the name's end beyond 64 bytes,
 * trackers beyond 2 and peers beyond 3; then the name, then peers, then trackers, from their end. */
export function encodeTicket(ticket: Ticket): string {
  const pin = ticket.peerCertificateSha256;
  const name = displayName(ticket.name);
  assert.equal(nameProblem(name), undefined, "a share's name has been checked before");
  const tlsPeers = ticket.peers.filter((peer) => peer.transport === "tls");
  assert(
    tlsPeers.every(({ certificateSha256 }) => pin !== undefined && certificateSha256 === pin),
    "one pin",
  );
  const trackers = ticket.trackers
    .slice(0, MAX_TICKET_TRACKERS)
    .map((tracker) => packEndpoint(tracker, "tracker"));
  const peers = ticket.peers.slice(0, MAX_TICKET_PEERS).map((peer) => packEndpoint(peer, "peer"));
  const fixed = {
    contentId: idToBytes(ticket.contentId),
    peerCertificateSha256: pin === undefined ? new Uint8Array(0) : Buffer.from(pin, "hex"),
  };
  let text = ticketText({ ...fixed, name, trackers, peers });
  if (text.length > MAX_TICKET_LENGTH) text = ticketText({ ...fixed, name: "", trackers, peers });
  while (text.length > MAX_TICKET_LENGTH) {
    if (peers.pop() === undefined) trackers.pop();
    text = ticketText({ ...fixed, name: "", trackers, peers });
  }
  return text;
}

function ticketText(fields: TicketFields): string {
  return bech32m.encode(TICKET_PREFIX, bech32m.toWords(Uint8Array.from(ticketToWire(fields))), false);
}

/** `name` cut, between two characters, to the 64 bytes that a ticket shows. */
export function displayName(name: string): string {
  return cutToBytes(name, MAX_DISPLAY_NAME_BYTES);
}

/** Whether `text` is meant to be a ticket, right or wrong. */
export function looksLikeTicket(text: string): boolean {
  return withoutWhiteSpace(text).startsWith(`${TICKET_PREFIX}1`);
}

/** What precedes a ticket in the line that a share prints. */
const COMMAND_BEFORE_TICKET = /^\s*goshare\s+download\s+(?=goshare1)/i;

/** `text` without the command before a ticket: people paste the whole line. */
export function withoutCommand(text: string): string {
  return text.replace(COMMAND_BEFORE_TICKET, "");
}

/** Whether `text` is a ticket with nothing missing, whatever it holds. */
export function isWholeTicket(text: string): boolean {
  return bytesIn(withoutWhiteSpace(text)) !== undefined;
}

/** The ticket in `text`, white space and case ignored. Throws TICKET_INVALID, or NEWER_FORMAT. */
export function decodeTicket(text: string): Ticket {
  const bytes = ticketBytes(text);
  const format = peekFormat(bytes);
  if (format !== TICKET_FORMAT) {
    if (format === undefined || format === 0) throw invalidTicket("is not a ticket of any known format");
    throw newerFormat("the ticket", format);
  }
  const fields = fieldsOf(bytes);
  const contentId = contentIdFromBytes(fields.contentId);
  if (contentId === undefined) throw invalidTicket("holds no content id of 32 bytes");
  const problem = nameProblem(fields.name);
  if (problem !== undefined) throw invalidTicket(`has the name ${quoted(fields.name)}, which ${problem}`);
  const pinBytes = fields.peerCertificateSha256.length;
  if (pinBytes !== 0 && pinBytes !== DIGEST_BYTES)
    throw invalidTicket(`has a certificate digest of ${pinBytes} bytes`);
  const pin = pinBytes === 0 ? undefined : toHex(fields.peerCertificateSha256);
  return {
    contentId,
    name: fields.name,
    trackers: unpackAll(fields.trackers, "tracker", undefined, MAX_TICKET_TRACKERS),
    peers: unpackAll(fields.peers, "peer", pin, MAX_TICKET_PEERS),
    ...(pin === undefined ? {} : { peerCertificateSha256: pin }),
  };
}

function ticketBytes(text: string): Uint8Array {
  const compact = withoutWhiteSpace(text);
  if (!compact.startsWith(`${TICKET_PREFIX}1`)) throw invalidTicket(`does not begin with ${TICKET_PREFIX}1`);
  if (compact.length > MAX_TICKET_LENGTH)
    throw invalidTicket(`has more than ${MAX_TICKET_LENGTH} characters`);
  const bytes = bytesIn(compact);
  if (bytes === undefined) throw invalidTicket("has a typing error or was cut short");
  return bytes;
}

function bytesIn(compact: string): Uint8Array | undefined {
  const decoded = bech32m.decodeUnsafe(compact, MAX_TICKET_LENGTH);
  if (!decoded || decoded.prefix !== TICKET_PREFIX) return undefined;
  return bech32m.fromWordsUnsafe(decoded.words) || undefined;
}

function fieldsOf(bytes: Uint8Array): TicketFields {
  try {
    return ticketFromWire(bytes);
  } catch (thrown) {
    if (!(thrown instanceof StrictReadError)) throw thrown;
    throw invalidTicket(`cannot be read: ${thrown.message}`, thrown);
  }
}

function nameProblem(name: string): string | undefined {
  if (Buffer.byteLength(name) > MAX_DISPLAY_NAME_BYTES)
    return `takes more than ${MAX_DISPLAY_NAME_BYTES} bytes`;
  return name.includes("/") ? 'holds "/"' : characterProblem(name);
}

function unpackAll(
  packed: readonly Uint8Array[],
  role: PackedRole,
  peerPin: string | undefined,
  max: number,
): readonly Endpoint[] {
  if (packed.length > max) throw invalidTicket(`names ${packed.length} ${role}s, more than ${max}`);
  const endpoints: Endpoint[] = [];
  for (const bytes of packed) {
    const endpoint = unpackEndpoint(bytes, role, peerPin);
    if (endpoint === "invalid") throw invalidTicket(`has a damaged ${role} address`);
    if (endpoint !== "skip") endpoints.push(endpoint);
  }
  return endpoints;
}

function withoutWhiteSpace(text: string): string {
  return text.replace(/\s+/g, "").toLowerCase();
}

function invalidTicket(what: string, cause?: unknown): GoshareError {
  return new GoshareError("TICKET_INVALID", `the ticket ${what}`, {
    cause,
    hint: "copy the whole ticket again, from goshare1 to the end",
  });
}
