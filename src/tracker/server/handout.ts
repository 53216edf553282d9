// What a caller is told: which of a peer's addresses it gets, and how many peers fit in an answer. Pure, except that it
// remembers parsed hosts.
import { isIPv4 } from "node:net";
import { mayDial } from "../../address/dialable.js";
import type { Endpoint } from "../../address/endpoint.js";
import { hostRegion, isLoopbackAddress, normaliseHost } from "../../address/host.js";
import type { PeerId } from "../../core/ids.js";
import type { SwarmPeer } from "../announcement.js";
import { MAX_ENDPOINTS_PER_PEER } from "../limits.js";
import type { StoredPeer } from "./store.js";

/** The two ends of a caller's connection, in canonical form. */
export interface Caller {
  /** Where the tracker sees the caller. */
  readonly host: string;
  /** Where the caller reached the tracker. */
  readonly reachedAt: string;
}

/** The caller with the two addresses its socket shows; undefined if the socket is gone. */
export function callerAt(peerHost: string, localHost: string): Caller | undefined {
  const host = socketHost(peerHost);
  const reachedAt = socketHost(localHost);
  return host === undefined || reachedAt === undefined ? undefined : { host, reachedAt };
}

const MAPPED_PREFIX = "::ffff:";

/** An address as a socket shows it, in canonical form; undefined if the socket is gone. */
export function socketHost(address: string): string | undefined {
  // The case of nearly every caller: no need to parse an address that the system has written canonically.
  const unmapped = address.startsWith(MAPPED_PREFIX) ? address.slice(MAPPED_PREFIX.length) : address;
  if (isIPv4(unmapped)) return unmapped;
  return remember(socketHosts, address, () => normaliseHost(address.split("%", 1)[0] ?? ""));
}

/** Hosts remembered at once: each is parsed once while it stays, not once for each caller that is told of it. */
const MAX_REMEMBERED = 65_536;

const socketHosts = new Map<string, string | undefined>();
const dialableHosts = new Map<string, boolean>();
const dialableFromLoopback = new Map<string, boolean>();

function remember<T>(memory: Map<string, T>, key: string, judge: () => T): T {
  const known = memory.get(key);
  if (known !== undefined) return known;
  if (memory.size >= MAX_REMEMBERED) memory.clear();
  const verdict = judge();
  memory.set(key, verdict);
  return verdict;
}

/** mayDial, for endpoints whose port has been checked: only the hosts matter then. */
function mayTell(endpoint: Endpoint, reachedAt: string): boolean {
  const memory = isLoopbackAddress(reachedAt) ? dialableFromLoopback : dialableHosts;
  return remember(memory, endpoint.host, () => mayDial(endpoint, reachedAt));
}

/** Where `caller` is told to find a peer: where the tracker sees it, then at the addresses it announced, as far as
 * `caller` may dial them. A peer on the tracker's own machine is where the caller found the tracker. */
export function endpointsFor(
  caller: Caller,
  { key, endpoints }: Pick<StoredPeer, "key" | "endpoints">,
): readonly Endpoint[] {
  const announced =
    endpoints.length === 0 ? endpoints : endpoints.filter((endpoint) => mayTell(endpoint, caller.reachedAt));
  if (key.listenPort === 0) return announced;
  const isNeighbour = isLoopbackAddress(key.host) && !isLoopbackAddress(caller.host);
  const host = isNeighbour ? caller.reachedAt : key.host;
  const observed: Endpoint = { host, port: key.listenPort, transport: "tcp" };
  if (!mayTell(observed, caller.reachedAt)) return announced;
  if (announced.length === 0) return [observed];
  return [observed, ...announced.filter((endpoint) => !isSamePlace(endpoint, observed))];
}

/** If peers nearby come first, so many times as many as are wanted are drawn. */
export const DRAWN_FOR_NEAR = 4;

/** The `max` peers of a random sample to tell a caller at `host`. First come peers from close by, for half of the
 * answer if there are so many; the other half is random, so that an attacker who rents addresses next to the caller's
 * is not all that it sees. Complete and partial peers as the sample mixes them. */
export function nearFirst(sample: readonly StoredPeer[], host: string, max: number): readonly StoredPeer[] {
  const complete = sample.filter((peer) => peer.complete);
  const partial = sample.filter((peer) => !peer.complete);
  const places = Math.min(max, sample.length);
  const placesOfComplete = Math.round((places * complete.length) / Math.max(1, sample.length));
  const region = hostRegion(host);
  const chosen = [
    ...halfNear(complete, region, placesOfComplete),
    ...halfNear(partial, region, places - placesOfComplete),
  ];
  const isFar = ({ key }: StoredPeer): number => Number(hostRegion(key.host) !== region);
  return chosen.sort((a, b) => isFar(a) - isFar(b));
}

function halfNear(peers: readonly StoredPeer[], region: string, places: number): readonly StoredPeer[] {
  const near = peers.filter(({ key }) => hostRegion(key.host) === region).slice(0, Math.floor(places / 2));
  const others = peers.filter((peer) => !near.includes(peer));
  return [...near, ...others.slice(0, places - near.length)];
}

/** Collects the peers of one response, within its limit of bytes. */
export class Handout {
  readonly #caller: Caller;
  #bytesLeft: number;

  constructor(caller: Caller, maxBytes: number) {
    this.#caller = caller;
    this.#bytesLeft = maxBytes;
  }

  /** The peers of one swarm's sample that the caller can use. A peer with leases at several places is one peer. */
  peersOf(sample: readonly StoredPeer[]): readonly SwarmPeer[] {
    const peers = new Map<PeerId, SwarmPeer>();
    for (const stored of sample) {
      const endpoints = endpointsFor(this.#caller, stored);
      if (endpoints.length === 0) continue;
      const { key, chunksHeld, complete } = stored;
      const peer = merged(peers.get(key.peerId), { peerId: key.peerId, endpoints, chunksHeld, complete });
      this.#bytesLeft -= roughBytes(endpoints);
      if (this.#bytesLeft < 0) break;
      peers.set(key.peerId, peer);
    }
    return [...peers.values()];
  }
}

function merged(known: SwarmPeer | undefined, found: SwarmPeer): SwarmPeer {
  if (known === undefined) return found;
  const more = found.endpoints.filter((one) => !known.endpoints.some((other) => isSamePlace(one, other)));
  return { ...found, endpoints: [...known.endpoints, ...more].slice(0, MAX_ENDPOINTS_PER_PEER) };
}

function isSamePlace(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port && a.transport === b.transport;
}

/** At least what a peer takes on the wire: id and counts, then each endpoint with port, transport and pin. */
function roughBytes(endpoints: readonly Endpoint[]): number {
  let bytes = 64;
  for (const { host, certificateSha256 } of endpoints) {
    bytes += 24 + host.length + (certificateSha256 === undefined ? 0 : 34);
  }
  return bytes;
}
