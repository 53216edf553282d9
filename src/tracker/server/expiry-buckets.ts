// Things that end at some time, kept by the second: arming, disarming and finding what is due cost the same
// however many there are. Reads no clock.

/** Something that can be armed; the field belongs to the buckets. */
export interface Expiring {
  /** The second in whose bucket it stands; undefined while it is not armed. */
  dueSecond: number | undefined;
}

export class ExpiryBuckets<T extends Expiring> {
  readonly #buckets = new Map<number, Set<T>>();
  /** No bucket before this second holds anything. */
  #firstSecond: number;

  constructor(nowMs: number) {
    this.#firstSecond = Math.floor(nowMs / 1000);
  }

  /** Arms `item` for the first full second at or after `atMs`, and for nothing else. */
  arm(item: T, atMs: number): void {
    const second = Math.max(Math.ceil(atMs / 1000), this.#firstSecond);
    if (item.dueSecond === second) return;
    this.disarm(item);
    item.dueSecond = second;
    const bucket = this.#buckets.get(second);
    if (bucket === undefined) this.#buckets.set(second, new Set([item]));
    else bucket.add(item);
  }

  disarm(item: T): void {
    if (item.dueSecond === undefined) return;
    const bucket = this.#buckets.get(item.dueSecond);
    bucket?.delete(item);
    if (bucket?.size === 0) this.#buckets.delete(item.dueSecond);
    item.dueSecond = undefined;
  }

  /** Disarms and returns something that is due at `nowMs`; undefined if nothing is. */
  takeDue(nowMs: number): T | undefined {
    const nowSecond = Math.floor(nowMs / 1000);
    for (; this.#firstSecond <= nowSecond; this.#firstSecond++) {
      const bucket = this.#buckets.get(this.#firstSecond);
      if (bucket === undefined) continue;
      for (const item of bucket) {
        this.disarm(item);
        return item;
      }
    }
    return undefined;
  }
}
