// Samples of one swarm: who is drawn, and a copy of what is known of them. Everything is done for a whole batch of leases
// before the next step: of a large swarm hardly a row is in the processor's caches, and it fetches rows side by side
// only if they are asked for close together. Changes nothing.
import { type PeerId, writeHex } from "../../../../core/ids.js";
import { ID_WORDS } from "../../packed-place.js";
import { PeerRows } from "../../peer-rows.js";
import type { LeaseRows } from "./lease-rows.js";
import { MAX_BATCH, MixedSampler } from "./mixed-sample.js";
import type { Peers } from "./peers.js";
import { NO_ROW } from "./slab.js";
import { COMPLETE, PARTIAL, type Swarms } from "./swarms.js";

/** A peer id as a table of peers holds it. */
export type IdWords = Int32Array;

export function idWordsOf(id: PeerId): IdWords {
  const words = new Int32Array(ID_WORDS);
  writeHex(id, new Uint8Array(words.buffer), 0);
  return words;
}

export class SwarmSampler {
  readonly #peers: Peers;
  readonly #leases: LeaseRows;
  readonly #swarms: Swarms;
  readonly #sampler: MixedSampler;
  /** What is drawn, a batch at a time. */
  readonly #drawn = new Int32Array(MAX_BATCH);
  readonly #drawnPeers = new Int32Array(MAX_BATCH);
  readonly #chunksHeld = new Int32Array(MAX_BATCH);

  /** `random` gives numbers from 0 up to, not including, 1. */
  constructor(peers: Peers, leases: LeaseRows, swarms: Swarms, random: () => number) {
    this.#peers = peers;
    this.#leases = leases;
    this.#swarms = swarms;
    this.#sampler = new MixedSampler(random);
  }

  /** At most `max` peers that have a live lease in `swarm` and can be reached somewhere, none of them in `excluded`. */
  sample(swarm: number, max: number, excluded: readonly IdWords[], nowMs: number): PeerRows {
    const complete = this.#swarms.listedIn(swarm, COMPLETE);
    const partial = this.#swarms.listedIn(swarm, PARTIAL);
    const most = Math.min(max, complete + partial);
    const rows = PeerRows.withRoomFor(most);
    this.#sampler.draw({
      counts: [complete, partial],
      max: most,
      spare: excluded.length,
      take: (group, positions, count) => {
        this.#swarms.leasesAt(swarm, group, positions, count, this.#drawn);
        const usable = this.#usable(count, excluded, nowMs);
        this.#peers.copyEach(this.#drawnPeers, this.#chunksHeld, usable, group === COMPLETE, rows);
        return usable;
      },
    });
    return rows;
  }

  /** Of the first `count` drawn leases, how many may be given: their peers, and what these hold, are noted. */
  #usable(count: number, excluded: readonly IdWords[], nowMs: number): number {
    let usable = 0;
    for (let i = 0; i < count; i++) {
      const lease = this.#drawn[i] ?? NO_ROW;
      // A lease that has ended is there until it is cleared away.
      if (this.#leases.hasEnded(lease, nowMs)) continue;
      const peer = this.#leases.peerOf(lease);
      if (excluded.length > 0 && excluded.some((id) => this.#peers.hasId(peer, id))) continue;
      this.#drawnPeers[usable] = peer;
      this.#chunksHeld[usable] = this.#leases.chunksHeld(lease);
      usable += 1;
    }
    return usable;
  }
}
