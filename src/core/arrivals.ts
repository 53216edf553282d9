// Things in the order in which they came, each of which may leave at any time. For what comes and goes thousands of
// times a second, such as calls, where a Map would do too but for one thing: when V8 makes a Map's table anew, the old
// one refers to the new one, and once it has grown old, everything that was ever in a later one stays in memory until
// the next full collection. With two such Maps of calls a call took a tracker a fifth longer. Reads no clock.

/** One thing that came. */
export class Arrival<T> {
  readonly value: T;
  readonly atMs: number;
  /** Those that came just before and just after, of those still there. */
  before: Arrival<T> | undefined;
  after: Arrival<T> | undefined;
  hasLeft = false;

  /** Use `Arrivals`. */
  constructor(value: T, atMs: number, before: Arrival<T> | undefined) {
    this.value = value;
    this.atMs = atMs;
    this.before = before;
  }
}

export class Arrivals<T> {
  #oldest: Arrival<T> | undefined;
  #newest: Arrival<T> | undefined;

  get oldest(): Arrival<T> | undefined {
    return this.#oldest;
  }

  /** Adds what came at `nowMs`, which is not before what came last. */
  add(value: T, nowMs: number): Arrival<T> {
    const arrival = new Arrival(value, nowMs, this.#newest);
    if (this.#newest === undefined) this.#oldest = arrival;
    else this.#newest.after = arrival;
    this.#newest = arrival;
    return arrival;
  }

  /** Of `arrival`, which is of these, nothing is kept. Whether it was still there. */
  leave(arrival: Arrival<T>): boolean {
    if (arrival.hasLeft) return false;
    const { before, after } = arrival;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    arrival.before = undefined;
    arrival.after = undefined;
    arrival.hasLeft = true;
    return true;
  }
}
