// What happens to every call before it is read and after it has ended: it is counted, refused if its address asks
// too much, and told to whoever measures. Knows no method by name.
import type { CallRefusal, CallWatch } from "../../rpc/call-watch.js";
import type { RpcStatus } from "../../rpc/rpc-error.js";
import type { AddressQuota } from "./address-quota.js";
import { socketHost } from "./handout.js";
import type { LoadMeter } from "./load-meter.js";

/** Told of each call that has ended. */
export type CallMeasure = (path: string, status: RpcStatus | "OK", durationMs: number) => void;

export class CallControl implements CallWatch {
  readonly #quota: AddressQuota;
  readonly #load: LoadMeter;
  readonly #measure: CallMeasure | undefined;

  constructor(quota: AddressQuota, load: LoadMeter, measure?: CallMeasure) {
    this.#quota = quota;
    this.#load = load;
    this.#measure = measure;
  }

  mayConnect(host: string): boolean {
    return !this.#quota.isHungUp(socketHost(host) ?? host);
  }

  refusal(host: string): CallRefusal | undefined {
    this.#load.called();
    const tooSoon = this.#quota.call(socketHost(host) ?? host);
    if (tooSoon === undefined) return undefined;
    const { retryAfterMs, isFlood } = tooSoon;
    return { message: "this address calls too often", retryAfterMs, hangUp: isFlood };
  }

  ended(path: string, status: RpcStatus | "OK", durationMs: number): void {
    this.#measure?.(path, status, durationMs);
  }
}
