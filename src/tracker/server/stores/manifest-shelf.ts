// Which roots a tracker keeps, bounded in number and bytes, and which peers it has asked for those it lacks. Another
// part keeps their bytes. Reads no clock; the store drops a root with the last lease on it.
import { HostParts } from "../../../address/host-parts.js";
import type { ContentId, PeerId } from "../../../core/ids.js";
import type { StoreLimits, StoreSize } from "../store.js";
import type { LeaseKey } from "../stored-peer.js";

/** If many peers announce a share at once, not all of them are to send its root. */
export const MAX_ASKED_PEERS = 2;

/** Shares asked for at the same time; a peer that announces another is asked when it renews. */
const MAX_ASKED_SHARES = 10_000;

/** The time an asked peer has before another is asked instead. */
export const ASK_TIMEOUT_MS = 30_000;

/** Keeps the bytes of roots. Calls for one content id take effect in their order. */
export interface RootBytes {
  /** The root's bytes, with the digest that is its content id; "lost" if they are not there or damaged, undefined if they
   * cannot be read just now. */
  get(contentId: ContentId): Promise<Uint8Array | "lost" | undefined>;
  /** False if they could not be kept. */
  put(contentId: ContentId, bytes: Uint8Array): Promise<boolean>;
  remove(contentId: ContentId): void;
}

export class RootsInMemory implements RootBytes {
  readonly #roots = new Map<ContentId, Uint8Array>();

  async get(contentId: ContentId): Promise<Uint8Array | "lost"> {
    return this.#roots.get(contentId) ?? "lost";
  }

  async put(contentId: ContentId, bytes: Uint8Array): Promise<boolean> {
    this.#roots.set(contentId, bytes);
    return true;
  }

  remove(contentId: ContentId): void {
    this.#roots.delete(contentId);
  }
}

interface Asked {
  readonly peerId: PeerId;
  readonly host: string;
  readonly untilMs: number;
}

/** A root that is kept, or is being written. */
interface Kept {
  readonly bytes: number;
  /** The address that sent it; undefined if that is no longer known. */
  readonly host: string | undefined;
}

export class ManifestShelf {
  readonly #limits: Pick<StoreLimits, "maxManifests" | "maxManifestBytesTotal">;
  readonly #roots: RootBytes;
  readonly #kept = new Map<ContentId, Kept>();
  /** Only for content ids on which a peer has a lease; the one asked for longest ago comes first. */
  readonly #asked = new Map<ContentId, readonly Asked[]>();
  readonly #askedParts = new HostParts(MAX_ASKED_SHARES);
  readonly #byteParts: HostParts;
  #bytes = 0;

  constructor(limits: Pick<StoreLimits, "maxManifests" | "maxManifestBytesTotal">, roots: RootBytes) {
    this.#limits = limits;
    this.#roots = roots;
    this.#byteParts = new HostParts(limits.maxManifestBytesTotal);
  }

  async get(contentId: ContentId): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(contentId);
    if (kept === undefined) return undefined;
    const bytes = await this.#roots.get(contentId);
    if (bytes !== "lost") return bytes;
    this.#release(contentId, kept);
    return undefined;
  }

  /** Keeps `bytes`, which `host` has sent; false if the root is there already or there is no room. */
  async put(contentId: ContentId, bytes: Uint8Array, host: string): Promise<boolean> {
    this.#setAsked(contentId, []);
    if (!this.#byteParts.hasRoom(host, bytes.length)) return false;
    const kept = this.adopt(contentId, bytes.length, host);
    if (kept === undefined) return false;
    if (await this.#roots.put(contentId, bytes)) return true;
    this.#release(contentId, kept);
    return false;
  }

  /** Counts a root of so many bytes that is kept already; undefined, and no change, if there is no room. */
  adopt(contentId: ContentId, bytes: number, host?: string): Kept | undefined {
    const { maxManifests, maxManifestBytesTotal } = this.#limits;
    if (this.#kept.has(contentId) || this.#kept.size >= maxManifests) return undefined;
    if (this.#bytes + bytes > maxManifestBytesTotal) return undefined;
    const kept = { bytes, host };
    this.#kept.set(contentId, kept);
    this.#count(kept, bytes);
    return kept;
  }

  drop(contentId: ContentId): void {
    this.#setAsked(contentId, []);
    const kept = this.#kept.get(contentId);
    if (kept !== undefined) this.#release(contentId, kept);
  }

  /** Forgets `kept`, unless it was dropped meanwhile. */
  #release(contentId: ContentId, kept: Kept): void {
    if (this.#kept.get(contentId) !== kept) return;
    this.#kept.delete(contentId);
    this.#count(kept, -kept.bytes);
    this.#roots.remove(contentId);
  }

  #count({ host }: Kept, bytes: number): void {
    this.#bytes += bytes;
    if (host !== undefined) this.#byteParts.add(host, bytes);
  }

  /** Whether to ask a peer that has the whole share for its root. A peer that is asked already is asked again, within
   * the same time: the first answer may have been lost. */
  ask(contentId: ContentId, { peerId, host }: LeaseKey, nowMs: number): boolean {
    const { maxManifests, maxManifestBytesTotal } = this.#limits;
    if (this.#kept.has(contentId) || this.#kept.size >= maxManifests) return false;
    if (this.#bytes >= maxManifestBytesTotal || !this.#byteParts.hasRoom(host, 1)) return false;
    const waiting = (this.#asked.get(contentId) ?? []).filter(({ untilMs }) => untilMs > nowMs);
    if (waiting.some((asked) => asked.peerId === peerId)) return true;
    if (waiting.length >= MAX_ASKED_PEERS) return false;
    this.#forgetTimedOut(nowMs);
    if (waiting.length === 0 && this.#asked.size >= MAX_ASKED_SHARES) return false;
    if (!this.#askedParts.hasRoom(host, 1)) return false;
    this.#setAsked(contentId, [...waiting, { peerId, host, untilMs: nowMs + ASK_TIMEOUT_MS }]);
    return true;
  }

  /** Sets which peers are asked for a root; it then counts as the one asked for last. */
  #setAsked(contentId: ContentId, asked: readonly Asked[]): void {
    for (const { host } of this.#asked.get(contentId) ?? []) this.#askedParts.add(host, -1);
    for (const { host } of asked) this.#askedParts.add(host, 1);
    this.#asked.delete(contentId);
    if (asked.length > 0) this.#asked.set(contentId, asked);
  }

  #forgetTimedOut(nowMs: number): void {
    for (const [contentId, asked] of this.#asked) {
      if (asked.some(({ untilMs }) => untilMs > nowMs)) return;
      this.#setAsked(contentId, []);
    }
  }

  size(): Pick<StoreSize, "manifests" | "manifestBytes"> {
    return { manifests: this.#kept.size, manifestBytes: this.#bytes };
  }
}
