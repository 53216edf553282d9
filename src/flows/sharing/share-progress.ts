// Which peers download a share, how far they are, and which have all of it: reported about once a second while
// something changes. Decides nothing.
import { formatEndpoint } from "../../address/endpoint.js";
import type { PeerId } from "../../core/ids.js";
import type { EventObserver } from "../../events/event.js";
import { RateMeter } from "../../events/rate.js";
import type { ManifestRoot } from "../../manifest/manifest.js";
import type { ChunkServer } from "../../swarm/uploading/chunk-server.js";
import type { ServedNeighbour } from "../../swarm/uploading/served-share.js";

const TELL_MS = 1_000;
/** The most peers named in one event, as the proto says. */
const MAX_NAMED = 50;
/** Beyond this, a peer that comes back counts once more. */
const MAX_REMEMBERED = 100_000;

export class ShareProgress {
  readonly #root: ManifestRoot;
  readonly #server: ChunkServer;
  readonly #observe: EventObserver;
  #meter = new RateMeter(performance.now());
  readonly #copied = new Set<PeerId>();
  readonly #waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  #copies = 0;
  #told = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(root: ManifestRoot, server: ChunkServer, observe: EventObserver) {
    this.#root = root;
    this.#server = server;
    this.#observe = observe;
  }

  begin(): void {
    this.#timer = setInterval(() => this.#tell(), TELL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get copies(): number {
    return this.#copies;
  }

  /** Resolves when so many peers have had all of it. */
  untilCopies(count: number): Promise<void> {
    if (this.#copies >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ count, resolve }));
  }

  /** A peer has all of it. */
  copied({ peerId, endpoint }: ServedNeighbour): void {
    if (this.#copied.has(peerId)) return;
    if (this.#copied.size >= MAX_REMEMBERED) this.#copied.clear();
    this.#copied.add(peerId);
    this.#copies++;
    const { contentId } = this.#root;
    const copies = this.#copies;
    this.#observe({ type: "copied", contentId, peerId, endpoint: formatEndpoint(endpoint), copies });
    for (const waiting of this.#waiting) {
      if (copies < waiting.count) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #tell(): void {
    const nowMs = performance.now();
    const bytesSent = this.#server.bytesSentOf(this.#root.contentId);
    this.#meter.record(nowMs, bytesSent);
    const all = this.#server.neighbours(this.#root.contentId);
    // Time in which no peer was here must not make the first one look slow.
    if (all.length === 0) this.#meter = new RateMeter(nowMs, bytesSent);
    const bytesPerSecond = this.#meter.bytesPerSecond(nowMs);
    const state = `${bytesSent} ${Math.round(bytesPerSecond)} ${all.map(({ peerId, chunksHeld }) => `${peerId} ${chunksHeld}`)}`;
    if (state === this.#told) return;
    const isFirst = this.#told === "";
    this.#told = state;
    if (isFirst && all.length === 0 && bytesSent === 0) return;
    const neighbours = [...all].sort((a, b) => a.chunksHeld - b.chunksHeld).slice(0, MAX_NAMED);
    const { contentId, name, chunkCount } = this.#root;
    this.#observe({
      ...{ type: "serving", contentId, name, bytesSent, bytesPerSecond },
      ...{ peers: all.length, copies: this.#copies, chunks: chunkCount },
      neighbours: neighbours.map(({ peerId, endpoint, chunksHeld }) => ({
        peerId,
        endpoint: formatEndpoint(endpoint),
        chunksHeld,
      })),
    });
  }
}
