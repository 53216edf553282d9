// Starts a tracker: store, calls, health and reflection on one listener; stops it in bounded time. The one
// door to this room's server. Prints nothing.
import { dialableFromHere, EVERY_HOST, listenAt } from "../../address/listening.js";
import { monotonicClock } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import { MIB } from "../../core/units.js";
import type { EventObserver } from "../../events/event.js";
import { RpcServer } from "../../rpc/rpc-server.js";
import { MAX_REQUEST_BYTES, MAX_REQUEST_FIELDS, MAX_RESPONSE_BYTES } from "../limits.js";
import { AddressQuota } from "./address-quota.js";
import { CallControl } from "./call-control.js";
import { Introspection } from "./introspection.js";
import { LeaseTokens } from "./lease-token.js";
import { LOAD_TICK_MS, LoadMeter } from "./load-meter.js";
import { resolveTrackerOptions, type TrackerOptions } from "./options.js";
import { RenewalPace } from "./renewal-pace.js";
import { TrackerCalls } from "./service.js";
import type { TrackerStore } from "./store.js";
import { StoreHealth } from "./store-health.js";
import { openStore } from "./stores/open-store.js";

export interface RunningTracker {
  /** HOST:PORT that can be dialled from this machine. */
  readonly endpoint: string;
  /** Stops taking calls, lets running ones end for `shutdownGraceMs`, closes every connection. */
  close(): Promise<void>;
}

const EXPIRE_INTERVAL_MS = 1000;

/** What a connection may do; the figures that depend on the number of peers are options. */
const CONNECTION = {
  maxCallsPerConnection: 16,
  maxUntakenBytes: 64 * MIB,
  requestTimeoutMs: 20_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  connectionAgeMs: 30 * 60_000,
  connectionAgeGraceMs: 30_000,
} as const;

/** Starts a tracker that listens when the promise resolves. `observe` gets `listening`, and a `warning` with
 * code BUG for everything that should not happen while it runs. `store` takes the
 * place of the one that the options name, and is closed with the tracker. Rejects with USAGE (an option), ADDRESS_IN_USE or PERMISSION_DENIED (the address to listen at). */
export async function startTracker(
  options: Partial<TrackerOptions>,
  observe: EventObserver,
  store?: TrackerStore,
): Promise<RunningTracker> {
  const resolved = resolveTrackerOptions(options);
  const kept = store ?? (await openStore(resolved.store, resolved, monotonicClock));
  const warn = (error: unknown, where: string): void => {
    const { message } = GoshareError.from(error);
    observe({ type: "warning", code: "BUG", message: `${where}: ${message}`, path: "" });
  };
  const quota = new AddressQuota(resolved, monotonicClock);
  const load = new LoadMeter(resolved, monotonicClock);
  const server = new RpcServer(
    {
      ...CONNECTION,
      maxRequestBytes: MAX_REQUEST_BYTES,
      maxResponseBytes: MAX_RESPONSE_BYTES,
      maxRequestFields: MAX_REQUEST_FIELDS,
      maxConnections: resolved.maxConnections,
      idleTimeoutMs: resolved.connectionIdleMs,
      shutdownGraceMs: resolved.shutdownGraceMs,
    },
    warn,
    new CallControl(quota, load),
  );
  const pace = new RenewalPace(resolved, monotonicClock, () => load.load);
  const calls = new TrackerCalls(kept, new LeaseTokens(await kept.secret()), pace, quota, resolved);
  server.addService(calls.service, calls.methods());
  const introspection = new Introspection(server.grpc, calls.service);

  const host = resolved.listenHost === "" ? EVERY_HOST : resolved.listenHost;
  const address = await listenAt({ host, port: resolved.listenPort }, (at, port) => server.listen(at, port));
  const health = new StoreHealth(kept, (problem) => {
    introspection.setStoreUsable(problem === undefined);
    if (problem !== undefined)
      observe({ type: "warning", code: problem.code, message: problem.message, path: "" });
  });
  const everySecond = setInterval(() => {
    kept.expire().catch((error: unknown) => warn(error, "expiry"));
    void health.check();
  }, EXPIRE_INTERVAL_MS).unref();
  const loadTicks = setInterval(() => load.tick(), LOAD_TICK_MS).unref();
  introspection.setServing(true);
  const endpoint = dialableFromHere({ host: address.address, port: address.port });
  observe({ type: "listening", endpoint });

  return {
    endpoint,
    async close() {
      introspection.setServing(false);
      clearInterval(everySecond);
      clearInterval(loadTicks);
      await server.close();
      await kept.close();
    },
  };
}
