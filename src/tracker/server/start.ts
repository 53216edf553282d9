// Starts a tracker: store, calls, health and reflection on one listener; stops it in bounded time. The one
// door to this room's server. Prints nothing.
import { dialableFromHere, EVERY_HOST, listenAt } from "../../address/listening.js";
import { monotonicClock } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import { RpcServer } from "../../rpc/rpc-server.js";
import { MAX_REQUEST_BYTES, MAX_REQUEST_FIELDS, MAX_RESPONSE_BYTES } from "../limits.js";
import { Introspection } from "./introspection.js";
import { LeaseTokens } from "./lease-token.js";
import { resolveTrackerOptions, type TrackerOptions } from "./options.js";
import { TrackerCalls } from "./service.js";
import type { TrackerStore } from "./store.js";
import type { StoreWarning } from "./stores/file-store.js";
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
  requestTimeoutMs: 20_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  connectionAgeMs: 30 * 60_000,
  connectionAgeGraceMs: 30_000,
} as const;

/** Starts a tracker that listens when the promise resolves. `observe` gets `listening`, a `warning` for
 * what its store cannot keep, and one with code BUG for everything that should not happen while it runs. `store` takes the
 * place of the one that the options name, and is closed with the tracker. Rejects with USAGE (an option), STORE_BUSY, ADDRESS_IN_USE or PERMISSION_DENIED (the address to listen at). */
export async function startTracker(
  options: Partial<TrackerOptions>,
  observe: EventObserver,
  store?: TrackerStore,
): Promise<RunningTracker> {
  const resolved = resolveTrackerOptions(options);
  const warnOfStore: StoreWarning = (code, message, path) =>
    observe({ type: "warning", code, message, path });
  const kept = store ?? (await openStore(resolved.store, resolved, monotonicClock, warnOfStore));
  const warn = (error: unknown, where: string): void => {
    const { message } = GoshareError.from(error);
    observe({ type: "warning", code: "BUG", message: `${where}: ${message}`, path: "" });
  };
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
  );
  const calls = new TrackerCalls(kept, new LeaseTokens(await kept.secret()), resolved);
  server.addService(calls.service, calls.methods());
  const introspection = new Introspection(server.grpc, calls.service);

  const host = resolved.listenHost === "" ? EVERY_HOST : resolved.listenHost;
  const address = await listenAt({ host, port: resolved.listenPort }, (at, port) =>
    server.listen(at, port),
  ).catch(async (thrown: unknown) => {
    await kept.close();
    throw thrown;
  });
  const expiry = setInterval(() => {
    kept.expire().catch((error: unknown) => warn(error, "expiry"));
  }, EXPIRE_INTERVAL_MS);
  expiry.unref();
  introspection.setServing(true);
  const endpoint = dialableFromHere({ host: address.address, port: address.port });
  observe({ type: "listening", endpoint });

  return {
    endpoint,
    async close() {
      introspection.setServing(false);
      clearInterval(expiry);
      await server.close();
      await kept.close();
    },
  };
}
