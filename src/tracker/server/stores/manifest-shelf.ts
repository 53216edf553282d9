// The roots a tracker keeps, bounded in number and bytes, and whom it has asked for those it lacks. Reads no
// clock; the store drops a root with the last lease on it.
import type { ContentId, PeerId } from "../../../core/ids.js";
import type { StoreSize } from "../store.js";

/** A share that many announce at once must not be sent by all of them. */
const MAX_ASKED = 2;

/** Time an asked peer has before another is asked in its place. */
const ASK_TIMEOUT_MS = 30_000;

interface Asked {
  readonly peerId: PeerId;
  readonly untilMs: number;
}

export class ManifestShelf {
  readonly #maxManifests: number;
  readonly #maxBytes: number;
  readonly #manifests = new Map<ContentId, Uint8Array>();
  /** Only for content ids that somebody has a lease on. */
  readonly #asked = new Map<ContentId, readonly Asked[]>();
  #bytes = 0;

  constructor(maxManifests: number, maxBytes: number) {
    this.#maxManifests = maxManifests;
    this.#maxBytes = maxBytes;
  }

  get(contentId: ContentId): Uint8Array | undefined {
    return this.#manifests.get(contentId);
  }

  /** Keeps `bytes`; false if they are there already or there is no room. */
  put(contentId: ContentId, bytes: Uint8Array): boolean {
    this.#asked.delete(contentId);
    if (this.#manifests.has(contentId) || this.#manifests.size >= this.#maxManifests) return false;
    if (this.#bytes + bytes.length > this.#maxBytes) return false;
    this.#manifests.set(contentId, bytes);
    this.#bytes += bytes.length;
    return true;
  }

  drop(contentId: ContentId): void {
    this.#asked.delete(contentId);
    const bytes = this.#manifests.get(contentId);
    if (bytes === undefined) return;
    this.#manifests.delete(contentId);
    this.#bytes -= bytes.length;
  }

  /** Whether to ask `peerId`, who has the share in full, for its root. Who is asked already is asked again,
   * within the same time: the first answer may have been lost. */
  ask(contentId: ContentId, peerId: PeerId, nowMs: number): boolean {
    if (this.#manifests.has(contentId) || this.#manifests.size >= this.#maxManifests) return false;
    if (this.#bytes >= this.#maxBytes) return false;
    const waiting = (this.#asked.get(contentId) ?? []).filter(({ untilMs }) => untilMs > nowMs);
    if (waiting.some((asked) => asked.peerId === peerId)) return true;
    if (waiting.length >= MAX_ASKED) return false;
    this.#asked.set(contentId, [...waiting, { peerId, untilMs: nowMs + ASK_TIMEOUT_MS }]);
    return true;
  }

  size(): Pick<StoreSize, "manifests" | "manifestBytes"> {
    return { manifests: this.#manifests.size, manifestBytes: this.#bytes };
  }
}
