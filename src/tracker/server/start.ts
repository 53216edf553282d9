// Starts a tracker: store, calls, health and reflection on one listener; stops it in bounded time. The one
// door to this room's server. Prints nothing.
import type { AddressInfo } from "node:net";
import { formatEndpoint } from "../../address/endpoint.js";
import { hostScope, normaliseHost } from "../../address/host.js";
import { monotonicClock } from "../../core/clock.js";
import { GoshareError, isErrno } from "../../core/errors.js";
import type { EventObserver } from "../../events/event.js";
import { RpcServer } from "../../rpc/rpc-server.js";
import { MAX_REQUEST_BYTES, MAX_REQUEST_FIELDS, MAX_RESPONSE_BYTES } from "../limits.js";
import { Introspection } from "./introspection.js";
import { MemoryStore } from "./memory-store.js";
import { resolveTrackerOptions, type TrackerOptions } from "./options.js";
import { TrackerCalls } from "./service.js";
import type { TrackerStore } from "./store.js";

export interface RunningTracker {
  /** HOST:PORT that can be dialled from this machine. */
  readonly endpoint: string;
  /** Stops taking calls, lets running ones end for `shutdownGraceMs`, closes every connection. */
  close(): Promise<void>;
}

const EXPIRE_INTERVAL_MS = 1000;

/** All addresses: IPv6 with IPv4 in it, or IPv4 alone where there is no IPv6. */
const EVERY_HOST = ["::", "0.0.0.0"] as const;

/** What a connection may do; the figures that depend on the number of peers are options. */
const CONNECTION = {
  maxCallsPerConnection: 16,
  requestTimeoutMs: 20_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  connectionAgeMs: 30 * 60_000,
  connectionAgeGraceMs: 30_000,
} as const;

/** Starts a tracker that listens when the promise resolves. `observe` gets `listening`, and a `warning` with
 * code BUG for everything that should not happen while it runs. `store` is kept in memory if not given.
 * Rejects with USAGE (an option), ADDRESS_IN_USE or PERMISSION_DENIED (the address to listen at). */
export async function startTracker(
  options: Partial<TrackerOptions>,
  observe: EventObserver,
  store?: TrackerStore,
): Promise<RunningTracker> {
  const resolved = resolveTrackerOptions(options);
  const kept = store ?? new MemoryStore(resolved, monotonicClock);
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
  const calls = new TrackerCalls(kept, resolved);
  server.addService(calls.service, calls.methods());
  const introspection = new Introspection(server.grpc, calls.service);

  const address = await listen(server, resolved);
  const expiry = setInterval(() => {
    kept.expire().catch((error: unknown) => warn(error, "expiry"));
  }, EXPIRE_INTERVAL_MS);
  expiry.unref();
  introspection.setServing(true);
  const endpoint = dialable(address);
  observe({ type: "listening", endpoint });

  return {
    endpoint,
    async close() {
      introspection.setServing(false);
      clearInterval(expiry);
      await server.close();
    },
  };
}

async function listen(server: RpcServer, { listenHost, listenPort }: TrackerOptions): Promise<AddressInfo> {
  const [everyHost, everyIpv4Host] = EVERY_HOST;
  try {
    return await server.listen(listenHost === "" ? everyHost : listenHost, listenPort);
  } catch (error) {
    if (listenHost !== "" || !isErrno(error, "EAFNOSUPPORT", "EADDRNOTAVAIL")) {
      throw listenError(error, listenHost === "" ? everyHost : listenHost, listenPort);
    }
  }
  try {
    return await server.listen(everyIpv4Host, listenPort);
  } catch (error) {
    throw listenError(error, everyIpv4Host, listenPort);
  }
}

function listenError(error: unknown, host: string, port: number): unknown {
  const place = formatEndpoint({ host, port });
  if (isErrno(error, "EADDRINUSE")) {
    return new GoshareError("ADDRESS_IN_USE", `something listens at ${place} already`, {
      cause: error,
      hint: "a tracker may be running there; choose another port with --listen HOST:PORT, 0 for any free one",
    });
  }
  if (isErrno(error, "EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN", "EAFNOSUPPORT", "EINVAL")) {
    return new GoshareError("ADDRESS_IN_USE", `${place} is no address of this machine`, {
      cause: error,
      hint: "listen at one of its own addresses, or leave the host out to listen at all of them",
    });
  }
  if (isErrno(error, "EACCES", "EPERM")) {
    return new GoshareError("PERMISSION_DENIED", `this process may not listen at ${place}`, {
      cause: error,
      hint: "ports below 1024 mostly need special rights; choose a higher one with --listen HOST:PORT",
    });
  }
  return error;
}

/** Where this machine itself reaches the listener. */
function dialable({ address, port }: AddressInfo): string {
  const host = normaliseHost(address) ?? address;
  return formatEndpoint({ host: hostScope(host) === "unspecified" ? "127.0.0.1" : host, port });
}
