// Starts a tracker: store, calls, health and reflection on one listener; stops it in bounded time. The only entry to
// this room's server. Prints nothing.
import { TLS_SCHEME } from "../../address/endpoint.js";
import { hostScope } from "../../address/host.js";
import { dialableFromHere, EVERY_HOST, listenAt } from "../../address/listening.js";
import { AGENT } from "../../core/agent.js";
import { monotonicClock } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import { MIB } from "../../core/units.js";
import type { EventObserver } from "../../events/event.js";
import { RpcServer } from "../../rpc/rpc-server.js";
import { MAX_REQUEST_BYTES, MAX_REQUEST_FIELDS, MAX_RESPONSE_BYTES } from "../limits.js";
import { AddressQuota } from "./address-quota.js";
import { CallControl } from "./call-control.js";
import { CertificateFiles } from "./certificate-files.js";
import { Introspection } from "./introspection.js";
import { LeaseTokens } from "./lease-token.js";
import { LOAD_TICK_MS, LoadMeter } from "./load-meter.js";
import { openLog, type TrackerLog } from "./log.js";
import type { TrackerMetrics, TrackerState } from "./metrics.js";
import { MetricsListener } from "./metrics-listener.js";
import { OpenCalls } from "./open-calls.js";
import { resolveTrackerOptions, type TrackerOptions } from "./options.js";
import { type FindPeer, ProvenEndpoints } from "./proven-endpoints.js";
import { RenewalPace } from "./renewal-pace.js";
import { TrackerCalls } from "./service.js";
import type { TrackerStore } from "./store.js";
import { StoreHealth } from "./store-health.js";
import type { StoreWarning } from "./stores/file-store.js";
import { openStore } from "./stores/open-store.js";

export interface RunningTracker {
  /** HOST:PORT that can be dialled from this machine, with tls:// before it if it speaks TLS. */
  readonly endpoint: string;
  /** The digest of its certificate if that is signed by nobody else: clients trust it only if they name this. */
  readonly selfSignedSha256?: string | undefined;
  /** Stops taking calls, lets running ones end for `shutdownGraceMs`, closes every connection. */
  close(): Promise<void>;
}

const EXPIRE_INTERVAL_MS = 1000;

/** What a connection may do; the figures that depend on the number of peers are options. */
const CONNECTION = {
  maxCallsPerConnection: 16,
  maxUntakenBytes: 128 * MIB,
  untakenTimeoutMs: 20_000,
  requestTimeoutMs: 20_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  connectionAgeMs: 30 * 60_000,
  connectionAgeGraceMs: 30_000,
} as const;

/** Starts a tracker that listens when the promise resolves. `observe` gets `listening`, a `warning` for what its store
 * cannot keep, and one with code BUG for everything that should not happen while it runs. `store` replaces the one that
 * the options name, and is closed with the tracker. `find` dials peers at the addresses that they announce; without it
 * none of those is handed out, unless the options trust them. Rejects with USAGE (an option), STORE_BUSY,
 * ADDRESS_IN_USE or PERMISSION_DENIED (an address to listen at), what reading the certificate files throws, or the
 * reason of `signal`, which ends a start that waits; a running tracker is ended by `close`. */
export async function startTracker(
  options: Partial<TrackerOptions>,
  observe: EventObserver,
  store?: TrackerStore,
  find: FindPeer = async () => undefined,
  signal?: AbortSignal,
): Promise<RunningTracker> {
  const resolved = resolveTrackerOptions(options);
  const log = await openLog(resolved.logLevel, process.stderr);
  requireOwnPortForMetrics(resolved);
  const certificate = certificateOf(resolved);
  const metrics = await metricsFor(resolved);
  const warnOfStore: StoreWarning = (code, message, path) => {
    observe({ type: "warning", code, message, path });
    log.warn({ code, path }, message);
  };
  const kept = store ?? (await openStore(resolved.store, resolved, monotonicClock, warnOfStore, signal));
  const tracker = new Tracker({ store: kept, options: resolved, log, metrics, certificate, observe, find });
  try {
    await tracker.start();
    return tracker;
  } catch (thrown) {
    await tracker.close();
    throw thrown;
  }
}

