// How many calls are under way, in all and from one address: what each of them may hold in memory while its request
// arrives is bounded, so their number has to be. Calls last milliseconds; only those that never end pile up.
import { hostNetwork } from "../../address/host.js";
import { isLoopback } from "./handout.js";

export interface OpenCallLimits {
  readonly maxOpenCalls: number;
  /** Loopback may have all of them. */
  readonly maxOpenCallsPerAddress: number;
}

export class OpenCalls {
  readonly #limits: OpenCallLimits;
  readonly #byNetwork = new Map<string, number>();
  #count = 0;

  constructor(limits: OpenCallLimits) {
    this.#limits = limits;
  }

  /** Whether one more may begin; if so it has, and `ended` is to follow. */
  begin(host: string): boolean {
    const { maxOpenCalls, maxOpenCallsPerAddress } = this.#limits;
    const network = hostNetwork(host);
    const ofNetwork = this.#byNetwork.get(network) ?? 0;
    if (this.#count >= maxOpenCalls) return false;
    if (ofNetwork >= maxOpenCallsPerAddress && !isLoopback(host)) return false;
    this.#count += 1;
    this.#byNetwork.set(network, ofNetwork + 1);
    return true;
  }

  ended(host: string): void {
    const network = hostNetwork(host);
    const left = (this.#byNetwork.get(network) ?? 0) - 1;
    this.#count -= 1;
    if (left > 0) this.#byNetwork.set(network, left);
    else this.#byNetwork.delete(network);
  }
}
