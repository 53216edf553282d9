// How much one address may ask of a tracker: connections, calls, bytes and leases, each a bucket that fills with time;
// and when to hang up on one that does not heed refusals. An address is an IPv4 address or the /64 of an IPv6 one.
// Remembers a bounded number of them, and forgets those that were quiet longest. Loopback is exempt: it is this
// machine's own.
import { hostNetwork, isLoopbackAddress } from "../../address/host.js";
import type { Clock } from "../../core/clock.js";
import { KIB, MIB } from "../../core/units.js";

export interface QuotaLimits {
  /** Calls a second from one address, in the long run. */
  readonly perAddressLimit: number;
  /** Leases that one address can keep up. */
  readonly maxLeasesPerAddress: number;
}

/** A call that came too soon. */
export interface TooSoon {
  /** When there will be room for it, in milliseconds from now, if those that were refused before come back as well. */
  readonly retryAfterMs: number;
  /** Whether its caller has asked again and again instead of waiting. */
  readonly isFlood: boolean;
}

/** How many seconds' worth of calls, and of refusals, may come at once. */
const BURST_SECONDS = 2;
const REFUSAL_BURST_SECONDS = 2;

/** Connections for each call: many machines behind one address connect for one call each, and some in vain. */
const CONNECTIONS_PER_CALL = 2;

/** Reading so many bytes, or so many shares that are then refused, costs as much as a call. Answered announcements are
 * not charged for their shares: a hundred machines behind one address may have a thousand each, and come back together
 * after a restart. */
const BYTES_PER_CALL = 64 * KIB;
const SHARES_PER_CALL = 100;

/** Whatever comes costs time, calls or not, and of most kinds of frames nobody is told: a header that stands for another
 * by one byte takes 40 ns, so 25 MB a second of them took all of a processor. An address may bring as much as its calls
 * may have, and at once more than all requests that may be under way from one address. */
const BYTES_AT_ONCE = 64 * MIB;

/** How long no connection is taken from an address that floods. */
const HANG_UP_MS = 10_000;

const MAX_ADDRESSES = 65_536;

interface Address {
  readonly connections: Bucket;
  readonly calls: Bucket;
  readonly refusals: Bucket;
  readonly leases: Bucket;
  readonly bytes: Bucket;
  hungUpUntilMs: number;
}

export class AddressQuota {
  readonly #limits: QuotaLimits;
  readonly #clock: Clock;
  readonly #maxAddresses: number;
  /** The address that asked last comes last. */
  readonly #addresses = new Map<string, Address>();

  constructor(limits: QuotaLimits, clock: Clock, maxAddresses = MAX_ADDRESSES) {
    this.#limits = limits;
    this.#clock = clock;
    this.#maxAddresses = maxAddresses;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#addresses.size;
  }

  /** Counts a call from `host`; undefined if there is room for it, else when to come again. */
  call(host: string): TooSoon | undefined {
    const address = this.#addressOf(host);
    return address && this.#take(address, address.calls);
  }

  /** Counts a connection from `host`; returns whether to take it. */
  connection(host: string): boolean {
    const address = this.#addressOf(host);
    if (address === undefined) return true;
    if (address.hungUpUntilMs > this.#clock.nowMs()) return false;
    return this.#take(address, address.connections) === undefined;
  }

  #take(address: Address, bucket: Bucket): TooSoon | undefined {
    const nowMs = this.#clock.nowMs();
    const waitMs = bucket.take(1, nowMs);
    if (waitMs === 0) return undefined;
    // Told the same moment, a crowd behind one address would come back as a crowd, be refused again, and count as a flood.
    const othersMs = address.refusals.msUntilFull(nowMs);
    const isFlood = address.refusals.take(1, nowMs) > 0;
    if (isFlood) address.hungUpUntilMs = nowMs + HANG_UP_MS;
    return { retryAfterMs: waitMs + othersMs, isFlood };
  }

  /** Counts a request that `host` has sent, by its size, before it is known whether it is of any use. */
  read(host: string, bytes: number): void {
    this.#addressOf(host)?.calls.charge(bytes / BYTES_PER_CALL);
  }

