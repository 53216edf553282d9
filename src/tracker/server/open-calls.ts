// How many calls are under way, in all and from one address. Each holds a bounded amount of memory while its request
// arrives, so their number must be bounded too. Calls last milliseconds; only those that never end pile up. Calls that
// are meant to stay open are counted apart, so that they keep out only each other.
import { isLoopbackAddress } from "../../address/host.js";
import { HostCount } from "../../address/host-count.js";

export class OpenCalls {
  readonly #most: number;
  readonly #hosts: HostCount;
  #count = 0;

  /** At most `most` calls in all, and `mostPerAddress` from one address; loopback may have all of them. */
  constructor(most: number, mostPerAddress: number) {
    this.#most = most;
    this.#hosts = new HostCount(mostPerAddress);
  }

  /** Whether one more call may begin; if so, it has begun, and `ended` is to follow. */
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
