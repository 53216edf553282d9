// Which endpoints that somebody else proposed may be dialled: the one guard in front of every such dial.
import type { Endpoint } from "./endpoint.js";
import { hostScope } from "./host.js";
import { MAX_PORT } from "./limits.js";

/** Whether an endpoint that the machine at `proposedByHost` proposed may be dialled: never an unspecified, multicast or
 * broadcast host, nor port 0; loopback and link-local only if the proposer is on loopback itself. A name is judged by
 * its text alone: `eachDialable` asks again for each address behind it. */
export function mayDial(endpoint: Endpoint, proposedByHost: string): boolean {
  if (!(endpoint.port >= 1 && endpoint.port <= MAX_PORT)) return false;
  switch (hostScope(endpoint.host)) {
    case "unspecified":
    case "multicast":
    case "broadcast":
      return false;
    case "loopback":
    case "link-local":
      return hostScope(proposedByHost) === "loopback";
    case "private":
    case "public":
    case "name":
      return true;
  }
}

/** Whether a tracker may dial an endpoint to see whether the peer at `askerHost`, which named it, is there: as mayDial,
 * but into private networks only for a peer that is in one, or on this machine. */
export function mayDialBack(endpoint: Endpoint, askerHost: string): boolean {
  if (!mayDial(endpoint, askerHost)) return false;
  return hostScope(endpoint.host) !== "private" || hostScope(askerHost) !== "public";
}
