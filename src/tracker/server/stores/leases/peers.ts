// Peers at their places: who and where they are, of which run, and the list of leases that each has. The lease book
// decides whether a peer should be there.
import { hostReach } from "../../../../address/dialable.js";
import type { Endpoint } from "../../../../address/endpoint.js";
import { packEndpoint, unpackEndpoint } from "../../../../address/packed-endpoint.js";
import {
  hostBytesOf,
  hostOf,
  ID_WORDS,
  LEAST_PLACE_WORDS,
  listenPortOf,
  MAX_HOST_BYTES,
  PLACE_WORDS,
  packPlace,
  usedWordsOf,
} from "../../packed-place.js";
import type { PeerRows } from "../../peer-rows.js";
import type { LeaseKey } from "../../stored-peer.js";
import type { KeyedHash } from "./keyed-hash.js";
import { KeyedRows } from "./keyed-rows.js";
import { type Column, NO_ROW, Slab } from "./slab.js";
import type { WordReader, WordWriter } from "./words.js";

/** What a peer's state says besides how far its host reaches. */
const REACH_MASK = 3;
const HAS_PORT = 4;
const HAS_ENDPOINTS = 8;
/** From this bit on: how many words of its place are used. */
const PLACE_SHIFT = 4;

const [FIRST, COUNT] = [0, 1] as const;

const NO_ENDPOINTS: readonly Endpoint[] = [];

export class Peers {
  readonly #slab: Slab;
  readonly #rows: KeyedRows;
  /** For each peer how far its host reaches (a HostReach), and what follows. */
  readonly #state: Column;
  /** For each peer its first lease, plus 1, and how many it has. */
  readonly #leases: Column;
  readonly #runEpochs: Float64Array;
  /** Only of peers that have some, which is the exception. */
  readonly #endpoints: (readonly Endpoint[] | undefined)[] = [];

  constructor(maxPeers: number, hash: KeyedHash) {
    this.#slab = new Slab(maxPeers);
    // First, so that what is told of most peers is in one cache line.
    this.#state = this.#slab.column();
    this.#rows = new KeyedRows(this.#slab, PLACE_WORDS, hash);
    this.#leases = this.#slab.column(2);
    this.#runEpochs = this.#slab.float64();
  }

  get size(): number {
    return this.#slab.size;
  }

  get end(): number {
    return this.#slab.end;
  }

