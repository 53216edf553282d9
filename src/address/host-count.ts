// Counts the connections, or calls, from each address, so that one machine cannot take all places. Holds none of them.
import { hostNetwork } from "./host.js";

export class HostCount {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** One has come from `host`, an address. Returns whether it is within the bound; either way it must be followed by
   * one `left`. */
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
