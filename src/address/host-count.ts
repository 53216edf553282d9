// How many connections, or calls, come from each address, so that one machine cannot take all places. Keeps none of them.
import { hostNetwork } from "./host.js";

export class HostCount {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** One from `host`, an address, has come; whether it is one of those that are welcome. In either case to be
   * followed by one `left`. */
  entered(host: string): boolean {
    const key = hostNetwork(host);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= this.#most;
  }

  left(host: string): void {
    const key = hostNetwork(host);
    const count = (this.#counts.get(key) ?? 1) - 1;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
