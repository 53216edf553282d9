// Swarms by content id: how many leases each has, and which of them can be handed out. Knows no peers.
import { type ContentId, contentIdFromBytes, DIGEST_BYTES, writeHex } from "../../../../core/ids.js";
import type { SwarmCounts } from "../../../announcement.js";
import type { KeyedHash } from "./keyed-hash.js";
import { KeyedRows } from "./keyed-rows.js";
import { Listing } from "./listing.js";
import { MAX_BATCH } from "./mixed-sample.js";
import { type Column, NO_ROW, Slab } from "./slab.js";
import type { WordReader, WordWriter } from "./words.js";

/** Peers that have everything, and those that have not. */
export type Group = 0 | 1;
const GROUPS = 2;
export const COMPLETE: Group = 0;
export const PARTIAL: Group = 1;

export class Swarms {
  readonly #slab: Slab;
  readonly #rows: KeyedRows;
  /** Leases of each group, listed or not. */
  readonly #leases: Column;
  readonly #listing: Listing;

  /** Lists rows of `leaseSlab`. */
  constructor(maxSwarms: number, leaseSlab: Slab, hash: KeyedHash) {
    this.#slab = new Slab(maxSwarms);
    this.#rows = new KeyedRows(this.#slab, DIGEST_BYTES / 4, hash);
    this.#leases = this.#slab.column(GROUPS);
    this.#listing = new Listing(leaseSlab, this.#slab, GROUPS, hash, MAX_BATCH);
  }

  get size(): number {
    return this.#slab.size;
  }

  find(contentId: ContentId): number {
    writeHex(contentId, this.#rows.key, 0);
    return this.#rows.find();
  }

  /** The swarm of `contentId`; adds it if there is none. */
  findOrAdd(contentId: ContentId): number {
    writeHex(contentId, this.#rows.key, 0);
    return this.#findOrAddKey();
  }

  #findOrAddKey(): number {
    const known = this.#rows.find();
    if (known !== NO_ROW) return known;
    const swarm = this.#rows.add();
    for (let group = 0; group < GROUPS; group++) this.#leases.set(swarm, group, 0);
    return swarm;
  }

  contentIdOf(swarm: number): ContentId {
    this.#rows.read(swarm);
    const contentId = contentIdFromBytes(this.#rows.key);
    if (contentId === undefined) throw new Error("32 bytes are a content id");
    return contentId;
  }

  countsOf(swarm: number): SwarmCounts {
    return { completePeers: this.#count(swarm, COMPLETE), partialPeers: this.#count(swarm, PARTIAL) };
  }

  /** How many leases it has. */
  sizeOf(swarm: number): number {
    return this.#count(swarm, COMPLETE) + this.#count(swarm, PARTIAL);
  }

  listedIn(swarm: number, group: Group): number {
    return this.#listing.count(swarm * GROUPS + group);
  }

  /** The listed leases at the first `count` of `positions` of a group, each from 0 up to, not including, `listedIn`. */
  leasesAt(swarm: number, group: Group, positions: Int32Array, count: number, leases: Int32Array): void {
    this.#listing.atEach(swarm * GROUPS + group, positions, count, leases);
  }

  isListed(lease: number): boolean {
    return this.#listing.has(lease);
  }

  /** A lease is there; `isListed` says whether it can be handed out. */
  join(lease: number, swarm: number, group: Group, isListed: boolean): void {
    this.#leases.set(swarm, group, this.#count(swarm, group) + 1);
    if (isListed) this.#listing.join(lease, swarm * GROUPS + group);
  }

  /** Sets whether the lease of `group` can be handed out. */
  setListed(lease: number, swarm: number, group: Group, isListed: boolean): void {
    this.#listing.leave(lease);
    if (isListed) this.#listing.join(lease, swarm * GROUPS + group);
  }

  /** A lease moves from one group to another. */
  change(lease: number, swarm: number, from: Group, to: Group): void {
    const isListed = this.isListed(lease);
    this.#leases.set(swarm, from, this.#count(swarm, from) - 1);
    this.#leases.set(swarm, to, this.#count(swarm, to) + 1);
    this.setListed(lease, swarm, to, isListed);
  }

  /** A lease of `group` is gone. With the last one the swarm is forgotten, and its content id is returned. */
  leave(lease: number, swarm: number, group: Group): ContentId | undefined {
    this.#listing.leave(lease);
    this.#leases.set(swarm, group, this.#count(swarm, group) - 1);
    if (this.sizeOf(swarm) > 0) return undefined;
    const contentId = this.contentIdOf(swarm);
    this.#rows.remove(swarm);
    return contentId;
  }

  /** Writes the content id of `swarm`. */
  dump(swarm: number, out: WordWriter): void {
    this.#rows.read(swarm);
    out.putAll(this.#rows.keyWords);
  }

  /** Reads a content id; returns its swarm, which is added if there is none. */
  load(words: WordReader): number {
    words.takeInto(this.#rows.keyWords, 0, this.#rows.keyWords.length);
    return this.#findOrAddKey();
  }

  #count(swarm: number, group: Group): number {
    return this.#leases.get(swarm, group);
  }
}