  /** Counts bytes that have come from `host`, whatever they are; returns whether it floods. */
  brought(host: string, bytes: number): boolean {
    const address = this.#addressOf(host);
    if (address === undefined) return false;
    const nowMs = this.#clock.nowMs();
    if (address.bytes.take(bytes, nowMs) === 0) return false;
    address.hungUpUntilMs = nowMs + HANG_UP_MS;
    return true;
  }

  /** Counts leases that `host` announces, new or not; returns how long to wait until there is room for them, 0 if there
   * is. Renewed every `renewMs`, no more leases than the limit can be kept up. */
  leases(host: string, count: number, renewMs: number): number {
    const address = this.#addressOf(host);
    if (address === undefined) return 0;
    const nowMs = this.#clock.nowMs();
    const waitMs = address.leases.take(count, nowMs, this.#limits.maxLeasesPerAddress / renewMs);
    // All shares have been read; a caller that heeds the answer is not back before this is paid for.
    if (waitMs > 0) address.calls.charge(count / SHARES_PER_CALL);
    return waitMs;
  }

  /** Whether `host` has flooded within the last seconds. */
  isHungUp(host: string): boolean {
    const known = this.#addresses.get(hostNetwork(host));
    return known !== undefined && known.hungUpUntilMs > this.#clock.nowMs();
  }

  #addressOf(host: string): Address | undefined {
    if (isLoopbackAddress(host)) return undefined;
    const network = hostNetwork(host);
    const known = this.#addresses.get(network);
    if (known === undefined) return this.#remember(network);
    this.#addresses.delete(network);
    this.#addresses.set(network, known);
    return known;
  }

  #remember(network: string): Address {
    const [quietest] = this.#addresses.keys();
    if (quietest !== undefined && this.#addresses.size >= this.#maxAddresses)
      this.#addresses.delete(quietest);
    const { perAddressLimit, maxLeasesPerAddress } = this.#limits;
    const nowMs = this.#clock.nowMs();
    const connectionsPerSecond = perAddressLimit * CONNECTIONS_PER_CALL;
    const bytesPerSecond = perAddressLimit * BYTES_PER_CALL;
    const address = {
      connections: new Bucket(connectionsPerSecond * BURST_SECONDS, connectionsPerSecond / 1000, nowMs),
      calls: new Bucket(perAddressLimit * BURST_SECONDS, perAddressLimit / 1000, nowMs),
      refusals: new Bucket(perAddressLimit * REFUSAL_BURST_SECONDS, perAddressLimit / 1000, nowMs),
      leases: new Bucket(maxLeasesPerAddress, 0, nowMs),
      bytes: new Bucket(BYTES_AT_ONCE, bytesPerSecond / 1000, nowMs),
      hungUpUntilMs: 0,
    };
    this.#addresses.set(network, address);
    return address;
  }
}

/** Tokens that come back with time, up to `capacity`. */
class Bucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #atMs: number;

  constructor(capacity: number, perMs: number, nowMs: number) {
    this.#capacity = capacity;
    this.#perMs = perMs;
    this.#tokens = capacity;
    this.#atMs = nowMs;
  }

  /** Takes `count` whether or not they are there; as many as it holds may be owed. */
  charge(count: number): void {
    this.#tokens = Math.max(this.#tokens - count, -this.#capacity);
  }

  /** Takes `count` and returns 0; or takes nothing and returns how long until there are so many. More than it can hold
   * counts as all that it can hold. */
  take(count: number, nowMs: number, perMs = this.#perMs): number {
    this.#fill(nowMs, perMs);
    const wanted = Math.min(count, this.#capacity);
    if (this.#tokens >= wanted) {
      this.#tokens -= wanted;
      return 0;
    }
    return Math.ceil((wanted - this.#tokens) / perMs);
  }

  /** How long until it is full if nothing is taken. */
  msUntilFull(nowMs: number): number {
    this.#fill(nowMs, this.#perMs);
    return Math.ceil((this.#capacity - this.#tokens) / this.#perMs);
  }

  #fill(nowMs: number, perMs: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#atMs) * perMs);
    this.#atMs = nowMs;
  }
}
