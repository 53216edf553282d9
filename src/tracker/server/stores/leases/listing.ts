// Members of groups, numbered within their group without gaps, so that one of a million is drawn as fast as one of ten:
// a table finds (group, position), joining takes the next number, and the last member replaces one that leaves.
import { HashIndex } from "./hash-index.js";
import type { KeyedHash } from "./keyed-hash.js";
import { NO_ROW, type Slab } from "./slab.js";

export class Listing {
  readonly #hash: KeyedHash;
  readonly #index: HashIndex;
  /** For each member its group plus 1 (0 while it is in none), then its position. */
  readonly #places: Int32Array;
  readonly #counts: Int32Array;

  /** Members are rows of `members`; each row of `owners` has `groupsPerOwner` groups: of row r, those from
   * r · groupsPerOwner on. */
  constructor(members: Slab, owners: Slab, groupsPerOwner: number, hash: KeyedHash) {
    this.#hash = hash;
    this.#index = new HashIndex(members);
    this.#places = members.int32(2);
    this.#counts = owners.int32(groupsPerOwner);
  }

  count(group: number): number {
    return this.#counts[group] ?? 0;
  }

  has(member: number): boolean {
    return this.#places[2 * member] !== 0;
  }

  /** The member of `group` at `position`; NO_ROW if there is none. */
  at(group: number, position: number): number {
    const hash = this.#hash.ofPair(group, position);
    for (let member = this.#index.first(hash); member !== NO_ROW; member = this.#index.next(member)) {
      if (this.#places[2 * member] === group + 1 && this.#positionOf(member) === position) return member;
    }
    return NO_ROW;
  }

  /** Adds a member that is in no group. */
  join(member: number, group: number): void {
    const position = this.count(group);
    this.#counts[group] = position + 1;
    this.#places[2 * member] = group + 1;
    this.#place(member, group, position);
  }

  /** Does nothing for a member that is in no group. */
  leave(member: number): void {
    if (!this.has(member)) return;
    const group = (this.#places[2 * member] ?? 0) - 1;
    const lastPosition = this.count(group) - 1;
    const last = this.at(group, lastPosition);
    this.#counts[group] = lastPosition;
    this.#places[2 * member] = 0;
    this.#index.remove(member);
    if (last === member) return;
    this.#index.remove(last);
    this.#place(last, group, this.#positionOf(member));
  }

  #positionOf(member: number): number {
    return this.#places[2 * member + 1] ?? 0;
  }

  #place(member: number, group: number, position: number): void {
    this.#places[2 * member + 1] = position;
    this.#index.add(member, this.#hash.ofPair(group, position));
  }
}
