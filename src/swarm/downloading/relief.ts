// Looks after a download now and then: no chunk waits for a slow peer while another has nothing to do, no peer waits
// for memory that another holds and does not fill, and the download does not wait for offers that never come. Asks only
// through its owner, and knows no sockets: the simulator runs it as it is.
import { stoodStill } from "../../core/clock.js";
import { type HandOverOptions, HandOvers, type PacedPeer } from "./hand-over.js";
import type { ChunkScheduler } from "./scheduler.js";
import { StallWatch, type WatchedPeer } from "./stall-watch.js";

export interface ReliefOptions extends HandOverOptions {
  /** How often a download looks for chunks that should rather come from another peer. */
  readonly handOverTickMs: number;
  /** A download stops waiting for offers when none has come for this long and nothing is asked of any peer. In a large
   * swarm several seconds go by before every peer has a first chunk, and asking earlier only gets in the way: with 2 s,
   * 16 downloads took 2 to 3 times as long. */
  readonly unofferedMs: number;
  /** How long a peer that stops in the middle of a chunk keeps its memory while others wait for some. */
  readonly stalledSlotMs: number;
}

/** A peer of a download, as far as this matters. */
export interface RelievedPeer extends PacedPeer, WatchedPeer {
  /** Chunks asked for and not answered. */
  readonly requests: { readonly size: number };
  /** Requests that may be open at a time. */
  readonly window: number;
  readonly isReadyForOne: boolean;
  readonly hasRoomForGroup: boolean;
  cancel(chunkIndex: number): void;
}

/** The download that is looked after. */
export interface Relieved<Peer extends RelievedPeer> {
  peers(): readonly Peer[];
  /** Whether a peer waits for memory. */
  isShortOfMemory(): boolean;
  /** Whether the rate lets a chunk be asked of `peer` now. If so, one is asked for, or `spare` is called. */
  mayAsk(peer: Peer): boolean;
  spare(peer: Peer): void;
  request(peer: Peer, chunkIndex: number): void;
  /** This peer stands still: it is to be disconnected. */
  stalled(peer: Peer): void;
}

export class Relief<Peer extends RelievedPeer> {
  readonly #scheduler: ChunkScheduler;
  readonly #owner: Relieved<Peer>;
  readonly #handOvers: HandOvers<Peer>;
  readonly #stalls: StallWatch<Peer>;
  readonly #unofferedMs: number;
  readonly #tickMs: number;
  readonly #stalledSlotMs: number;
  /** When the next tick is due. */
  #tickAtMs = Number.POSITIVE_INFINITY;
  /** Since when nothing has come and nothing has been asked of any peer; undefined if something has. Where chunks come
   * quickly after they were offered, hardly a tick sees a request. */
  #idleSinceMs: number | undefined;

  constructor(options: ReliefOptions, scheduler: ChunkScheduler, owner: Relieved<Peer>) {
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#handOvers = new HandOvers(options, scheduler);
    this.#stalls = new StallWatch(options.stalledSlotMs);
    this.#unofferedMs = options.unofferedMs;
    this.#tickMs = options.handOverTickMs;
    this.#stalledSlotMs = options.stalledSlotMs;
  }

  /** Something has come from this peer. */
  heard(peer: Peer): void {
    this.#handOvers.heard(peer);
    this.#idleSinceMs = undefined;
  }

  /** A chunk has come from `peer`: another peer that was asked for it need not give it. */
  arrived(peer: Peer, chunkIndex: number): void {
    const handOver = this.#handOvers.end(chunkIndex);
    for (const other of [handOver?.from, handOver?.to]) if (other !== peer) other?.cancel(chunkIndex);
  }

  /** A peer has left a chunk, as it was told to, for another to give. */
  left(chunkIndex: number): void {
    const to = this.#handOvers.end(chunkIndex)?.to;
    if (to?.isReadyForOne && this.#scheduler.take(to.id, [chunkIndex]) !== undefined)
      this.#owner.request(to, chunkIndex);
  }

  peerLeft(peer: Peer): void {
    this.#handOvers.peerLeft(peer);
  }

  /** To be called every `handOverTickMs`. */
  tick(nowMs: number): void {
    const peers = this.#owner.peers();
    if (stoodStill(this.#tickAtMs, nowMs, this.#stalledSlotMs)) {
      for (const peer of peers) peer.pace.stoodStill(nowMs);
      this.#stalls.forget();
      this.#idleSinceMs = undefined;
    }
    this.#tickAtMs = nowMs + this.#tickMs;
    const stalled = this.#owner.isShortOfMemory() ? this.#stalls.stalled(peers, nowMs) : [];
    for (const peer of stalled) this.#owner.stalled(peer);
    if (this.#scheduler.isAllTaken) for (const to of peers) this.#takeOver(to, peers, nowMs);
    for (const handOver of this.#handOvers.overdue(nowMs)) {
      // The slow peer does not say whether it leaves the chunk: asks the other too.
      if (!handOver.to.isReadyForOne || !this.#owner.mayAsk(handOver.to)) continue;
      handOver.isDoubled = true;
      this.#scheduler.alsoAsked(handOver.to.id, handOver.chunkIndex);
      this.#owner.request(handOver.to, handOver.chunkIndex);
    }
    this.#askUnoffered(peers, nowMs);
  }

  #takeOver(to: Peer, peers: readonly Peer[], nowMs: number): void {
    if (!to.isReadyForOne || (to.requests.size > 0 && !to.hasRoomForGroup)) return;
    for (let room = Math.max(1, to.window - to.requests.size); room > 0; room--) {
      const handOver = this.#handOvers.begin(to, peers, nowMs);
      if (handOver === undefined) return;
      handOver.from.cancel(handOver.chunkIndex);
    }
  }

  /** If no peer offers anything, asks for one chunk all the same: it may have failed elsewhere, or the peers that hold
   * it do not keep to the rules. */
  #askUnoffered(peers: readonly Peer[], nowMs: number): void {
    const isIdle = peers.length > 0 && peers.every(({ requests }) => requests.size === 0);
    if (!isIdle) this.#idleSinceMs = undefined;
    else this.#idleSinceMs ??= nowMs;
    if (this.#idleSinceMs === undefined || nowMs - this.#idleSinceMs < this.#unofferedMs) return;
    this.#idleSinceMs = undefined;
    for (const peer of peers) {
      if (!peer.isReadyForOne || !this.#owner.mayAsk(peer)) continue;
      const chunkIndex = this.#scheduler.next(peer.id);
      if (chunkIndex === undefined) this.#owner.spare(peer);
      else this.#owner.request(peer, chunkIndex);
    }
  }
}
