// How many calls are under way, in all and from one address: what each of them may hold in memory while its request
// arrives is bounded, so their number has to be. Calls last milliseconds; only those that never end pile up. Those that
// are meant to stay open are counted apart, so that they keep out nobody but each other.
import { isLoopbackAddress } from "../../address/host.js";
import { HostCount } from "../../address/host-count.js";

export class OpenCalls {
  readonly #most: number;
  readonly #hosts: HostCount;
  #count = 0;

  /** At most `most` in all, and `mostPerAddress` of them from one address; loopback may have all of them. */
  constructor(most: number, mostPerAddress: number) {
    this.#most = most;
    this.#hosts = new HostCount(mostPerAddress);
  }

  /** Whether one more may begin; if so it has, and `ended` is to follow. */
  begin(host: string): boolean {
    if (this.#count >= this.#most) return false;
    if (!this.#hosts.entered(host) && !isLoopbackAddress(host)) {
      this.#hosts.left(host);
      return false;
    }
    this.#count += 1;
    return true;
  }

  ended(host: string): void {
    this.#hosts.left(host);
    this.#count -= 1;
  }
}
