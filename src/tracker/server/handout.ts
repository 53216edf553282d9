// What a caller is told: which of a peer's addresses it gets, and how many peers fit in an answer. Pure, except that it
// remembers parsed hosts.
import { isIPv4 } from "node:net";
import { HOST_REACH, mayDial } from "../../address/dialable.js";
import type { Endpoint } from "../../address/endpoint.js";
import { hostRegion, isLoopbackAddress, normaliseHost } from "../../address/host.js";
import type { ContentId } from "../../core/ids.js";
import type { AnnounceAnswer, SwarmCounts, SwarmPeer } from "../announcement.js";
import { MAX_ENDPOINTS_PER_PEER } from "../limits.js";
import type { PeerRows } from "./peer-rows.js";
import type { StoredPeer } from "./stored-peer.js";

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

/** Where a caller is told to find a peer; `asSeen`: only where the tracker sees it. */
export type Whereabouts = "asSeen" | readonly Endpoint[];

/** The peers of a sample that a caller is told. */
export class ToldPeers implements Iterable<SwarmPeer> {
  readonly rows: PeerRows;
  /** For each row that was told or left out the first word of its peer's id; of no meaning for those left out. */
  readonly #words: number[] = [];
  /** For each of them; undefined if it is left out. Not made as long as all are told as seen, as is usual. */
  #whereabouts: (Whereabouts | undefined)[] | undefined;

  constructor(rows: PeerRows) {
    this.rows = rows;
  }

  /** Undefined for a row that is left out. */
  whereaboutsOf(row: number): Whereabouts | undefined {
    if (row >= this.#words.length) return undefined;
    return this.#whereabouts === undefined ? "asSeen" : this.#whereabouts[row];
  }

  leaveOutNext(): void {
    this.#set(this.#words.length, undefined);
    this.#words.push(0);
  }

  /** Tells the next row. If it is a lease of a peer that is told already, that is told at more places instead. */
  tellNext(whereabouts: Whereabouts): void {
    const row = this.#words.length;
    this.#set(row, whereabouts);
    const first = this.#firstOf(row);
    if (first === row) return;
    const known = this.#endpointsOf(first);
    const others = this.#endpointsOf(row).filter((one) => !known.some((other) => isSamePlace(one, other)));
    this.#set(first, [...known, ...others].slice(0, MAX_ENDPOINTS_PER_PEER));
    this.#set(row, undefined);
  }

  *[Symbol.iterator](): IterableIterator<SwarmPeer> {
    for (let row = 0; row < this.#words.length; row++) {
      if (this.whereaboutsOf(row) === undefined) continue;
      const { key, chunksHeld, complete } = this.rows.at(row);
      yield { peerId: key.peerId, endpoints: this.#endpointsOf(row), chunksHeld, complete };
    }
  }

  #set(row: number, whereabouts: Whereabouts | undefined): void {
    if (this.#whereabouts === undefined) {
      if (whereabouts === "asSeen") return;
      this.#whereabouts = Array<Whereabouts>(this.#words.length).fill("asSeen");
    }
    this.#whereabouts[row] = whereabouts;
  }

  /** The first row that is told of the same peer as this one. Notes the peer of this one. */
  #firstOf(row: number): number {
    const word = this.rows.words[this.rows.wordAt(row)] ?? 0;
    const words = this.#words;
    let first = words.indexOf(word);
    while (first !== -1 && !(this.whereaboutsOf(first) !== undefined && this.rows.isSamePeer(first, row)))
      first = words.indexOf(word, first + 1);
    words.push(word);
    return first === -1 ? row : first;
  }

  #endpointsOf(row: number): readonly Endpoint[] {
    const whereabouts = this.whereaboutsOf(row) ?? [];
    if (whereabouts !== "asSeen") return whereabouts;
    const { host, listenPort } = this.rows.at(row).key;
    return [{ host, port: listenPort, transport: "tcp" }];
  }
}

/** What a caller is told of one share. */
export interface ToldSwarm {
  readonly peers: ToldPeers;
  readonly counts: SwarmCounts;
}

export interface ToldShare extends ToldSwarm {
  readonly contentId: ContentId;
}

/** What a caller is told when it announces. */
export interface ToldAnswer extends Omit<AnnounceAnswer, "answers"> {
  readonly answers: readonly ToldShare[];
}

/** Collects the peers of one response, within its limit of bytes. */
export class Handout {
  readonly #caller: Caller;
  /** Whether the caller and the tracker are on one machine, and know it. */
  readonly #isLocal: boolean;
  #bytesLeft: number;

  constructor(caller: Caller, maxBytes: number) {
    this.#caller = caller;
    this.#isLocal = isLoopbackAddress(caller.host) && isLoopbackAddress(caller.reachedAt);
    this.#bytesLeft = maxBytes;
  }

  /** The peers of one swarm's sample that the caller can use. A peer with leases at several places is one peer. */
  peersOf(rows: PeerRows): ToldPeers {
    const told = new ToldPeers(rows);
    for (let row = 0; row < rows.length; row++) {
      const whereabouts = this.#whereaboutsOf(rows, row);
      if (whereabouts.length === 0) {
        told.leaveOutNext();
        continue;
      }
      this.#bytesLeft -= roughBytes(rows, row, whereabouts);
      if (this.#bytesLeft < 0) break;
      told.tellNext(whereabouts);
    }
    return told;
  }

  #whereaboutsOf(rows: PeerRows, row: number): Whereabouts {
    const reach = rows.reachOf(row);
    const isReached = reach === HOST_REACH.everybody || (reach === HOST_REACH.fromLoopback && this.#isLocal);
    // The case of nearly every peer: no need to make an object of it.
    if (isReached && rows.announcedBy(row).length === 0 && rows.listenPortOf(row) > 0) return "asSeen";
    return endpointsFor(this.#caller, rows.at(row));
  }
}

function isSamePlace(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port && a.transport === b.transport;
}

/** At least what a peer takes on the wire: id and counts, then each endpoint with port, transport and pin. */
function roughBytes(rows: PeerRows, row: number, whereabouts: Whereabouts): number {
  if (whereabouts === "asSeen") return 64 + 24 + rows.hostBytesOf(row);
  let bytes = 64;
  for (const { host, certificateSha256 } of whereabouts) {
    bytes += 24 + host.length + (certificateSha256 === undefined ? 0 : 34);
  }
  return bytes;
}
