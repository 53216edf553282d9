// How much each address has of something that is bounded for all together, so that one machine cannot take everything.
// Keeps nothing but sums.
import { hostNetwork, isLoopbackAddress } from "./host.js";

/** What one address may have of the whole, loopback all of it: proxies run there. */
const PART = 1 / 4;

export class HostParts {
  readonly #most: number;
  readonly #byNetwork = new Map<string, number>();

  constructor(whole: number) {
    this.#most = Math.ceil(whole * PART);
  }

  /** Whether `host`, an address, may have so much more. */
  hasRoom(host: string, amount: number): boolean {
    const sum = (this.#byNetwork.get(hostNetwork(host)) ?? 0) + amount;
    return sum <= this.#most || isLoopbackAddress(host);
  }

  /** `host` has so much more, or less. */
  add(host: string, amount: number): void {
    const network = hostNetwork(host);
    const sum = (this.#byNetwork.get(network) ?? 0) + amount;
    if (sum === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, sum);
  }
}
