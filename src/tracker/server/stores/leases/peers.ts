// Peers at their places: who and where they are, of which run, and the list of leases that each has. The lease book
// decides whether a peer should be there.
import type { Endpoint } from "../../../../address/endpoint.js";
import { packEndpoint, unpackEndpoint } from "../../../../address/packed-endpoint.js";
import { DIGEST_BYTES, peerIdFromBytes, writeHex } from "../../../../core/ids.js";
import type { LeaseKey } from "../../store.js";
import type { KeyedHash } from "./keyed-hash.js";
import { KeyedRows } from "./keyed-rows.js";
import { NO_ROW, Slab } from "./slab.js";
import type { WordReader, WordWriter } from "./words.js";

/** "2001:0db8:…:255.255.255.255", the longest text of an address. */
const MAX_HOST_BYTES = 45;

/** Key: peer id (32 bytes) | listen port (u16) | length of the host | host (ASCII), zeros to the end. */
const PORT_AT = DIGEST_BYTES;
const LENGTH_AT = PORT_AT + 2;
const HOST_AT = LENGTH_AT + 1;
const KEY_WORDS = (HOST_AT + MAX_HOST_BYTES) / 4;

/** How many keys that were read are kept as objects, one for all rows with the same remainder: a swarm that is asked
 * about often hands out the same peers again. A few megabytes at most. */
const REMEMBERED_KEYS = 16_384;

interface RememberedKey {
  readonly peer: number;
  readonly key: LeaseKey;
}

export class Peers {
  readonly #slab: Slab;
  readonly #rows: KeyedRows;
  /** The part of the key that is the peer id. */
  readonly #idOfKey: Buffer;
  readonly #remembered = Array.from({ length: REMEMBERED_KEYS }, (): RememberedKey | undefined => undefined);
  readonly #runEpochs: Float64Array;
  /** The first lease, plus 1. */
  readonly #leases: Int32Array;
  readonly #leaseCounts: Int32Array;
  /** Only of peers that have some, which is the exception. */
  readonly #endpoints: (readonly Endpoint[] | undefined)[] = [];

  constructor(maxPeers: number, hash: KeyedHash) {
    this.#slab = new Slab(maxPeers);
    this.#rows = new KeyedRows(this.#slab, KEY_WORDS, hash);
    this.#idOfKey = this.#rows.key.subarray(0, DIGEST_BYTES);
    this.#runEpochs = this.#slab.float64();
    this.#leases = this.#slab.int32();
    this.#leaseCounts = this.#slab.int32();
  }

  get size(): number {
    return this.#slab.size;
  }

  get end(): number {
    return this.#slab.end;
  }

  find(key: LeaseKey): number {
    this.#write(key);
    return this.#rows.find();
  }

  /** Adds a peer without leases. To be called if `find` finds none. */
  add(key: LeaseKey): number {
    this.#write(key);
    return this.#addKey();
  }

  #addKey(): number {
    const peer = this.#rows.add();
    this.#runEpochs[peer] = 0;
    this.#leases[peer] = 0;
    this.#leaseCounts[peer] = 0;
    return peer;
  }

  /** Moves `peer` to another place, where no peer is. */
  move(peer: number, key: LeaseKey): void {
    this.#write(key);
    this.#rows.rename(peer);
    this.#forgetKey(peer);
  }

  /** Forgets a peer without leases. */
  remove(peer: number): void {
    this.setEndpoints(peer, []);
    this.#rows.remove(peer);
    this.#forgetKey(peer);
  }

  #forgetKey(peer: number): void {
    const place = peer % REMEMBERED_KEYS;
    if (this.#remembered[place]?.peer === peer) this.#remembered[place] = undefined;
  }

  keyOf(peer: number): LeaseKey {
    const place = peer % REMEMBERED_KEYS;
    const known = this.#remembered[place];
    if (known?.peer === peer) return known.key;
    const key = this.#readKey(peer);
    this.#remembered[place] = { peer, key };
    return key;
  }

  #readKey(peer: number): LeaseKey {
    this.#rows.read(peer);
    const { key } = this.#rows;
    const peerId = peerIdFromBytes(this.#idOfKey);
    if (peerId === undefined) throw new Error("32 bytes are a peer id");
    const host = key.toString("latin1", HOST_AT, HOST_AT + (key[LENGTH_AT] ?? 0));
    return { peerId, host, listenPort: key.readUInt16LE(PORT_AT) };
  }

  runEpoch(peer: number): number {
    return this.#runEpochs[peer] ?? 0;
  }

  setRunEpoch(peer: number, runEpochMs: number): void {
    this.#runEpochs[peer] = runEpochMs;
  }

  endpointsOf(peer: number): readonly Endpoint[] {
    return this.#endpoints[peer] ?? [];
  }

  setEndpoints(peer: number, endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) {
      if (peer < this.#endpoints.length) this.#endpoints[peer] = undefined;
      return;
    }
    // Without holes it stays a plain array in memory.
    while (this.#endpoints.length < peer) this.#endpoints.push(undefined);
    this.#endpoints[peer] = endpoints;
  }

  /** Whether there is a place at which others could find it. */
  isListable(peer: number): boolean {
    if (this.endpointsOf(peer).length > 0) return true;
    this.#rows.read(peer);
    return this.#rows.key.readUInt16LE(PORT_AT) !== 0;
  }

  leaseCount(peer: number): number {
    return this.#leaseCounts[peer] ?? 0;
  }

  firstLease(peer: number): number {
    return (this.#leases[peer] ?? 0) - 1;
  }

  /** Sets which lease comes first now, and whether there is one more or one less. */
  changeLeases(peer: number, first: number, more: 1 | -1): void {
    this.#leases[peer] = first + 1;
    this.#leaseCounts[peer] = this.leaseCount(peer) + more;
  }

  /** Writes the identity and the place of `peer`. */
  dump(peer: number, out: WordWriter): void {
    this.#rows.read(peer);
    out.putAll(this.#rows.keyWords, wordsOfKey(this.#rows.key));
    out.putLarge(this.runEpoch(peer));
    const packed = this.endpointsOf(peer).map((endpoint) => packEndpoint(endpoint, "tracker"));
    out.put(packed.length);
    for (const bytes of packed) out.putBytes(bytes);
  }

  /** Reads a peer, and adds it if it is not there; there must be room for it. */
  load(words: WordReader): number {
    const { key, keyWords } = this.#rows;
    const leastWords = wordsOfHost(0);
    words.takeInto(keyWords, 0, leastWords);
    if ((key[LENGTH_AT] ?? 0) > MAX_HOST_BYTES) throw new RangeError("a host is longer than any address");
    words.takeInto(keyWords, leastWords, wordsOfKey(key));
    keyWords.fill(0, wordsOfKey(key));
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

  #write({ peerId, host, listenPort }: LeaseKey): void {
    const { key } = this.#rows;
    if (host.length > MAX_HOST_BYTES) throw new Error(`${host} is longer than an address`);
    writeHex(peerId, key, 0);
    key[PORT_AT] = listenPort & 0xff;
    key[PORT_AT + 1] = listenPort >> 8;
    key[LENGTH_AT] = host.length;
    for (let i = 0; i < MAX_HOST_BYTES; i++) key[HOST_AT + i] = i < host.length ? host.charCodeAt(i) : 0;
  }
}

/** Words of a key that are not zeros behind the host. */
function wordsOfKey(key: Buffer): number {
  return wordsOfHost(key[LENGTH_AT] ?? 0);
}

function wordsOfHost(hostBytes: number): number {
  return Math.ceil((HOST_AT + hostBytes) / 4);
}