function certificateOf({ tlsCertPath, tlsKeyPath }: TrackerOptions): CertificateFiles | undefined {
  if (tlsCertPath === undefined && tlsKeyPath === undefined) return undefined;
  if (tlsCertPath !== undefined && tlsKeyPath !== undefined)
    return new CertificateFiles(tlsCertPath, tlsKeyPath);
  throw new GoshareError("USAGE", "TLS needs a certificate and its key, and one of them is not given", {
    hint: "give both: --tls-cert FILE --tls-key FILE",
  });
}

/** Two servers cannot listen at one port. */
function requireOwnPortForMetrics({ metrics, listenHost, listenPort }: TrackerOptions): void {
  if (metrics === undefined || listenPort === 0 || metrics.port !== listenPort) return;
  const isEverywhere = [metrics.host, listenHost || EVERY_HOST].some(
    (host) => hostScope(host) === "unspecified",
  );
  if (metrics.host !== listenHost && !isEverywhere) return;
  throw new GoshareError("USAGE", `port ${listenPort} cannot be both for calls and for metrics`, {
    hint: "choose another port with --metrics HOST:PORT",
  });
}

async function metricsFor(options: TrackerOptions): Promise<TrackerMetrics | undefined> {
  if (options.metrics === undefined) return undefined;
  const { TrackerMetrics } = await import("./metrics.js");
  return new TrackerMetrics();
}

interface TrackerParts {
  readonly store: TrackerStore;
  readonly options: TrackerOptions;
  readonly log: TrackerLog;
  readonly metrics: TrackerMetrics | undefined;
  readonly certificate: CertificateFiles | undefined;
  readonly observe: EventObserver;
  readonly find: FindPeer;
}

class Tracker implements RunningTracker {
  readonly #store: TrackerStore;
  readonly #options: TrackerOptions;
  readonly #log: TrackerLog;
  readonly #metrics: TrackerMetrics | undefined;
  readonly #observe: EventObserver;
  readonly #certificate: CertificateFiles | undefined;
  readonly #quota: AddressQuota;
  readonly #load: LoadMeter;
  readonly #pace: RenewalPace;
  readonly #proven: ProvenEndpoints;
  readonly #server: RpcServer;
  readonly #timers: NodeJS.Timeout[] = [];
  #introspection: Introspection | undefined;
  #metricsListener: MetricsListener | undefined;
  #closed: Promise<void> | undefined;
  endpoint = "";

  get selfSignedSha256(): string | undefined {
    return this.#certificate?.selfSignedSha256;
  }

  constructor({ store, options, log, metrics, certificate, observe, find }: TrackerParts) {
    this.#store = metrics?.measuredStore(store) ?? store;
    this.#options = options;
    this.#log = log;
    this.#metrics = metrics;
    this.#observe = observe;
    this.#certificate = certificate;
    this.#proven = new ProvenEndpoints(find, monotonicClock, (error) => this.#unexpected(error, "dial-back"));
    this.#quota = new AddressQuota(options, monotonicClock);
    this.#load = new LoadMeter(options, monotonicClock);
    this.#pace = new RenewalPace(options, monotonicClock, () => this.#load.load);
    const open = {
      unary: new OpenCalls(options.maxOpenCalls, options.maxOpenCallsPerAddress),
      stream: new OpenCalls(options.maxOpenStreams, options.maxOpenStreamsPerAddress),
    };
    this.#server = new RpcServer(
      {
        ...CONNECTION,
        maxRequestBytes: MAX_REQUEST_BYTES,
        maxResponseBytes: MAX_RESPONSE_BYTES,
        maxRequestFields: MAX_REQUEST_FIELDS,
        maxConnections: options.maxConnections,
        maxConnectionsPerHost: options.maxConnectionsPerAddress,
        idleTimeoutMs: options.connectionIdleMs,
        shutdownGraceMs: options.shutdownGraceMs,
        tls: certificate?.pair,
      },
      (error, where) => this.#unexpected(error, where),
      new CallControl(this.#quota, this.#load, open, log, metrics, monotonicClock),
    );
  }

