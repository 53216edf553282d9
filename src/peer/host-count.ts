// How many connections come from each address, so that one machine cannot take all places. Keeps no connection.
import { isIPv6 } from "node:net";

export class HostCount {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** A connection from `host`, an address, has come; whether it is one of those that are welcome. In either case to be
   * followed by one `left`. */
  entered(host: string): boolean {
    const key = networkOf(host);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= this.#most;
  }

  left(host: string): void {
    const key = networkOf(host);
    const count = (this.#counts.get(key) ?? 1) - 1;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

/** Of an IPv6 address the /64, all of whose addresses one machine may have (RFC 8981); else the address itself. */
function networkOf(host: string): string {
  if (!isIPv6(host)) return host;
  const [left = "", right] = host.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = right === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array<string>(zeros).fill("0"), ...tail].slice(0, 4).join(":");
}