  find(key: LeaseKey): number {
    packPlace(key, this.#rows.key);
    return this.#rows.find();
  }

  /** Adds a peer without leases. To be called if `find` finds none. */
  add(key: LeaseKey): number {
    packPlace(key, this.#rows.key);
    return this.#addKey();
  }

  #addKey(): number {
    const peer = this.#rows.add();
    this.#noteKey(peer, 0);
    this.#runEpochs[peer] = 0;
    this.#leases.set(peer, FIRST, 0);
    this.#leases.set(peer, COUNT, 0);
    return peer;
  }

  /** Moves `peer` to another place, where no peer is. */
  move(peer: number, key: LeaseKey): void {
    packPlace(key, this.#rows.key);
    this.#rows.rename(peer);
    this.#noteKey(peer, this.#state.get(peer) & HAS_ENDPOINTS);
  }

  /** Notes what the key of `peer`, which was looked up last, says. */
  #noteKey(peer: number, rest: number): void {
    const { key } = this.#rows;
    const port = listenPortOf(key, 0) === 0 ? 0 : HAS_PORT;
    const place = usedWordsOf(key, 0) << PLACE_SHIFT;
    this.#state.set(peer, 0, hostReach(hostOf(key, 0)) | port | place | rest);
  }

  /** Forgets a peer without leases. */
  remove(peer: number): void {
    this.setEndpoints(peer, []);
    this.#rows.remove(peer);
  }

  /** Whether the peer id of `peer` is these words. */
  hasId(peer: number, idWords: Int32Array): boolean {
    return this.#rows.beginsWith(peer, idWords, ID_WORDS);
  }

  /** Adds the first `count` of `peers` to a sample, all of them in one step before the next (see MixedSampler). */
  copyEach(
    peers: Int32Array,
    chunksHeld: Int32Array,
    count: number,
    isComplete: boolean,
    rows: PeerRows,
  ): void {
    const first = rows.length;
    for (let i = 0; i < count; i++) {
      const peer = peers[i] ?? NO_ROW;
      rows.add(this.#state.get(peer) & REACH_MASK, this.endpointsOf(peer), chunksHeld[i] ?? 0, isComplete);
    }
    for (let i = 0; i < count; i++) {
      const peer = peers[i] ?? NO_ROW;
      // No more than is used: the rest of a row is in another cache line.
      const words = this.#state.get(peer) >> PLACE_SHIFT;
      this.#rows.copyTo(peer, words, rows.words, rows.wordAt(first + i));
    }
  }

  runEpoch(peer: number): number {
    return this.#runEpochs[peer] ?? 0;
  }

  setRunEpoch(peer: number, runEpochMs: number): void {
    this.#runEpochs[peer] = runEpochMs;
  }

  endpointsOf(peer: number): readonly Endpoint[] {
    const hasEndpoints = (this.#state.get(peer) & HAS_ENDPOINTS) !== 0;
    return hasEndpoints ? (this.#endpoints[peer] ?? NO_ENDPOINTS) : NO_ENDPOINTS;
  }

  setEndpoints(peer: number, endpoints: readonly Endpoint[]): void {
    const state = this.#state.get(peer);
    if (endpoints.length > 0) {
      // Without holes it stays a plain array in memory.
      while (this.#endpoints.length < peer) this.#endpoints.push(undefined);
      this.#endpoints[peer] = endpoints;
      this.#state.set(peer, 0, state | HAS_ENDPOINTS);
    } else if ((state & HAS_ENDPOINTS) !== 0) {
      this.#endpoints[peer] = undefined;
      this.#state.set(peer, 0, state & ~HAS_ENDPOINTS);
    }
  }

  /** Whether there is a place at which others could find it. */
  isListable(peer: number): boolean {
    return (this.#state.get(peer) & (HAS_PORT | HAS_ENDPOINTS)) !== 0;
  }

  leaseCount(peer: number): number {
    return this.#leases.get(peer, COUNT);
  }

  firstLease(peer: number): number {
    return this.#leases.get(peer, FIRST) - 1;
  }

  /** Sets which lease comes first now, and whether there is one more or one less. */
  changeLeases(peer: number, first: number, more: 1 | -1): void {
    this.#leases.set(peer, FIRST, first + 1);
    this.#leases.set(peer, COUNT, this.leaseCount(peer) + more);
  }

  /** Writes the identity and the place of `peer`. */
  dump(peer: number, out: WordWriter): void {
    this.#rows.read(peer);
    out.putAll(this.#rows.keyWords, usedWordsOf(this.#rows.key, 0));
    out.putLarge(this.runEpoch(peer));
    const packed = this.endpointsOf(peer).map((endpoint) => packEndpoint(endpoint, "tracker"));
    out.put(packed.length);
    for (const bytes of packed) out.putBytes(bytes);
  }

  /** Reads a peer, and adds it if it is not there; there must be room for it. */
  load(words: WordReader): number {
    const { key, keyWords } = this.#rows;
    words.takeInto(keyWords, 0, LEAST_PLACE_WORDS);
    if (hostBytesOf(key, 0) > MAX_HOST_BYTES) throw new RangeError("a host is longer than any address");
    words.takeInto(keyWords, LEAST_PLACE_WORDS, usedWordsOf(key, 0));
    keyWords.fill(0, usedWordsOf(key, 0));
    const runEpochMs = words.takeLarge();
    const endpoints: Endpoint[] = [];
    for (let left = words.take(); left > 0; left--) {
      const endpoint = unpackEndpoint(words.takeBytes(), "tracker", undefined);
      if (typeof endpoint === "object") endpoints.push(endpoint);
    }
    const known = this.#rows.find();
    const peer = known === NO_ROW ? this.#addKey() : known;
    this.setRunEpoch(peer, runEpochMs);
    this.setEndpoints(peer, endpoints);
    return peer;
  }
}
