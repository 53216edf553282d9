// Which of this machine's addresses to give to others. A pure function of what the operating system lists.
import type { NetworkInterfaceInfo } from "node:os";
import type { Endpoint } from "./endpoint.js";
import { type HostScope, hostScope, normaliseHost } from "./host.js";

/** The endpoints at which others can reach a listener on `listenHost`:`port`, best first, for tickets, .goshare files
 * and trackers. `interfaces` is what os.networkInterfaces() returns. A specific `listenHost` gives only itself;
 * "0.0.0.0" gives IPv4 alone. Link-local addresses are given only where the machine has nothing else, loopback only
 * where it has not even those. */
export function ownEndpoints(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
  listenHost: string,
  port: number,
): readonly Endpoint[] {
  const host = normaliseHost(listenHost) ?? listenHost;
  if (hostScope(host) !== "unspecified") return [endpointAt(host, port)];

  const candidates = candidatesOf(interfaces).filter(({ ipv6 }) => !(ipv6 && host === "0.0.0.0"));
  const reachable = candidates.filter(({ scope }) => scope === "public" || scope === "private");
  // IPv6 link-local addresses cannot be dialled without a zone, which means nothing on another machine.
  const linkLocal = candidates.filter(({ scope, ipv6 }) => scope === "link-local" && !ipv6);
  const loopback = candidates.filter(({ scope }) => scope === "loopback");
  const best = [reachable, linkLocal, loopback].find((some) => some.length > 0);
  if (best === undefined) return [endpointAt("127.0.0.1", port)];
  return inOrder(best).map((one) => endpointAt(one.host, port));
}

interface Candidate {
  readonly host: string;
  readonly ipv6: boolean;
  readonly scope: HostScope;
  /** Belongs to containers or virtual machines on this machine. */
  readonly virtual: boolean;
}

/** Bridges and cables to containers and virtual machines, as Docker, libvirt, CNI plugins, LXC, Podman,
 * VirtualBox, VMware, Hyper-V and macOS name them. */
const VIRTUAL_INTERFACE =
  /^(docker|br-|veth|virbr|vnet|cni|flannel|cali|lxc|lxd|podman|vbox|vmnet|vethernet|bridge)/i;

function candidatesOf(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): Candidate[] {
  const byHost = new Map<string, Candidate>();
  for (const [name, addresses] of Object.entries(interfaces)) {
    for (const { address, family } of addresses ?? []) {
      const host = normaliseHost(address);
      if (host === undefined || byHost.has(host)) continue;
      const scope = hostScope(host);
      byHost.set(host, { host, ipv6: family === "IPv6", scope, virtual: VIRTUAL_INTERFACE.test(name) });
    }
  }
  return [...byHost.values()];
}

/** Virtual addresses come last. Before them comes the first of each kind, then the second of each, and so on, so that
 * the few that a ticket holds differ, and one of three is IPv6 where there is any. */
function inOrder(candidates: readonly Candidate[]): readonly Candidate[] {
  const counts = new Map<number, number>();
  const ranked = candidates.map((candidate) => {
    const kind = kindRank(candidate);
    const turn = counts.get(kind) ?? 0;
    counts.set(kind, turn + 1);
    return { candidate, kind, turn };
  });
  ranked.sort((a, b) => {
    const virtual = Number(a.candidate.virtual) - Number(b.candidate.virtual);
    return virtual || a.turn - b.turn || a.kind - b.kind;
  });
  return ranked.map(({ candidate }) => candidate);
}

/** IPv4 first: private before public, since downloaders are mostly near. Then IPv6: public before others, since a
 * public address is reached from near and far. */
function kindRank({ ipv6, scope, virtual }: Candidate): number {
  const kind = ipv6 ? (scope === "public" ? 2 : 3) : scope === "public" ? 1 : 0;
  return virtual ? kind + 4 : kind;
}

function endpointAt(host: string, port: number): Endpoint {
  return { host, port, transport: "tcp" };
}
