// Members of groups, numbered within their group without gaps, so that one of a million is drawn as fast as one of ten:
// a table finds (group, position), joining takes the next number, and the last member replaces one that leaves.
import { HashIndex } from "./hash-index.js";
import type { KeyedHash } from "./keyed-hash.js";
import { type Column, NO_ROW, type Slab } from "./slab.js";

export class Listing {
  readonly #hash: KeyedHash;
  readonly #index: HashIndex;
  /** For each member its group plus 1 (0 while it is in none), then its position. */
  readonly #places: Column;
  readonly #counts: Column;
  readonly #groupsPerOwner: number;
  readonly #hashes: Int32Array;

  /** Members are rows of `members`, of which `maxBatch` are looked up at a time. Each row of `owners` has `groupsPerOwner`
   * groups: of row r, those from r · groupsPerOwner on. */
  constructor(members: Slab, owners: Slab, groupsPerOwner: number, hash: KeyedHash, maxBatch: number) {
    this.#hashes = new Int32Array(maxBatch);
    this.#groupsPerOwner = groupsPerOwner;
    this.#hash = hash;
    this.#index = new HashIndex(members);
    this.#places = members.column(2);
    this.#counts = owners.column(groupsPerOwner);
  }

  count(group: number): number {
    const groups = this.#groupsPerOwner;
    return this.#counts.get(Math.floor(group / groups), group % groups);
  }

  has(member: number): boolean {
    return this.#places.get(member) !== 0;
  }

  /** The member of `group` at `position`; NO_ROW if there is none. */
  at(group: number, position: number): number {
    return this.#from(this.#index.first(this.#hash.ofPair(group, position)), group, position);
  }

  /** `at` for each of the first `count` of `positions`, at most as many as this was made for, into `members`. */
  atEach(group: number, positions: Int32Array, count: number, members: Int32Array): void {
    const hashes = this.#hashes;
    for (let i = 0; i < count; i++) hashes[i] = this.#hash.ofPair(group, positions[i] ?? 0);
    this.#index.firstOfEach(hashes, count, members);
    for (let i = 0; i < count; i++) members[i] = this.#from(members[i] ?? NO_ROW, group, positions[i] ?? 0);
  }

  /** The first member from `member` on, in its chain, that is at this place. */
  #from(member: number, group: number, position: number): number {
    for (let at = member; at !== NO_ROW; at = this.#index.next(at)) {
      if (this.#places.get(at) === group + 1 && this.#positionOf(at) === position) return at;
    }
    return NO_ROW;
  }

  /** Adds a member that is in no group. */
  join(member: number, group: number): void {
    const position = this.count(group);
    this.#setCount(group, position + 1);
    this.#places.set(member, 0, group + 1);
    this.#place(member, group, position);
  }

  /** Does nothing for a member that is in no group. */
  leave(member: number): void {
    if (!this.has(member)) return;
    const group = this.#places.get(member) - 1;
    const lastPosition = this.count(group) - 1;
    const last = this.at(group, lastPosition);
    this.#setCount(group, lastPosition);
    this.#places.set(member, 0, 0);
    this.#index.remove(member);
    if (last === member) return;
    this.#index.remove(last);
    this.#place(last, group, this.#positionOf(member));
  }

  #setCount(group: number, count: number): void {
    const groups = this.#groupsPerOwner;
    this.#counts.set(Math.floor(group / groups), group % groups, count);
  }

  #positionOf(member: number): number {
    return this.#places.get(member, 1);
  }

  #place(member: number, group: number, position: number): void {
    this.#places.set(member, 1, position);
    this.#index.add(member, this.#hash.ofPair(group, position));
  }
}
