// What a tracker counts and measures, for Prometheus. Loaded only if metrics are asked for. Labels are method paths and
// status codes, of which there are few: nothing that a stranger sends becomes one.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EndedCall } from "../../rpc/call-watch.js";
import type { StoreSize, TrackerStore } from "./store.js";

/** The tracker's state at the moment of a scrape. */
export interface TrackerState {
  /** Undefined: the store did not say. */
  readonly size: StoreSize | undefined;
  readonly isServing: boolean;
  readonly connections: number;
  readonly callsPerSecond: number;
  readonly lagMs: number;
  readonly renewIntervalMs: number;
  readonly expectedPeers: number;
}

const GAUGES = {
  peers: "Peers that hold a lease",
  leases: "Leases of all peers",
  swarms: "Content ids that somebody has a lease on",
  manifests: "Roots that are kept",
  manifest_bytes: "Bytes of roots that are kept",
  serving: "Whether calls are taken and the store can be used",
  connections: "Open connections",
  calls_per_second: "Calls a second, averaged over ten seconds",
  lag_seconds: "How late the event loop is, averaged over ten seconds",
  renew_interval_seconds: "How long peers are told to wait with their next renewal",
  expected_peers: "Peers that this process has told to be back",
} as const;

type GaugeName = keyof typeof GAUGES;

const PREFIX = "goshare_tracker_";
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export class TrackerMetrics {
  readonly #registry = new Registry();
  readonly #gauges: ReadonlyMap<GaugeName, Gauge>;
  readonly #calls: Counter<"method" | "code">;
  readonly #callSeconds: Histogram<"method">;
  readonly #storeSeconds: Histogram<"operation">;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#calls = new Counter({
      ...{ name: `${PREFIX}calls_total`, help: "Calls that have ended", registers },
      labelNames: ["method", "code"],
    });
    this.#callSeconds = new Histogram({
      ...{ name: `${PREFIX}call_seconds`, help: "Time from headers to the end of a call", registers },
      ...{ labelNames: ["method"], buckets: SECONDS },
    });
    this.#storeSeconds = new Histogram({
      ...{ name: `${PREFIX}store_seconds`, help: "Time that the store took", registers },
      ...{ labelNames: ["operation"], buckets: SECONDS },
    });
    this.#gauges = new Map(
      gaugeNames().map((name) => [name, new Gauge({ name: PREFIX + name, help: GAUGES[name], registers })]),
    );
  }

  called({ path, status, durationMs }: EndedCall): void {
    const method = path.slice(path.lastIndexOf(".") + 1);
    this.#calls.inc({ method, code: status });
    this.#callSeconds.observe({ method }, durationMs / 1000);
  }

  /** `store`, with every operation timed. */
  measuredStore(store: TrackerStore): TrackerStore {
    const timed = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
      const end = this.#storeSeconds.startTimer({ operation });
      try {
        return await work();
      } finally {
        end();
      }
    };
    const check = store.check?.bind(store);
    return {
      secret: () => store.secret(),
      announce: (update) => timed("announce", () => store.announce(update)),
      withdraw: (key, contentIds) => timed("withdraw", () => store.withdraw(key, contentIds)),
      sample: (queries, exclude, maxPeers) => timed("sample", () => store.sample(queries, exclude, maxPeers)),
      manifest: (contentId) => timed("manifest", () => store.manifest(contentId)),
      holdsLease: (key, contentId) => timed("holdsLease", () => store.holdsLease(key, contentId)),
      putManifest: (contentId, bytes, host) =>
        timed("putManifest", () => store.putManifest(contentId, bytes, host)),
      expire: () => timed("expire", () => store.expire()),
      size: () => store.size(),
      ...(check !== undefined && { check: () => timed("check", check) }),
      close: () => store.close(),
    };
  }

  /** All metrics in the text format of Prometheus. */
  async text(state: TrackerState): Promise<string> {
    const { size } = state;
    this.#set("peers", size?.peers);
    this.#set("leases", size?.leases);
    this.#set("swarms", size?.swarms);
    this.#set("manifests", size?.manifests);
    this.#set("manifest_bytes", size?.manifestBytes);
    this.#set("serving", state.isServing ? 1 : 0);
    this.#set("connections", state.connections);
    this.#set("calls_per_second", state.callsPerSecond);
    this.#set("lag_seconds", state.lagMs / 1000);
    this.#set("renew_interval_seconds", state.renewIntervalMs / 1000);
    this.#set("expected_peers", state.expectedPeers);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** What is not known is left out rather than shown as 0. */
  #set(name: GaugeName, value: number | undefined): void {
    const gauge = this.#gauges.get(name);
    if (value === undefined) gauge?.remove();
    else gauge?.set(value);
  }
}

function gaugeNames(): readonly GaugeName[] {
  return Object.keys(GAUGES).filter((name): name is GaugeName => name in GAUGES);
}
