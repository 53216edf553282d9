// startTracker() for programs.
import { requireListenAddress } from "../address/endpoint.js";
import { LOG_LEVELS } from "../core/log-level.js";
import type { GoshareEvent } from "../events/event.js";
import { startTracker as start } from "../flows/tracker.js";
import { DEFAULT_TRACKER_PORT } from "../tracker/limits.js";
import type { TrackerOptions } from "../tracker/server/options.js";
import { EventStream } from "./event-stream.js";
import { oneOf, requireText, text } from "./options.js";

export interface TrackerCallOptions extends Partial<Omit<TrackerOptions, "listenHost" | "listenPort">> {
  /** Where to accept calls, HOST:PORT; port 0: any free one. Not given: port 8080 of every address. */
  readonly listen?: string;
}

const TEXTS = ["store", "tlsCertPath", "tlsKeyPath"] as const;

/** A tracker that accepts calls. A loop over it sees its warnings. */
export interface Tracker extends AsyncIterable<GoshareEvent>, AsyncDisposable {
  /** HOST:PORT that can be dialled from this machine, with tls:// before it if it speaks TLS. */
  readonly endpoint: string;
  /** Takes no more calls; resolves when running ones have ended or have taken too long. */
  close(): Promise<void>;
}

/** Resolves when it listens. Rejects with a GoshareError: USAGE, ADDRESS_IN_USE or PERMISSION_DENIED. */
export async function startTracker(options: TrackerCallOptions = {}): Promise<Tracker> {
  const { listen, ...rest } = options;
  for (const name of TEXTS) text(name, rest[name]);
  oneOf("logLevel", LOG_LEVELS, rest.logLevel);
  if (rest.metrics !== undefined) requireText("metrics.host", rest.metrics.host);
  const events = new EventStream();
  const running = await start({ ...rest, ...listenOptions(listen) }, events.observe);
  const close = async () => {
    await running.close();
    events.end();
  };
  return {
    endpoint: running.endpoint,
    close,
    [Symbol.asyncDispose]: close,
    [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
  };
}

function listenOptions(given: string | undefined) {
  const listen = text("listen", given);
  if (listen === undefined) return {};
  const { host, port } = requireListenAddress(listen, "listen", DEFAULT_TRACKER_PORT);
  return { listenHost: host, listenPort: port };
}
