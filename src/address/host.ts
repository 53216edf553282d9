// Hosts: one spelling for each address or name, and how far it reaches. Never resolves a name.
import ipaddr from "ipaddr.js";
import { MAX_NAME_BYTES } from "./limits.js";

/** How far a host reaches. "private" includes shared and unique local addresses. */
export type HostScope =
  | "loopback"
  | "unspecified"
  | "link-local"
  | "private"
  | "multicast"
  | "broadcast"
  | "public"
  | "name";

/** The one spelling of a host: IPv4 and IPv6 in canonical form, IPv4-mapped addresses as IPv4, names in lower case
 * without a dot at their end. No brackets. Undefined for zone ids, for numbers that a resolver might take for an
 * address ("127.1"), and for anything that is no host at all. */
export function normaliseHost(host: string): string | undefined {
  return parseAddress(host)?.toString() ?? normaliseName(host);
}

type IpAddress = ipaddr.IPv4 | ipaddr.IPv6;

/** The address in `host`; undefined for names and zone ids. IPv4-mapped addresses are IPv4. */
export function parseAddress(host: string): IpAddress | undefined {
  // Four decimal numbers only: ipaddr.js takes "127.1" and "0x7f000001" for IPv4 as well.
  if (ipaddr.IPv4.isValidFourPartDecimal(host)) return ipaddr.IPv4.parse(host);
  if (host.includes("%") || !host.includes(":") || !ipaddr.IPv6.isValid(host)) return undefined;
  // ipaddr.js also takes the long obsolete "::1.2.3.4" for an IPv4-mapped address.
  if (/^::\d+\./.test(host)) return undefined;
  const address = ipaddr.IPv6.parse(host);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** The address in 4 or 16 bytes, in its one spelling. */
export function parseAddressBytes(bytes: Uint8Array): string {
  const address = ipaddr.fromByteArray([...bytes]);
  return normaliseHost(address.toString()) ?? address.toString();
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const NUMERIC_LABEL = /^(\d+|0x[0-9a-f]*)$/;

function normaliseName(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name.length > MAX_NAME_BYTES) return undefined;
  const labels = name.split(".");
  if (!labels.every((label) => LABEL.test(label))) return undefined;
  return NUMERIC_LABEL.test(labels.at(-1) ?? "") ? undefined : name;
}

/** How far `host` (in any spelling) reaches. "localhost" and names below it are loopback, other names "name":
 * what they resolve to has to be judged on its own. */
export function hostScope(host: string): HostScope {
  const address = parseAddress(host);
  if (address === undefined) return /(^|\.)localhost\.?$/i.test(host) ? "loopback" : "name";
  switch (address.range()) {
    case "loopback":
      return "loopback";
    case "unspecified":
      return "unspecified";
    case "linkLocal":
      return "link-local";
    case "multicast":
      return "multicast";
    case "broadcast":
      return "broadcast";
    case "private":
    case "carrierGradeNat":
    case "uniqueLocal":
      return "private";
    default:
      return "public";
  }
}

/** Whether `host` is a loopback address. Looks at the text alone, as `hostNetwork` does, and takes the same hosts. */
export function isLoopbackAddress(host: string): boolean {
  return LOOPBACK_ADDRESS.test(host);
}

const LOOPBACK_ADDRESS = /^(::ffff:)?127(\.\d+){3}$|^::1$/;

/** The network whose addresses one machine may all have: the /64 of an IPv6 address (RFC 8981), else the host itself. A
 * tracker asks at every call, so this looks at the text alone: `host` has passed through `normaliseHost`, or comes from
 * a socket. */
export function hostNetwork(host: string): string {
  if (!host.includes(":") || host.includes(".")) return host;
  const [head = "", tail] = host.split("::", 2);
  const groups = groupsOf(head);
  if (tail !== undefined) {
    const last = groupsOf(tail);
    const zeros = Math.max(0, IPV6_GROUPS - groups.length - last.length);
    groups.push(...Array<string>(zeros).fill("0"), ...last);
  }
  return `${groups.slice(0, IPV6_GROUPS / 2).join(":")}::/64`;
}

/** A rough guess at which hosts are close to each other: the /16 of an IPv4 address, the /32 of an IPv6 one. `host` is
 * as for `hostNetwork`. */
export function hostRegion(host: string): string {
  const network = hostNetwork(host);
  const separator = network.includes(":") ? ":" : ".";
  return network.split(separator, 2).join(separator);
}

const IPV6_GROUPS = 8;

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
