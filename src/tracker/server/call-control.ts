// What happens to every call before it is read and after it has ended: it is counted, refused if its address asks too
// much, and reported to the log and the metrics. Knows no method by name.
import type { Clock } from "../../core/clock.js";
import type { CallKind, CallRefusal, CallWatch, EndedCall } from "../../rpc/call-watch.js";
import type { AddressQuota, TooSoon } from "./address-quota.js";
import { socketHost } from "./handout.js";
import type { LoadMeter } from "./load-meter.js";
import { Seldom, type TrackerLog } from "./log.js";
import type { TrackerMetrics } from "./metrics.js";
import type { OpenCalls } from "./open-calls.js";

/** Refusals are logged no more often than this. */
const REFUSALS_LOGGED_EVERY_MS = 10_000;

/** Calls that are under way, of each kind. */
export type Open = Readonly<Record<CallKind, OpenCalls>>;

/** When to call again, at the earliest, if too many calls are under way; at the latest after twice that. Told the same
 * moment, all that were refused would come back together, and be too many again. */
const CROWD_RETRY_MS = 500;

export class CallControl implements CallWatch {
  readonly #quota: AddressQuota;
  readonly #load: LoadMeter;
  readonly #open: Open;
  readonly #log: TrackerLog;
  readonly #metrics: TrackerMetrics | undefined;
  readonly #refusals: Seldom;
  readonly #floods: Seldom;
  readonly #random: () => number;

  /** `random` gives numbers from 0 up to, not including, 1. */
  constructor(
    quota: AddressQuota,
    load: LoadMeter,
    open: Open,
    log: TrackerLog,
    metrics: TrackerMetrics | undefined,
    clock: Clock,
    random: () => number = Math.random,
  ) {
    this.#random = random;
    this.#quota = quota;
    this.#load = load;
    this.#open = open;
    this.#log = log;
    this.#metrics = metrics;
    this.#refusals = new Seldom(REFUSALS_LOGGED_EVERY_MS, clock);
    this.#floods = new Seldom(REFUSALS_LOGGED_EVERY_MS, clock);
  }

  mayConnect(host: string): boolean {
    return this.#quota.connection(socketHost(host) ?? host);
  }

  refusal(socketAddress: string, kind: CallKind): CallRefusal | undefined {
    this.#load.called();
    const host = socketHost(socketAddress) ?? socketAddress;
    const tooSoon = this.#quota.call(host);
    if (tooSoon !== undefined) return this.#tooSoon(host, tooSoon);
    if (this.#open[kind].begin(host)) return undefined;
    const retryAfterMs = CROWD_RETRY_MS * (1 + this.#random());
    return { message: "too many calls at a time", retryAfterMs, hangUp: false };
  }

  #tooSoon(host: string, { retryAfterMs, isFlood }: TooSoon): CallRefusal {
    if (isFlood) this.#hungUpOn(host);
    return { message: "this address calls too often", retryAfterMs, hangUp: isFlood };
  }

  read(socketAddress: string, bytes: number): void {
    this.#quota.read(socketHost(socketAddress) ?? socketAddress, bytes);
  }

  brought(socketAddress: string, bytes: number): boolean {
    const host = socketHost(socketAddress) ?? socketAddress;
    const isFlood = this.#quota.brought(host, bytes);
    if (isFlood) this.#hungUpOn(host);
    return isFlood;
  }

  #hungUpOn(host: string): void {
    this.#floods.happened((times) =>
      this.#log.warn({ address: host, times }, "hung up on an address that sends too much"),
    );
  }

  ended(call: EndedCall): void {
    const { path, kind, status, durationMs } = call;
    const host = socketHost(call.host) ?? call.host;
    if (!call.wasRefused) this.#open[kind].ended(host);
    this.#metrics?.called(call);
    if (this.#log.isDebugging) this.#log.debug({ path, address: host, status, durationMs }, "call");
    if (status !== "RESOURCE_EXHAUSTED") return;
    this.#refusals.happened((times) => this.#log.warn({ path, address: host, times }, "calls were refused"));
  }
}
