// The peers connected to a download: one connection to each, no more of them than allowed, none that was banned. Says
// when a peer has come or gone. Neither dials nor asks.
import { pause } from "../../core/clock.js";
import { GoshareError } from "../../core/errors.js";
import type { PeerId } from "../../core/ids.js";
import type { PeerConnection } from "../../peer/connection.js";
import type { DownloadPeer } from "./download-peer.js";

export interface NeighbourhoodOptions {
  /** Connections at most, whichever side dialled. */
  readonly maxPeers: number;
  /** Peers are looked for until there are so many: an even number, at least 8. As other peers dial too, there are about
   * a third more on average. With fewer than 8 the last of a swarm is done later (docs/swarm-simulation.md); each
   * further one costs a message for every chunk. */
  readonly targetPeers: number;
  /** How long a peer is not let in after it stood still; doubles up to the last. */
  readonly minShunMs: number;
  readonly maxShunMs: number;
}

/** Ids that are remembered: with more than this, a few strangers have made most of them up. */
const MAX_SHUNNED = 1_000;
const MAX_BANNED = 1_000;

export class Neighbourhood {
  readonly #ownId: PeerId;
  readonly #options: NeighbourhoodOptions;
  readonly #peers = new Map<PeerId, DownloadPeer>();
  readonly #banned = new Set<PeerId>();
  /** The peers that are not let in for now. */
  readonly #shunned = new Map<PeerId, { times: number; untilMs: number }>();
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

  /** Lets nobody with this id in any more, until a thousand others are banned. False if it was banned before. */
  ban(peerId: PeerId): boolean {
    if (this.#banned.has(peerId)) return false;
    const [first] = this.#banned;
    if (first !== undefined && this.#banned.size >= MAX_BANNED) this.#banned.delete(first);
    this.#banned.add(peerId);
    return true;
  }

  /** Lets nobody with this id in for a while, longer each time. */
  shun(peerId: PeerId, nowMs: number): void {
    const times = (this.#shunned.get(peerId)?.times ?? 0) + 1;
    const { minShunMs, maxShunMs } = this.#options;
    const shunMs = Math.min(maxShunMs, minShunMs * 2 ** Math.min(times - 1, 16));
    // So many come only from strangers that make up ids.
    if (this.#shunned.size >= MAX_SHUNNED) this.#shunned.clear();
    this.#shunned.set(peerId, { times, untilMs: nowMs + shunMs });
  }

  isShunned(peerId: PeerId, nowMs: number): boolean {
    return nowMs < (this.#shunned.get(peerId)?.untilMs ?? 0);
  }

  /** Whether there is room for one more that is dialled, or has dialled. Some places are kept for peers chosen here: a
   * single attacker could fill all the others. */
  hasRoom(role: PeerConnection["role"]): boolean {
    const { maxPeers } = this.#options;
    const chosen = this.#dialledCount;
    if (role === "dialler") return this.size < maxPeers;
    return this.size - chosen < maxPeers - Math.max(chosen, Math.min(this.#ownChoice, maxPeers >> 1));
  }

  /** How many more should be dialled at a time. Half of the wanted ones are dialled at once; then one after another,
   * since peers that begin at the same time dial most of the rest themselves. */
  get wanted(): number {
    const { maxPeers, targetPeers } = this.#options;
    if (this.size >= maxPeers) return 0;
    if (this.size < targetPeers / 2) return Math.ceil(targetPeers / 2) - this.size;
    return this.size < targetPeers || this.#dialledCount < this.#ownChoice ? 1 : 0;
  }

  /** Whether there are as many as are wanted. */
  get isFull(): boolean {
    return this.size >= Math.min(this.#options.targetPeers, this.#options.maxPeers);
  }

  /** How many are dialled here, however many have dialled. */
  get #ownChoice(): number {
    return Math.ceil(this.#options.targetPeers / 4);
  }

  get #dialledCount(): number {
    let count = 0;
    for (const { connection } of this.#peers.values()) if (connection.role === "dialler") count++;
    return count;
  }

  /** Decides whether `connection` is wanted. If not, disconnects it and throws PEER_REFUSED or PEER_CLOSED. If so,
   * returns the one whose place it takes, if any. A peer that `isNamed` by the user always has room. */
  judge(connection: PeerConnection, isNamed: boolean, nowMs: number): DownloadPeer | undefined {
    const { peerId } = connection.remote;
    if (this.isShunned(peerId, nowMs))
      throw new GoshareError("PEER_REFUSED", "this peer has stopped in the middle of a chunk before");
    if (this.#banned.has(peerId))
      throw new GoshareError("PEER_REFUSED", "this peer has sent wrong bytes before");
    const before = this.#peers.get(peerId);
    if (before === undefined && !isNamed && !this.hasRoom(connection.role)) {
      const error = new GoshareError("PEER_CLOSED", "there are already enough peers");
      connection.fail(error, "tooManyConnections");
      throw error;
    }
    if (before !== undefined && !this.#stays(connection, before.connection)) {
      const error = new GoshareError("PEER_CLOSED", "this peer is already connected");
      connection.fail(error, "duplicate");
      throw error;
    }
    return before;
  }

  /** `peer` is connected, and takes the place of any other connection to the same peer: that one is asked nothing more,
   * and ends when its running replies are out. */
  add(peer: DownloadPeer): void {
    this.#peers.set(peer.id, peer);
  }

  /** `peer` has gone. Returns the connection to the same peer that stays, if there is one. */
  remove(peer: DownloadPeer): DownloadPeer | undefined {
    if (this.#peers.get(peer.id) === peer) this.#peers.delete(peer.id);
    return this.#peers.get(peer.id);
  }

  /** Wakes those that wait for a change. */
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

  /** Resolves when there is no connection to `peerId` any more, or when `signal` aborts. */
  async gone(peerId: PeerId, signal: AbortSignal): Promise<void> {
    while (this.#peers.has(peerId) && !signal.aborted) await this.changed(signal).catch(() => undefined);
  }

  /** Of two connections to one peer the one dialled by the smaller peer id stays; if one side dialled both, the newer.
   * Both sides come to the same result. */
  #stays(newer: PeerConnection, older: PeerConnection): boolean {
    if (newer.role === older.role) return true;
    const isDialledHere = newer.role === "dialler";
    return this.#ownId < newer.remote.peerId === isDialledHere;
  }
}