  async start(): Promise<void> {
    await this.#listenForMetrics();
    const tokens = new LeaseTokens(await this.#store.secret());
    const calls = new TrackerCalls(this.#store, tokens, this.#pace, this.#quota, this.#proven, this.#options);
    this.#server.addService(calls.service, calls.methods());
    const introspection = new Introspection(this.#server.grpc, calls.service);
    this.#introspection = introspection;

    const { listenHost, listenPort, store } = this.#options;
    const host = listenHost === "" ? EVERY_HOST : listenHost;
    const address = await listenAt({ host, port: listenPort }, (at, port) => this.#server.listen(at, port));
    const health = new StoreHealth(this.#store, (problem) => this.#storeChanged(introspection, problem));
    this.#every(EXPIRE_INTERVAL_MS, () => {
      this.#store.expire().catch((error: unknown) => this.#expiryFailed(error));
      void health.check();
    });
    this.#every(LOAD_TICK_MS, () => this.#load.tick());
    const certificate = this.#certificate;
    if (certificate !== undefined)
      this.#every(this.#options.certificateCheckMs, () => this.#renewCertificate(certificate));
    introspection.setServing(true);
    const scheme = certificate === undefined ? "" : TLS_SCHEME;
    this.endpoint = scheme + dialableFromHere({ host: address.address, port: address.port });
    this.#observe({ type: "listening", endpoint: this.endpoint });
    // Only the kind of store: what follows it may hold a password.
    const [storeKind] = store.split(":", 1);
    this.#log.info({ endpoint: this.endpoint, store: storeKind, agent: AGENT }, "listening");
  }

  close(): Promise<void> {
    this.#closed ??= this.#stop();
    return this.#closed;
  }

  async #stop(): Promise<void> {
    this.#log.info({}, "stopping: running calls may finish");
    this.#introspection?.setServing(false);
    for (const timer of this.#timers) clearInterval(timer);
    this.#proven.close();
    await this.#server.close();
    this.#metricsListener?.close();
    await this.#store.close();
    this.#log.info({}, "stopped");
  }

  #renewCertificate(files: CertificateFiles): void {
    try {
      const renewed = files.reread();
      if (renewed === undefined) return;
      this.#server.setCertificate(renewed);
      this.#log.info({}, "the certificate was read again");
    } catch (thrown) {
      // The old certificate goes on being shown.
      const { code, message } = GoshareError.from(thrown);
      this.#observe({ type: "warning", code, message, path: "" });
      this.#log.error({ code, err: thrown }, message);
    }
  }

  async #listenForMetrics(): Promise<void> {
    const { metrics: at } = this.#options;
    const metrics = this.#metrics;
    if (at === undefined || metrics === undefined) return;
    const read = async (): Promise<string> => metrics.text(await this.#state());
    this.#metricsListener = await MetricsListener.listen(at, metrics.contentType, read);
    const { endpoint } = this.#metricsListener;
    this.#observe({ type: "metricsListening", endpoint });
    this.#log.info({ endpoint }, "metrics");
  }

  async #state(): Promise<TrackerState> {
    return {
      size: await this.#store.size().catch(() => undefined),
      isServing: this.#introspection?.isServing ?? false,
      connections: this.#server.connections,
      callsPerSecond: this.#load.callsPerSecond,
      lagMs: this.#load.lagMs,
      renewIntervalMs: this.#pace.intervalMs,
      expectedPeers: this.#pace.expectedPeers,
    };
  }

  #storeChanged(introspection: Introspection, problem: GoshareError | undefined): void {
    introspection.setStoreUsable(problem === undefined);
    if (problem === undefined) {
      this.#log.info({}, "the store can be used again");
      return;
    }
    const { code, message } = problem;
    this.#observe({ type: "warning", code, message, path: "" });
    this.#log.error({ code, err: problem }, message);
  }

  /** The store's health has already reported that it cannot be used. */
  #expiryFailed(error: unknown): void {
    if (error instanceof GoshareError && error.code === "STORE_UNAVAILABLE") return;
    this.#unexpected(error, "expiry");
  }

  #unexpected(error: unknown, where: string): void {
    const { message } = GoshareError.from(error);
    this.#observe({ type: "warning", code: "BUG", message: `${where}: ${message}`, path: "" });
    this.#log.error({ where, err: error }, message);
  }

  #every(intervalMs: number, work: () => void): void {
    this.#timers.push(setInterval(work, intervalMs).unref());
  }
}
