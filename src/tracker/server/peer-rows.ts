// The peers of a sample as rows of numbers in one array. A tracker hands out 50 peers at every second call: as objects
// and texts they took it several times as long as drawing them. A copy: what a store does afterwards does not change
// it. Decides nothing about what callers are told.
import assert from "node:assert/strict";
import { hostReach } from "../../address/dialable.js";
import type { Endpoint } from "../../address/endpoint.js";
import { MAX_WANT_PEERS } from "../limits.js";
import {
  hostBytesOf,
  hostEndOf,
  hostStartOf,
  ID_WORDS,
  listenPortOf,
  PLACE_WORDS,
  packPlace,
  unpackPlace,
} from "./packed-place.js";
import type { StoredPeer } from "./stored-peer.js";

/** Row: place | chunks held | whether it is complete, and how far its host reaches. */
const CHUNKS_AT = PLACE_WORDS;
const STATE_AT = CHUNKS_AT + 1;
const ROW_WORDS = STATE_AT + 1;
const COMPLETE_BIT = 1;
const REACH_SHIFT = 1;

const NO_ENDPOINTS: readonly Endpoint[] = [];

/** Room for the largest sample of one share. Only rows with that are kept when they are given back: to make them anew
 * costs more than to fill them. */
const USUAL_PEERS = MAX_WANT_PEERS;
/** More calls than that are seldom under way at a time. */
const MAX_SPARE = 64;
const spare: PeerRows[] = [];

export class PeerRows implements Iterable<StoredPeer> {
  /** Every row begins with its place. */
  readonly words: Int32Array;
  /** The same memory. */
  readonly bytes: Buffer;
  /** What the peers of the rows have announced; only up to the last that has announced anything, which few do. */
  readonly #announced: (readonly Endpoint[] | undefined)[] = [];
  readonly #maxPeers: number;
  #length = 0;
  #isGivenBack = false;

  private constructor(maxPeers: number) {
    this.words = new Int32Array(maxPeers * ROW_WORDS);
    this.bytes = Buffer.from(this.words.buffer);
    this.#maxPeers = maxPeers;
  }

  /** No rows, with room for so many. */
  static withRoomFor(maxPeers: number): PeerRows {
    const rows = maxPeers > USUAL_PEERS ? undefined : spare.pop();
    if (rows === undefined) return new PeerRows(maxPeers);
    rows.#isGivenBack = false;
    return rows;
  }

  /** They are not used any more. To be called once, or never: then they are garbage. */
  giveBack(): void {
    assert(!this.#isGivenBack, "rows are given back once");
    this.#isGivenBack = true;
    if (this.#maxPeers !== USUAL_PEERS || spare.length >= MAX_SPARE) return;
    this.#length = 0;
    this.#announced.length = 0;
    spare.push(this);
  }

  static of(peers: readonly StoredPeer[]): PeerRows {
    const rows = PeerRows.withRoomFor(peers.length);
    for (const { key, endpoints, chunksHeld, complete } of peers) {
      const at = rows.add(hostReach(key.host), endpoints, chunksHeld, complete);
      packPlace(key, rows.bytes, 4 * at);
    }
    return rows;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a row, for which there must be room. Returns from where on in `words` its place is to be written. `reach` is
   * the HostReach of its host. */
  add(reach: number, endpoints: readonly Endpoint[], chunksHeld: number, isComplete: boolean): number {
    const row = this.#length++;
    const at = this.wordAt(row);
    this.words[at + CHUNKS_AT] = chunksHeld;
    this.words[at + STATE_AT] = (reach << REACH_SHIFT) | (isComplete ? COMPLETE_BIT : 0);
    if (endpoints.length > 0) {
      while (this.#announced.length < row) this.#announced.push(undefined);
      this.#announced.push(endpoints);
    }
    return at;
  }

  /** Where in `words` a row begins, with its place. */
  wordAt(row: number): number {
    return row * ROW_WORDS;
  }

  /** The same in `bytes`. */
  placeAt(row: number): number {
    return 4 * this.wordAt(row);
  }

  listenPortOf(row: number): number {
    return listenPortOf(this.bytes, this.placeAt(row));
  }

  hostStartOf(row: number): number {
    return hostStartOf(this.placeAt(row));
  }

  hostEndOf(row: number): number {
    return hostEndOf(this.bytes, this.placeAt(row));
  }

  hostBytesOf(row: number): number {
    return hostBytesOf(this.bytes, this.placeAt(row));
  }

  /** A HostReach. */
  reachOf(row: number): number {
    return this.#state(row) >> REACH_SHIFT;
  }

  announcedBy(row: number): readonly Endpoint[] {
    return this.#announced[row] ?? NO_ENDPOINTS;
  }

  chunksHeldOf(row: number): number {
    return (this.words[this.wordAt(row) + CHUNKS_AT] ?? 0) >>> 0;
  }

  isComplete(row: number): boolean {
    return (this.#state(row) & COMPLETE_BIT) !== 0;
  }

  /** Whether two rows are leases of one peer. */
  isSamePeer(row: number, other: number): boolean {
    for (let i = 0; i < ID_WORDS; i++)
      if (this.words[this.wordAt(row) + i] !== this.words[this.wordAt(other) + i]) return false;
    return true;
  }

  at(row: number): StoredPeer {
    return {
      key: unpackPlace(this.bytes, this.placeAt(row)),
      endpoints: this.announcedBy(row),
      chunksHeld: this.chunksHeldOf(row),
      complete: this.isComplete(row),
    };
  }

  *[Symbol.iterator](): IterableIterator<StoredPeer> {
    for (let row = 0; row < this.#length; row++) yield this.at(row);
  }

  #state(row: number): number {
    return this.words[this.wordAt(row) + STATE_AT] ?? 0;
  }
}
