// A sharer that sends nothing before it is told to, which is when all downloaders have joined. Arguments: PATH MANIFEST
// TRACKER BYTES_PER_SECOND CHUNK_BYTES. Writes what happens as lines of JSON; a line on standard input lets it send,
// SIGTERM ends it.
import { requireEndpoint } from "../../src/address/endpoint.js";
import { type RunningShare, share } from "../../src/flows/share.js";
import { defaultListenerOptions } from "../../src/peer/options.js";
import { defaultServerOptions } from "../../src/swarm/options.js";
import { HeldClock, heldBudget } from "./held-clock.js";

/** How often it looks, first whether it has begun, and then what it has sent: seldom enough that the looking itself
 * takes next to nothing. */
const FIRST_LOOK_MS = 5;
const LOOK_MS = 50;

const [path = "", manifestPath = "", tracker = "", rateText, chunkText] = process.argv.slice(2);
const bytesPerSecond = Number(rateText);
const chunkBytes = Number(chunkText);

function say(kind: string, body: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ [kind]: body })}\n`);
}

/** Watches a share from its beginning to its end: how many have joined, when it begins to send, and whether it ever
 * sends more than it may. */
class Watch {
  readonly #share: RunningShare;
  #timer: NodeJS.Timeout;
  #neighbours = 0;
  /** The last time at which nothing had been sent yet. */
  #idleMs = performance.now();
  #begunMs: number | undefined;
  #mostOverCapBytes = Number.NEGATIVE_INFINITY;

  constructor(running: RunningShare) {
    this.#share = running;
    this.#timer = setInterval(() => this.#look(), FIRST_LOOK_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#look();
    say("stopped", { bytesSent: this.#share.bytesSent, mostOverCapBytes: this.#mostOverCapBytes });
  }

  #look(): void {
    const { bytesSent, neighbourCount } = this.#share;
    const nowMs = performance.now();
    if (neighbourCount !== this.#neighbours) say("joined", { neighbours: neighbourCount });
    this.#neighbours = neighbourCount;
    if (bytesSent === 0) this.#idleMs = nowMs;
    if (bytesSent === 0) return;
    this.#begunMs ??= this.#begin();
    const allowedBytes = ((nowMs - this.#begunMs) / 1000) * bytesPerSecond + chunkBytes;
    this.#mostOverCapBytes = Math.max(this.#mostOverCapBytes, bytesSent - allowedBytes);
  }

  /** When it began to send, or a few milliseconds before; never after, so that neither a rate nor a swarm seems quicker
   * than it was. */
  #begin(): number {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    say("begun", { epochMs: performance.timeOrigin + this.#idleMs });
    return this.#idleMs;
  }
}

const stopped = new Promise((resolve) => process.once("SIGTERM", resolve));
const clock = new HeldClock();
process.stdin.once("data", () => clock.release());
const running = await share(
  {
    path,
    manifestPath,
    trackers: [requireEndpoint(tracker, "TRACKER")],
    probeLocalTracker: false,
    advertise: [],
    chunkSizeBytes: chunkBytes,
    stateDirectory: undefined,
    rehash: false,
    exclude: [],
    publish: true,
    listen: { host: "127.0.0.1", port: 0 },
    listenGiven: true,
    maxPeers: defaultServerOptions.maxNeighbours,
    maxConnectionsPerHost: defaultListenerOptions.maxConnectionsPerHost,
    uploadBudget: heldBudget(bytesPerSecond, clock),
  },
  () => undefined,
  new AbortController().signal,
);
const watch = new Watch(running);
say("sharing", { manifestPath });
await Promise.race([stopped, running.failed]);
watch.end();
await running.close();
process.stdin.destroy();
