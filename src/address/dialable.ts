// Which endpoints that somebody else proposed may be dialled: the one guard in front of every such dial.
import type { Endpoint } from "./endpoint.js";
import { hostScope } from "./host.js";
import { MAX_PORT } from "./limits.js";

/** Who may dial a host that somebody else proposed: nobody (unspecified, multicast, broadcast); those to whom it was
 * proposed by a loopback address (loopback, link-local); everybody. Numbers, since a tracker keeps one for each peer. */
export const HOST_REACH = { nobody: 0, fromLoopback: 1, everybody: 2 } as const;
export type HostReach = (typeof HOST_REACH)[keyof typeof HOST_REACH];

export function hostReach(host: string): HostReach {
  switch (hostScope(host)) {
    case "unspecified":
    case "multicast":
    case "broadcast":
      return HOST_REACH.nobody;
    case "loopback":
    case "link-local":
      return HOST_REACH.fromLoopback;
    case "private":
    case "public":
    case "name":
      return HOST_REACH.everybody;
  }
}

/** Whether an endpoint that the machine at `proposedByHost` proposed may be dialled: its port is not 0, and its host
 * reaches there. A name is judged by its text alone: `eachDialable` asks again for each address behind it. */
export function mayDial(endpoint: Endpoint, proposedByHost: string): boolean {
  if (!(endpoint.port >= 1 && endpoint.port <= MAX_PORT)) return false;
  const reach = hostReach(endpoint.host);
  if (reach === HOST_REACH.fromLoopback) return hostScope(proposedByHost) === "loopback";
  return reach === HOST_REACH.everybody;
}

/** Whether a tracker may dial an endpoint to see whether the peer at `askerHost`, which named it, is there: as mayDial,
 * but into private networks only for a peer that is in one, or on this machine. */
export function mayDialBack(endpoint: Endpoint, askerHost: string): boolean {
  if (!mayDial(endpoint, askerHost)) return false;
  return hostScope(endpoint.host) !== "private" || hostScope(askerHost) !== "public";
}
