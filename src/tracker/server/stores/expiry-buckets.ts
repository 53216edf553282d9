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
  /** What is left of that second's bucket, once it is being emptied. */
  #first: Iterator<T> | undefined;

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
    // The bucket that is being emptied stays: what is armed for it meanwhile must be found.
    if (bucket?.size === 0 && item.dueSecond !== this.#firstSecond) this.#buckets.delete(item.dueSecond);
    item.dueSecond = undefined;
  }

  /** Disarms and returns something that is due at `nowMs`; undefined if nothing is. */
  takeDue(nowMs: number): T | undefined {
    const nowSecond = Math.floor(nowMs / 1000);
    while (this.#firstSecond <= nowSecond) {
      // One iterator for a whole bucket: a new one would walk over all that was taken before.
      this.#first ??= this.#buckets.get(this.#firstSecond)?.values();
      const next = this.#first?.next();
      if (next !== undefined && next.done !== true) {
        this.disarm(next.value);
        return next.value;
      }
      this.#first = undefined;
      this.#buckets.delete(this.#firstSecond);
      this.#firstSecond += 1;
    }
    return undefined;
  }
}
