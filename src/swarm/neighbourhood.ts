// Who is connected to a download: one connection to each peer, no more of them than allowed, nobody who was banned.
// Says when somebody has come or gone. Neither dials nor asks.
import { pause } from "../core/clock.js";
import { GoshareError } from "../core/errors.js";
import type { PeerId } from "../core/ids.js";
import type { PeerConnection } from "../peer/connection.js";
import type { DownloadPeer } from "./download-peer.js";

export interface NeighbourhoodOptions {
  /** Connections that were dialled, and as many that came from outside. */
  readonly maxPeers: number;
  /** How long a peer is not let in after it stood still; doubles up to the last. */
  readonly minShunMs: number;
  readonly maxShunMs: number;
}

const MAX_SHUNNED = 1_000;

export class Neighbourhood {
  readonly #ownId: PeerId;
  readonly #options: NeighbourhoodOptions;
  readonly #peers = new Map<PeerId, DownloadPeer>();
  readonly #banned = new Set<PeerId>();
  /** Who is not let in for now. */
  readonly #shunned = new Map<PeerId, { times: number; untilMs: number }>();
  /** Connections that end because another to the same peer stays. */
  readonly #successors = new WeakMap<DownloadPeer, DownloadPeer>();
  /** Called when a peer has come or gone. */
  readonly #onChanged = new Set<() => void>();

  constructor(ownId: PeerId, options: NeighbourhoodOptions) {
    this.#ownId = ownId;
    this.#options = options;
  }

  get size(): number {
    return this.#peers.size;
  }

  [Symbol.iterator](): IterableIterator<DownloadPeer> {
    return this.#peers.values();
  }

  get(peerId: PeerId): DownloadPeer | undefined {
    return this.#peers.get(peerId);
  }

  isBanned(peerId: PeerId): boolean {
    return this.#banned.has(peerId);
  }

  /** Nobody with this id is let in any more. */
  ban(peerId: PeerId): void {
    this.#banned.add(peerId);
  }

  /** Nobody with this id is let in for a while, which is longer each time. */
  shun(peerId: PeerId, nowMs: number): void {
    const times = (this.#shunned.get(peerId)?.times ?? 0) + 1;
    const { minShunMs, maxShunMs } = this.#options;
    const shunMs = Math.min(maxShunMs, minShunMs * 2 ** Math.min(times - 1, 16));
    // As many as this are only strangers who make up ids.
    if (this.#shunned.size >= MAX_SHUNNED) this.#shunned.clear();
    this.#shunned.set(peerId, { times, untilMs: nowMs + shunMs });
  }

  isShunned(peerId: PeerId, nowMs: number): boolean {
    return nowMs < (this.#shunned.get(peerId)?.untilMs ?? 0);
  }

  /** Whether there is room for one more that is dialled, or has dialled. */
  hasRoom(role: PeerConnection["role"]): boolean {
    let count = 0;
    for (const { connection } of this.#peers.values()) if (connection.role === role) count++;
    return count < this.#options.maxPeers;
  }

  /** Whether `connection` is wanted: if not, it is hung up and PEER_REFUSED or PEER_CLOSED is thrown. If so, the one
   * whose place it takes, where there is one. */
  judge(connection: PeerConnection, nowMs: number): DownloadPeer | undefined {
    const { peerId } = connection.remote;
    if (this.isShunned(peerId, nowMs))
      throw new GoshareError("PEER_REFUSED", "this peer stopped in the middle of a chunk before");
    if (this.#banned.has(peerId))
      throw new GoshareError("PEER_REFUSED", "this peer has sent wrong bytes before");
    const before = this.#peers.get(peerId);
    if (before === undefined && !this.hasRoom(connection.role)) {
      const error = new GoshareError("PEER_CLOSED", "there are enough peers");
      connection.fail(error, "tooManyConnections");
      throw error;
    }
    if (before !== undefined && !this.#stays(connection, before.connection)) {
      const error = new GoshareError("PEER_CLOSED", "this peer is connected already");
      connection.fail(error, "duplicate");
      throw error;
    }
    return before;
  }

  /** `peer` is connected, and takes the place of `before`, which is asked nothing more and ends when the replies that
   * run there are out. */
  add(peer: DownloadPeer, before: DownloadPeer | undefined): void {
    this.#peers.set(peer.id, peer);
    if (before !== undefined) this.#successors.set(before, peer);
  }

  /** `peer` has gone; the one that took its place, if there is one. */
  remove(peer: DownloadPeer): DownloadPeer | undefined {
    if (this.#peers.get(peer.id) === peer) this.#peers.delete(peer.id);
    return this.#successors.get(peer);
  }

  /** Tells those who wait for a change. */
  tellChanged(): void {
    for (const changed of this.#onChanged) changed();
  }

  /** Resolves when a peer has come or gone. Rejects with the reason of `signal`. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#onChanged.delete(done);
        signal.removeEventListener("abort", done);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      this.#onChanged.add(done);
      signal.addEventListener("abort", done);
    });
  }

  /** Resolves when a peer has come or gone, after `ms` at the latest, or when `signal` aborts. */
  async changedWithin(ms: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    await Promise.race([this.changed(either).catch(() => undefined), pause(ms, either)]);
    enough.abort();
  }

  /** Resolves when there is no connection to `peerId`, or no interest any more. */
  async gone(peerId: PeerId, signal: AbortSignal): Promise<void> {
    while (this.#peers.has(peerId) && !signal.aborted) await this.changed(signal).catch(() => undefined);
  }

  /** Of two connections to one peer the one dialled by the smaller peer id stays; dialled by the same side, the
   * newer. Both sides come to the same result. */
  #stays(newer: PeerConnection, older: PeerConnection): boolean {
    if (newer.role === older.role) return true;
    const isDialledHere = newer.role === "dialler";
    return this.#ownId < newer.remote.peerId === isDialledHere;
  }
}
