// How much each address has of something whose total is bounded, so that one machine cannot take all of it. Keeps
// nothing but sums.
import { hostNetwork, isLoopbackAddress } from "./host.js";

/** The part of the whole that one address may have. Loopback may have all of it, since proxies run there. */
const PART = 1 / 4;

export class HostParts {
  readonly #most: number;
  readonly #byNetwork = new Map<string, number>();

  constructor(whole: number) {
    this.#most = Math.ceil(whole * PART);
  }

  /** Whether `host`, an address, may have `amount` more. */
  hasRoom(host: string, amount: number): boolean {
    const sum = (this.#byNetwork.get(hostNetwork(host)) ?? 0) + amount;
    return sum <= this.#most || isLoopbackAddress(host);
  }

  /** `host` has `amount` more, or less if that is negative. */
  add(host: string, amount: number): void {
    const network = hostNetwork(host);
    const sum = (this.#byNetwork.get(network) ?? 0) + amount;
    if (sum === 0) this.#byNetwork.delete(network);
    else this.#byNetwork.set(network, sum);
  }
}
