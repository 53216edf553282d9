// Endpoints: a host, a port and how to talk to it, as people and programs write them. Never dials, never
// resolves a name.
import { quoted } from "../core/characters.js";
import { GoshareError } from "../core/errors.js";
import { hostScope, normaliseHost } from "./host.js";
import { MAX_PORT } from "./limits.js";

export type Transport = "tcp" | "tls";

export interface Endpoint {
  /** IPv4 or IPv6 in canonical text form (no brackets, no IPv4-mapped form), or a DNS name. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly transport: Transport;
  /** SHA-256 of the certificate a TLS endpoint must show, 64 lower-case hex digits. */
  readonly certificateSha256?: string | undefined;
}

/** Where to listen: port 0 asks for a free one, an unspecified host for every interface. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The TCP endpoint in `text`: HOST:PORT or [IPV6]:PORT, and without ":PORT" if `defaultPort` is given. Undefined if it
 * is not one, or cannot be dialled (port 0, unspecified host). */
export function parseEndpoint(text: string, defaultPort?: number): Endpoint | undefined {
  const parsed = parseHostPort(text, defaultPort);
  if (parsed === undefined || parsed.port === 0 || hostScope(parsed.host) === "unspecified") return undefined;
  return { ...parsed, transport: "tcp" };
}

/** As parseEndpoint; throws USAGE that says what was meant: `what`, such as "--tracker". */
export function requireEndpoint(text: string, what: string, defaultPort?: number): Endpoint {
  const endpoint = parseEndpoint(text, defaultPort);
  if (endpoint === undefined) throw notAnAddress(text, what, defaultPort);
  return endpoint;
}

/** The tracker in `text`: as parseEndpoint, or tls://HOST:PORT, followed by #SHA256 if it must show the certificate
 * with that digest (64 hex digits). */
export function parseTrackerEndpoint(text: string, defaultPort?: number): Endpoint | undefined {
  const { address, pin } = TLS_TRACKER.exec(text.trim())?.groups ?? {};
  if (address === undefined) return parseEndpoint(text, defaultPort);
  const endpoint = parseEndpoint(address, defaultPort);
  if (endpoint === undefined) return undefined;
  return { ...endpoint, transport: "tls", certificateSha256: pin?.toLowerCase() };
}

/** As parseTrackerEndpoint; throws USAGE that says what was meant. */
export function requireTrackerEndpoint(text: string, what: string, defaultPort?: number): Endpoint {
  const endpoint = parseTrackerEndpoint(text, defaultPort);
  if (endpoint !== undefined) return endpoint;
  if (!text.trim().toLowerCase().startsWith(TLS_SCHEME)) throw notAnAddress(text, what, defaultPort);
  throw new GoshareError("USAGE", `${what} ${quoted(text)} is not an address`, {
    hint: "write it as tls://HOST:PORT or tls://HOST:PORT#SHA256, where SHA256 has 64 hexadecimal digits",
  });
}

/** Whether others can be told of the endpoint: tickets and .goshare files have no way to say that any certificate will
 * do. */
export function isTellable({ transport, certificateSha256 }: Endpoint): boolean {
  return transport === "tcp" || certificateSha256 !== undefined;
}

/** As parseEndpoint, for where to listen: port 0 and unspecified hosts ("0.0.0.0", "[::]") are allowed. */
export function parseListenAddress(text: string, defaultPort?: number): ListenAddress | undefined {
  return parseHostPort(text, defaultPort);
}

/** As parseListenAddress; throws USAGE that says what was meant. */
export function requireListenAddress(text: string, what: string, defaultPort?: number): ListenAddress {
  const address = parseListenAddress(text, defaultPort);
  if (address === undefined) throw notAnAddress(text, what, defaultPort);
  return address;
}

/** HOST:PORT, with brackets around an IPv6 host, and tls:// before it where TLS is spoken. */
export function formatEndpoint(endpoint: ListenAddress & Partial<Pick<Endpoint, "transport">>): string {
  const { host, port, transport } = endpoint;
  const scheme = transport === "tls" ? TLS_SCHEME : "";
  return `${scheme}${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** What stands before an address at which TLS is spoken. */
export const TLS_SCHEME = "tls://";
const TLS_TRACKER = /^tls:\/\/(?<address>[^#]*)(?:#(?<pin>[0-9a-f]{64}))?$/i;

// An IPv6 host always has brackets: "::1:9000" might be an address or an address and a port.
const HOST_PORT = /^(?:\[(?<v6>[^[\]]*)\]|(?<plain>[^[\]:]*))(?::(?<port>\d{1,5}))?$/;

function parseHostPort(text: string, defaultPort: number | undefined): ListenAddress | undefined {
  const { v6, plain, port: portText } = HOST_PORT.exec(text.trim())?.groups ?? {};
  const host = normaliseHost(v6 ?? plain ?? "");
  const port = portText === undefined ? defaultPort : Number(portText);
  if (host === undefined || port === undefined || port > MAX_PORT) return undefined;
  return v6 !== undefined && !v6.includes(":") ? undefined : { host, port };
}

function notAnAddress(text: string, what: string, defaultPort: number | undefined): GoshareError {
  const form = defaultPort === undefined ? "HOST:PORT" : "HOST or HOST:PORT";
  return new GoshareError("USAGE", `${what} ${quoted(text)} is not an address`, {
    hint: `write it as ${form}, an IPv6 address in brackets, for example 192.168.1.5:${defaultPort ?? 9000}`,
  });
}
